/** `chain <file> <events>` chains whole runs and writes their export, `verify <file> <events>` verifies it; answers with time and peak memory. */
import { createWriteStream } from "node:fs";
import { exportLines } from "../lib/audit/export.js";
import { verifyFiles } from "../lib/client/verify.js";
import type { RecordedEvent } from "../lib/run/events.js";

const [what, file = "", count = ""] = process.argv.slice(2);
const events = Number(count);
const ms = what === "chain" ? await chain() : await verify();
console.log(JSON.stringify({ events, ms, peakMB: process.resourceUsage().maxRSS / 1024 }));

/** Milliseconds spent appending to the chain; writing the export, which verify reads, is not counted. */
async function chain(): Promise<number> {
  const { chainedRun } = await import("./log-events.js");
  let ms = 0;
  const timed = (tenant: string, limit: number) => {
    const began = performance.now();
    const chained = chainedRun(tenant, limit);
    ms += performance.now() - began;
    return chained;
  };
  const out = createWriteStream(file);
  let batch: string[] = [];
  const flush = async () => {
    if (!out.write(batch.join(""))) await new Promise<void>((resolve) => void out.once("drain", resolve));
    batch = [];
  };
  for await (const line of exportLines(runs(timed))) {
    batch.push(`${line}\n`);
    if (batch.length === 2000) await flush();
  }
  await flush();
  await new Promise<void>((resolve) => void out.end(() => resolve()));
  return ms;
}

/** Exactly as many events as asked for: the last run is one that is still open. */
function* runs(chainedRun: (tenant: string, limit: number) => RecordedEvent[]): Generator<readonly RecordedEvent[]> {
  let left = events;
  for (let run = 0; left > 0; run++) {
    const chained = chainedRun(`tenant-${run}`, left);
    left -= chained.length;
    yield chained;
  }
}

/** As `countersign run verify` does, from the file to the verdict. */
async function verify(): Promise<number> {
  const began = performance.now();
  const { ok, validRecords, summary } = await verifyFiles([file]);
  const ms = performance.now() - began;
  if (!ok || validRecords !== events) throw new Error(`${validRecords} of ${events} valid: ${summary}`);
  return ms;
}
