/** `chain <file> <events>` writes an export of reference runs, `verify <file> <events>` verifies it; answers with time and peak memory. */
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { exportLines } from "../lib/audit/export.js";
import { createVerifier } from "../lib/audit/verify.js";
import type { RecordedEvent } from "../lib/run/events.js";

const [what, file = "", count = ""] = process.argv.slice(2);
const events = Number(count);
const ms = what === "chain" ? await chain() : await verify();
console.log(JSON.stringify({ events, ms, peakMB: process.resourceUsage().maxRSS / 1024 }));

/** Milliseconds spent chaining, hashing and serialising; writing the file is not counted. */
async function chain(): Promise<number> {
  const { chainedRun } = await import("./log-events.js");
  const out = createWriteStream(file);
  let ms = 0;
  let began = performance.now();
  let batch: string[] = [];
  const flush = async () => {
    ms += performance.now() - began;
    if (!out.write(batch.join(""))) await new Promise<void>((resolve) => void out.once("drain", resolve));
    batch = [];
    began = performance.now();
  };
  for await (const line of exportLines(runs(chainedRun))) {
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

async function verify(): Promise<number> {
  const began = performance.now();
  const verifier = createVerifier();
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY }))
    verifier.add(line);
  const report = verifier.finish();
  const ms = performance.now() - began;
  if (!report.ok || report.validRecords !== events)
    throw new Error(`${report.validRecords} of ${events} valid: ${report.faults[0]?.message}`);
  return ms;
}
