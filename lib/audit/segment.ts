/** A segment of the archive: some of a run's records as gzipped JSON lines. */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { jcs } from "../run/canonical.js";
import type { RecordedEvent } from "../run/events.js";

/** Bytes of a run's segment when unpacked: far above 400 kB a record times what one segment holds. */
const MAX_SEGMENT_BYTES = 512 * 1024 * 1024;

export const segmentLines = (events: readonly RecordedEvent[]): readonly string[] => events.map((event) => jcs(event));

export const packLines = (lines: readonly string[]): Uint8Array => gzipSync(lines.map((line) => `${line}\n`).join(""));

/** The lines of a segment, without line ends; undefined for bytes that are no such file. */
export function unpackLines(bytes: Uint8Array): readonly string[] | undefined {
  try {
    const text = gunzipSync(bytes, { maxOutputLength: MAX_SEGMENT_BYTES }).toString("utf8");
    return text.endsWith("\n") ? text.slice(0, -1).split("\n") : undefined;
  } catch {
    return undefined;
  }
}

export const sha256OfBytes = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
