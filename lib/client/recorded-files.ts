/** Exported files as runs, one at a time: what replay, backtest, reports and samples read. Bytes read so far tell how far it is. */
import { stat } from "node:fs/promises";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { type RecordedEvent, recordedEvent } from "../run/events.js";
import { logKey } from "../run/keys.js";
import { jsonOrUndefined, lineBatches } from "./export-spool.js";

const typed = z.looseObject({ type: z.string() });

export interface ReadRun {
  readonly events: readonly RecordedEvent[];
  /** of the files together, up to the end of this run */
  readonly bytes: number;
}

/** @throws CountersignError CS-5002 when a file is not there */
export async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => {
          throw new CountersignError(
            "CS-5002",
            `${file}: there is no such file; give a file written by \`countersign run export\``,
          );
        },
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @throws CountersignError CS-5141 for a line that is no event: `run verify` says what is wrong with a file */
export async function* runsInFiles(files: readonly string[]): AsyncGenerator<ReadRun> {
  await sizeOf(files);
  let passed = 0;
  for (const file of files) {
    let events: RecordedEvent[] = [];
    let bytes = 0;
    for await (const lines of lineBatches(file)) {
      for (const { line, from, number } of lines) {
        if (isStatement(line)) continue;
        const event = parseLine(file, number, line);
        const last = events.at(-1);
        if (last !== undefined && (event === undefined || !sameRun(last, event))) {
          yield { events, bytes: passed + from };
          events = [];
        }
        if (event !== undefined) events.push(event);
        bytes = from + Buffer.byteLength(line) + 1;
      }
    }
    if (events.length > 0) yield { events, bytes: passed + bytes };
    passed += bytes;
  }
}

const keyOf = ({ workflow, tenant, run_id: runId }: RecordedEvent) => logKey.pk({ workflow, tenant, runId });
const sameRun = (left: RecordedEvent, right: RecordedEvent) => keyOf(left) === keyOf(right);

/** What the notary signed stands among a run's events, or after all; `verify` reads it. */
const isStatement = (line: string): boolean => {
  const type = typed.safeParse(line.includes('"signature":') ? jsonOrUndefined(line) : undefined).data?.type;
  return type === "Checkpoint" || type === "Digest";
};

function parseLine(file: string, number: number, line: string): RecordedEvent | undefined {
  const value = jsonOrUndefined(line);
  if (typed.safeParse(value).data?.type === "ExportManifest") return undefined;
  const parsed = recordedEvent.safeParse(value);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
  throw new CountersignError(
    "CS-5141",
    `${file}, line ${number + 1}: is not an event of an export${path === "" ? "" : ` (at ${path.slice(0, 100)})`}; export events as JSON lines, and \`countersign run verify\` says what is wrong with a file`,
  );
}
