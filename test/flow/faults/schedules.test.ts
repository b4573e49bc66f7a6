/**
 * Random schedules of concurrent runs, decisions, stops, repeats and faults: 10,000 by `npm run test:faults`, a part of them by `npm test`.
 * Functions run in this process (host.ts), on the whole embedded cloud; a sample goes through bundles and child processes.
 *
 *   COUNTERSIGN_FAULTS=all                 all seeds, as `npm run test:faults` sets it
 *   COUNTERSIGN_FAULTS_SEED=4711           replays one seed and prints what happened
 *   COUNTERSIGN_FAULTS_SEEDS=1-2500        these seeds
 *
 * A seed that fails is printed with what it broke.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { hostHere } from "./functions.js";
import { Lab } from "./lab.js";
import { playSchedule } from "./schedule.js";

// Slow on purpose in the product, against guessing; three times a run it would take most of the time here.
vi.mock("../../../lib/approval/code.js", async (original) => {
  const { quickCodes } = await import("./quick-codes.js");
  return { ...(await original<object>()), ...quickCodes };
});

const { COUNTERSIGN_FAULTS: HOW_MANY, COUNTERSIGN_FAULTS_SEED: ONE, COUNTERSIGN_FAULTS_SEEDS: RANGE } = process.env;
const REPORT_EVERY = 500;

function seeds(): readonly [number, number] {
  if (ONE !== undefined) return [Number(ONE), Number(ONE)];
  const range = /^(\d+)-(\d+)$/.exec(RANGE ?? "");
  if (range !== null) return [Number(range[1]), Number(range[2])];
  return [1, HOW_MANY === "all" ? 10_000 : 25];
}

let lab: Lab;
beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  lab = await Lab.open(hostHere);
});
afterAll(() => lab.close());

const [from, to] = seeds();
test(`every invariant holds in the schedules of seeds ${from} to ${to}`, async () => {
  const wrong: string[] = [];
  const sums = { runs: 0, effects: 0, faults: 0 };
  for (let seed = from; seed <= to; seed++) {
    const happened = await playSchedule(lab, seed);
    sums.runs += happened.runs;
    sums.effects += happened.effects;
    sums.faults += happened.faults.length;
    for (const what of happened.wrong) wrong.push(`seed ${seed}: ${what}`);
    if (ONE !== undefined) process.stderr.write(`${JSON.stringify(happened, undefined, 2)}\n`);
    const isDue = (seed - from + 1) % REPORT_EVERY === 0 || seed === to;
    if (isDue || happened.wrong.length > 0)
      process.stderr.write(`seeds ${from} to ${seed}: ${sums.runs} runs, ${sums.effects} effects, ${sums.faults} faults; ${wrong.length} violations\n`);
    if (happened.wrong.length > 0) process.stderr.write(`  seed ${seed}: ${happened.wrong.join("\n  ")}\n`);
  }
  expect(wrong).toEqual([]);
  expect(sums.runs).toBeGreaterThan(0);
});
