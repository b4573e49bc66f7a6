/**
 * Covers the log with signed checkpoints. Woken by the log's stream when a run ends, so that its checkpoint comes at once, and by a schedule, which finds
 * everything that the stream did not bring. May run twice, late, in parts, or beside itself.
 */
import * as z from "zod";
import { CountersignError } from "../../lib/errors.js";
import { logKey } from "../../lib/run/keys.js";
import { logLine } from "../shared/log.js";
import type { NotaryDeps } from "./deps.js";
import { coverRun, errorText, newMemory, type Swept, sweep } from "./sweep.js";

const streamRecord = z.object({
  dynamodb: z.object({ SequenceNumber: z.string(), Keys: z.object({ pk: z.object({ S: z.string() }) }) }),
});
const notaryEvent = z.union([z.strictObject({ sweep: z.literal(true) }), z.object({ Records: z.array(z.unknown()) })]);

export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export function createHandler(deps: NotaryDeps) {
  const memory = newMemory();

  async function coverRecord(record: unknown): Promise<boolean> {
    const parsed = streamRecord.safeParse(record);
    const run = parsed.success ? logKey.parse(parsed.data.dynamodb.Keys.pk.S) : undefined;
    if (run === undefined) {
      // Not ours to sign, and the sweep reads the log itself: told, and not delivered again.
      logLine("error", "a stream record that names no run");
      return true;
    }
    try {
      await coverRun(deps, memory, run);
      return true;
    } catch (error) {
      logLine("warn", "run not covered", { workflow: run.workflow, run_id: run.runId, error: errorText(error) });
      return false;
    }
  }

  /** In order; from the first failure on the stream delivers again. */
  async function coverBatch(records: readonly unknown[]): Promise<BatchAnswer> {
    for (const record of records) {
      if (await coverRecord(record)) continue;
      const parsed = streamRecord.safeParse(record);
      return { batchItemFailures: [{ itemIdentifier: parsed.data?.dynamodb.SequenceNumber ?? "" }] };
    }
    return { batchItemFailures: [] };
  }

  async function sweepAll(): Promise<Swept> {
    const swept = await sweep(deps, memory);
    logLine("info", "swept", { runs: swept.runs, failed: swept.failed.length, digest: swept.digest ?? 0 });
    if (swept.failed.length > 0)
      throw new CountersignError(
        "CS-3412",
        `notary: ${swept.failed.length} of ${swept.runs} runs are not covered: ${swept.failed.slice(0, 5).join(", ")}; the next sweep tries again, see the runbook`,
      );
    return swept;
  }

  return async (event: unknown): Promise<BatchAnswer | Swept> => {
    const asked = notaryEvent.parse(event);
    return "sweep" in asked ? sweepAll() : coverBatch(asked.Records);
  };
}
