/** The lines of an export that was cut off: how far it is whole, and where it goes on. */
import { open, stat, writeFile } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import * as z from "zod";
import type { ExportManifest } from "../audit/manifest.js";
import { checkpoint } from "../audit/statement.js";
import { type RecordedEvent, recordedEvent } from "../run/events.js";
import { logKey } from "../run/keys.js";
import type { Continuation } from "./export-source.js";

const CHUNK = 128 * 1024;

export interface Spool {
  /** bytes of whole runs */
  readonly bytes: number;
  readonly lines: number;
  /** for the manifest; none when the lines are records */
  readonly runs: ExportManifest["runs"];
  readonly continued: Continuation | undefined;
}
export const EMPTY: Spool = { bytes: 0, lines: 0, runs: [], continued: undefined };

/** What a cut-off part holds whole. The last run may lack events, so it is read again. */
export async function readSpool(part: string, shape: "events" | "records", evidence = false): Promise<Spool> {
  return (await stat(part).catch(() => undefined)) === undefined
    ? await writeFile(part, "").then(() => EMPTY)
    : shape === "events"
      ? readEvents(part, evidence)
      : readRecords(part);
}

async function readEvents(part: string, evidence: boolean): Promise<Spool> {
  const runs: ExportManifest["runs"] = [];
  const withEvidence = evidence ? { checkpoint: null } : {};
  let spool: Spool = EMPTY;
  let last: { run: ExportManifest["runs"][number]; first: RecordedEvent; from: number; lines: number } | undefined;
  for await (const { line, from, number } of wholeLines(part)) {
    const value = jsonOrUndefined(line);
    const statement = checkpoint.safeParse(value);
    if (statement.success && last !== undefined) {
      last.run = { ...last.run, checkpoint: statement.data.hash };
      continue;
    }
    const parsed = recordedEvent.safeParse(value);
    if (!parsed.success) break; // the manifest, a digest, or what a crash left
    const event = parsed.data;
    const run = logKey.pk({ workflow: event.workflow, tenant: event.tenant, runId: event.run_id });
    if (last?.run.run !== run) {
      if (last !== undefined) {
        runs.push(last.run);
        const { workflow, tenant, run_id: runId, at: startedAt } = last.first;
        const continued = { after: { workflow, tenant, runId, startedAt }, runs: runs.length };
        spool = { bytes: from, lines: number, runs, continued };
      }
      last = { run: { run, events: 0, head: "", ...withEvidence }, first: event, from, lines: number };
    }
    last.run = { ...last.run, run, events: last.run.events + 1, head: event.hash };
  }
  return spool;
}

const recordStart = z.looseObject({
  workflow: z.string(),
  tenant_id: z.string(),
  run_id: z.string(),
  started_at: z.string(),
});

async function readRecords(part: string): Promise<Spool> {
  let spool: Spool = EMPTY;
  for await (const { line, from, number } of wholeLines(part)) {
    const parsed = recordStart.safeParse(jsonOrUndefined(line));
    if (!parsed.success) break;
    const { workflow, tenant_id: tenant, run_id: runId, started_at: startedAt } = parsed.data;
    const continued = { after: { workflow, tenant, runId, startedAt }, runs: number + 1 };
    spool = { bytes: from + Buffer.byteLength(line) + 1, lines: number + 1, runs: [], continued };
  }
  return spool;
}

interface Line {
  readonly line: string;
  /** byte where it begins */
  readonly from: number;
  /** lines before it */
  readonly number: number;
  /** it ends with a line end */
  readonly whole: boolean;
}

async function* wholeLines(file: string): AsyncGenerator<Line> {
  for await (const lines of lineBatches(file)) yield* lines.filter(({ whole }) => whole);
}

/** The lines of a file, some at a time, through one buffer that is used again and again. */
export async function* lineBatches(file: string): AsyncGenerator<readonly Line[]> {
  const handle = await open(file, "r");
  const buffer = Buffer.allocUnsafe(CHUNK);
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let from = 0;
  let number = 0;
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK);
      if (bytesRead === 0) break;
      const texts = (rest + decoder.write(buffer.subarray(0, bytesRead))).split("\n");
      rest = texts.pop() ?? "";
      const lines: Line[] = [];
      for (const line of texts) {
        lines.push({ line, from, number, whole: true });
        from += Buffer.byteLength(line) + 1;
        number += 1;
      }
      yield lines;
    }
    rest += decoder.end();
    if (rest !== "") yield [{ line: rest, from, number, whole: false }];
  } finally {
    await handle.close();
  }
}

export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
