/** Chain and verify: events a second, and the peak memory of a process that does only that. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { compiled } from "./compile.js";
import { type Benchmark, type Figure, median } from "./measure.js";

const SIZES = [
  { events: 1000, rounds: 3 },
  { events: 100_000, rounds: 2 },
  { events: 1_000_000, rounds: 1 },
] as const;
const answer = z.strictObject({ events: z.int(), ms: z.number(), peakMB: z.number() });
type Answer = z.output<typeof answer>;

export const log: Benchmark = {
  name: "log",
  about: "whole runs appended to their hash chains, and their export verified from the file, each in a child process",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
    try {
      const program = await compiled("log-child", folder);
      const figures: Figure[] = [];
      for (const { events, rounds } of SIZES) {
        const file = join(folder, `${events}.jsonl`);
        const [chained, verified]: [Answer[], Answer[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          chained.push(await child(program, "chain", file, events));
          verified.push(await child(program, "verify", file, events));
        }
        await rm(file);
        const count = events.toLocaleString("en-US");
        figures.push(
          { name: `append ${count} events`, value: rate(chained), unit: "/s", aim: { atLeast: 100_000 } },
          { name: `verify ${count} events`, value: rate(verified), unit: "/s", aim: { atLeast: 100_000 } },
          { name: `verify ${count} events, peak memory`, value: peak(verified), unit: "MB", aim: { atMost: 150 } },
        );
      }
      return figures;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function child(program: string, what: "chain" | "verify", file: string, events: number): Promise<Answer> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, what, file, String(events)]);
  return answer.parse(JSON.parse(stdout));
}

const rate = (answers: readonly Answer[]) => median(answers.map(({ events, ms }) => (events * 1000) / ms));
const peak = (answers: readonly Answer[]) => median(answers.map(({ peakMB }) => peakMB));
