/**
 * Random schedules of concurrent runs, decisions, stops, repeats and faults: 10,000 by `npm run test:faults`, a part of them by `npm test`.
 * Functions run in this process (host.ts), on the whole embedded cloud; `test:faults` also takes a hundred of the seeds through bundles,
 * wire and child processes.
 *
 *   COUNTERSIGN_FAULTS=all                 all seeds, as `npm run test:faults` sets it
 *   COUNTERSIGN_FAULTS_SEED=4711           replays one seed and prints what happened
 *   COUNTERSIGN_FAULTS_SEEDS=1-2500        these seeds
 *
 * A seed that fails is printed with what it broke.
 */
import { beforeAll, expect, test, vi } from "vitest";
import { hostHere } from "./functions.js";
import { type HostFactory, Lab } from "./lab.js";
import { playSchedule } from "./schedule.js";

// Slow on purpose in the product, against guessing; three times a run it would take most of the time here.
vi.mock("../../../lib/approval/code.js", async (original) => {
  const { quickCodes } = await import("./quick-codes.js");
  return { ...(await original<object>()), ...quickCodes };
});

const { COUNTERSIGN_FAULTS: HOW_MANY, COUNTERSIGN_FAULTS_SEED: ONE, COUNTERSIGN_FAULTS_SEEDS: RANGE } = process.env;
const REPORT_EVERY = 100;
/** so many of the seeds also run in child processes */
const IN_CHILDREN = 100;

function seeds(): readonly [number, number] {
  if (ONE !== undefined) return [Number(ONE), Number(ONE)];
  const range = /^(\d+)-(\d+)$/.exec(RANGE ?? "");
  if (range !== null) return [Number(range[1]), Number(range[2])];
  return [1, HOW_MANY === "all" ? 10_000 : 10];
}

/** Plays the seeds; answers what went wrong, and prints it. */
async function playAll(lab: Lab, from: number, to: number): Promise<readonly string[]> {
  const wrong: string[] = [];
  const sums = { runs: 0, entered: 0, effects: 0, faults: 0 };
  for (let seed = from; seed <= to; seed++) {
    const happened = await playSchedule(lab, seed);
    sums.runs += happened.runs;
    sums.entered += happened.outcomes.filter((outcome) => outcome.startsWith("entered")).length;
    sums.effects += happened.effects;
    sums.faults += happened.faults.length;
    for (const what of happened.wrong) wrong.push(`seed ${seed}: ${what}`);
    if (ONE !== undefined) process.stderr.write(`${JSON.stringify(happened, undefined, 2)}\n`);
    for (const what of happened.wrong) process.stderr.write(`seed ${seed}: ${what}\n`);
    if ((seed - from + 1) % REPORT_EVERY === 0 || seed === to)
      process.stderr.write(
        `seeds ${from} to ${seed}: ${sums.runs} runs, ${sums.entered} to their end, ${sums.effects} effects, ${sums.faults} faults; ${wrong.length} violations\n`,
      );
  }
  // Invariants hold of runs that do nothing, too: most must get to their end in spite of what fails.
  if (to - from >= 10) expect(sums.entered).toBeGreaterThan(sums.runs * 0.4);
  return wrong;
}

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});

async function inLab(host: HostFactory | undefined, from: number, to: number): Promise<readonly string[]> {
  const lab = await Lab.open(host);
  try {
    return await playAll(lab, from, to);
  } finally {
    await lab.close();
  }
}

const [from, to] = seeds();
test(`every invariant holds in the schedules of seeds ${from} to ${to}`, async () => {
  expect(await inLab(hostHere, from, to)).toEqual([]);
});

test.runIf(HOW_MANY === "all")("the same through bundles, wire and child processes", async () => {
  expect(await inLab(undefined, from, Math.min(to, from + IN_CHILDREN - 1))).toEqual([]);
});
