/** Executions and their histories on disk: one JSON Lines file each, appended as they run. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { appendPrivateLine, writePrivateFile } from "../services/support/files.js";
import { type HistoryEvent, HistoryEventSchema } from "./history.js";

export const EXECUTION_STATUSES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] as const;

const RecordSchema = z.strictObject({
  executionArn: z.string(),
  stateMachineArn: z.string(),
  name: z.string(),
  status: z.enum(EXECUTION_STATUSES),
  startDateMs: z.number(),
  stopDateMs: z.number().exactOptional(),
  input: z.string(),
  output: z.string().exactOptional(),
  error: z.string().exactOptional(),
  cause: z.string().exactOptional(),
});
/** One execution. `input` and `output` are JSON texts, times epoch milliseconds. */
export type ExecutionRecord = Readonly<z.infer<typeof RecordSchema>>;

/** The last record line counts. */
const LineSchema = z.union([
  z.strictObject({ execution: RecordSchema }),
  z.strictObject({ event: HistoryEventSchema }),
]);

export class ExecutionStore {
  private readonly pending = new Map<string, string[]>();
  private flushing = false;

  constructor(
    private readonly folder: string,
    private readonly log: (line: string) => void,
  ) {}

  /** The executions of earlier processes, oldest first. A file that cannot be read is named in the log and left alone. */
  load(): ExecutionRecord[] {
    if (!existsSync(this.folder)) return [];
    const records: ExecutionRecord[] = [];
    for (const name of readdirSync(this.folder).sort()) {
      if (!name.endsWith(".jsonl")) continue;
      const { record } = this.read(join(this.folder, name));
      if (record !== undefined) records.push(record);
    }
    return records.sort((a, b) => a.startDateMs - b.startDateMs);
  }

  /** Writes the execution's current record. */
  saveRecord(record: ExecutionRecord): void {
    this.append(record.executionArn, JSON.stringify({ execution: record }));
  }

  saveEvent(executionArn: string, event: HistoryEvent): void {
    this.append(executionArn, JSON.stringify({ event }));
  }

  events(executionArn: string): HistoryEvent[] {
    this.flush();
    return this.read(this.fileOf(executionArn)).events;
  }

  /** Writes what is waiting. */
  flush(): void {
    const batches = [...this.pending];
    this.pending.clear();
    for (const [executionArn, lines] of batches) appendPrivateLine(this.fileOf(executionArn), lines.join("\n"));
  }

  clear(): void {
    this.pending.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private append(executionArn: string, line: string): void {
    const lines = this.pending.get(executionArn);
    if (lines === undefined) this.pending.set(executionArn, [line]);
    else lines.push(line);
    if (this.flushing) return;
    this.flushing = true;
    // One write per execution and turn of the event loop, not one per event.
    setImmediate(() => {
      this.flushing = false;
      try {
        this.flush();
      } catch (error) {
        // A full disk must not end the executions that are running.
        this.log(`states: writing histories failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }

  private fileOf(executionArn: string): string {
    const [machine, name] = executionArn.split(":").slice(-2);
    const readable = `${machine}-${name}`.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, 120);
    return join(
      this.folder,
      `${readable}-${createHash("sha256").update(executionArn).digest("hex").slice(0, 8)}.jsonl`,
    );
  }

  private read(path: string): { readonly record: ExecutionRecord | undefined; readonly events: HistoryEvent[] } {
    const events: HistoryEvent[] = [];
    let record: ExecutionRecord | undefined;
    const lines = this.completeLines(path);
    for (const [index, text] of lines.entries()) {
      const line = parseLine(text);
      if (line === undefined) {
        this.log(`states: ${path} line ${index + 1} is no execution record or event; the file is left out`);
        return { record: undefined, events: [] };
      }
      if ("event" in line) events.push(line.event);
      else record = line.execution;
    }
    return { record, events };
  }

  /** A process that died while writing leaves a last line without its end: it is cut off. */
  private completeLines(path: string): string[] {
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    const torn = lines.pop();
    if (torn !== undefined && torn !== "") {
      writePrivateFile(path, lines.map((line) => `${line}\n`).join(""));
    }
    return lines;
  }
}

function parseLine(text: string): z.infer<typeof LineSchema> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return LineSchema.safeParse(value).data;
}
