/** Export: events a second and peak memory, in a child process, against plain parse and stringify of the same lines in another. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { compiled } from "./compile.js";
import type { Benchmark, Figure } from "./measure.js";

const EVENTS = 1_000_000;
const answer = z.strictObject({ events: z.int(), ms: z.number(), peakMB: z.number() });

export const exportBench: Benchmark = {
  name: "export",
  about: `${EVENTS.toLocaleString("en-US")} events of whole runs exported to a file, each form in a child process; against reading the same lines, JSON.parse and JSON.stringify`,
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
    try {
      const program = await compiled("export-child", folder);
      const run = async (...args: string[]) =>
        answer.parse(JSON.parse((await promisify(execFile)(process.execPath, [program, ...args])).stdout));
      const file = join(folder, "events.jsonl");
      const lines = await run("export", file, String(EVENTS), "jsonl");
      const plain = await run("plain", file);
      await rm(file);
      const figures: Figure[] = [
        { name: "jsonl", value: (EVENTS * 1000) / lines.ms, unit: "/s" },
        { name: "jsonl, peak memory", value: lines.peakMB, unit: "MB", aim: { atMost: 150 } },
        { name: "plain parse and stringify", value: (EVENTS * 1000) / plain.ms, unit: "/s" },
        { name: "jsonl against plain, throughput", value: plain.ms / lines.ms, unit: "x" },
      ];
      for (const format of ["csv", "parquet"]) {
        const made = await run("export", join(folder, `events.${format}`), String(EVENTS), format);
        await rm(join(folder, `events.${format}`));
        figures.push(
          { name: format, value: (EVENTS * 1000) / made.ms, unit: "/s" },
          { name: `${format}, peak memory`, value: made.peakMB, unit: "MB", aim: { atMost: 150 } },
        );
      }
      return figures;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
