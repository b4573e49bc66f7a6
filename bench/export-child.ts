/**
 * `export <file> <events> <format>` exports runs as `countersign run export` does, `plain <file>` parses and stringifies the lines of a file and
 * does nothing else; answers with time and peak memory.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { ExportJob } from "../lib/client/export-file.js";
import type { RecordedEvent } from "../lib/run/events.js";

const [what, file = "", count = "0", format = "jsonl"] = process.argv.slice(2);
const events = Number(count);
let making = 0;
const ms = what === "export" ? await exported() : await plain();
console.log(JSON.stringify({ events, ms, peakMB: process.resourceUsage().maxRSS / 1024 }));

/** Milliseconds without the making of the events, which the log or the archive would have done. */
async function exported(): Promise<number> {
  const [{ exportToFile }, { chainedRun }] = await Promise.all([
    import("../lib/client/export-file.js"),
    import("./log-events.js"),
  ]);
  const job: ExportJob = {
    v: 1,
    shape: "events",
    format: format === "csv" || format === "parquet" ? format : "jsonl",
    selection: { workflows: ["billing-dispute"], filter: {} },
  };
  const began = performance.now();
  const runs = function* (): Generator<readonly RecordedEvent[]> {
    let left = events;
    for (let run = 0; left > 0; run++) {
      const from = performance.now();
      const chained = chainedRun(`tenant-${run}`, left);
      making += performance.now() - from;
      left -= chained.length;
      yield chained;
    }
  };
  await exportToFile(file, job, runs, { resume: false });
  return performance.now() - began - making;
}

async function plain(): Promise<number> {
  const began = performance.now();
  let bytes = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY }))
    bytes += JSON.stringify(JSON.parse(line)).length;
  if (bytes === 0) throw new Error(`${file} is empty`);
  return performance.now() - began;
}
