/**
 * Every call between functions and engines, failing in every way, for every kind of tool: `npm run test:faults`. `npm test` runs a sample
 * of them. Functions run in this process, so that all can be run (host.ts); a further sample goes through bundles and child processes.
 *
 *   COUNTERSIGN_FAULTS=all                      everything, as `npm run test:faults` sets it
 *   COUNTERSIGN_FAULTS_PART=3/12                every twelfth case, from the third on
 *   COUNTERSIGN_FAULTS_ONLY=<part of a name>    only the cases whose name contains it, e.g. "key: tool-book-post_with_key → dynamodb.PutItem #1"
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FaultPoint } from "../../../lib/local/faults.js";
import { hostHere } from "./functions.js";
import { Lab } from "./lab.js";
import { type Case, caseName, casesOf, KINDS, type Kind, play } from "./matrix.js";
import { randomOf, sample } from "./random.js";

// Slow on purpose in the product, against guessing; three times a run it would take most of the time here.
vi.mock("../../../lib/approval/code.js", async (original) => {
  const { quickCodes } = await import("./quick-codes.js");
  return { ...(await original<object>()), ...quickCodes };
});

const IS_ALL = process.env.COUNTERSIGN_FAULTS === "all";
const ONLY = process.env.COUNTERSIGN_FAULTS_ONLY;
const [PART = 1, PARTS = 1] = (process.env.COUNTERSIGN_FAULTS_PART ?? "1/1").split("/").map(Number);
/** of the sample in `npm test` */
const SEED = 20260504;
/** In children a stream's rows come in other batches from run to run, so that the last of many calls is not always made. */
const MAX_PLAYS = 5;
let deployed: readonly string[] = [];
const KIND_NAMES: readonly Kind[] = ["key", "read-back", "none"];

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});

/** Who calls what in a clean run, by kind: the same wherever functions run. */
const calls = new Map<Kind, readonly string[]>();
const callsOf = (points: readonly FaultPoint[]): readonly string[] =>
  [...new Set(points.map(({ kind, from, to }) => `${kind} ${from} → ${to}`))].sort();

async function referenceCases(lab: Lab, kind: Kind): Promise<readonly Case[]> {
  await play(lab, kind);
  const { points, outcome, effects, wrong } = await play(lab, kind);
  expect(wrong, "a clean run").toEqual([]);
  expect({ outcome, effects }, "a clean run").toEqual({ outcome: "entered agent_finished", effects: 1 });
  expect(callsOf(points), "the same calls in this process and in children").toEqual(calls.get(kind) ?? callsOf(points));
  calls.set(kind, callsOf(points));
  return casesOf(kind, points).filter(
    (one, index) => index % PARTS === PART - 1 && (ONLY === undefined || caseName(one).includes(ONLY)),
  );
}

/** Plays the cases and answers what went wrong; prints how the runs ended. */
async function playAll(lab: Lab, cases: readonly Case[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  const outcomes = new Map<string, string[]>();
  for (const one of cases) {
    const name = caseName(one);
    let struck = false;
    for (let plays = 1; !struck && plays <= MAX_PLAYS; plays++) {
      const played = await play(lab, one.kind, one);
      struck = played.struck.length > 0;
      for (const what of played.wrong) {
        wrong.push(`${name}: ${what}`);
        process.stderr.write(`${name}: ${what}\n`);
      }
      if (struck) outcomes.set(played.outcome, [...(outcomes.get(played.outcome) ?? []), name]);
    }
    if (!struck) wrong.push(`${name}: the fault never struck`);
  }
  const ends = [...outcomes].map(
    ([outcome, names]) =>
      `  ${names.length} ${outcome}${IS_ALL && outcome !== "entered agent_finished" ? `\n${names.map((name) => `      ${name}`).join("\n")}` : ""}`,
  );
  process.stderr.write(`${cases.length} faults played; the runs ended:\n${ends.join("\n")}\n`);
  return wrong;
}

describe("functions in this process", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open(hostHere);
    deployed = lab.functions;
  });
  afterAll(() => lab.close());

  test.each(KIND_NAMES)("every invariant holds whatever fails, with a tool of kind %s", async (kind) => {
    const cases = await referenceCases(lab, kind);
    expect(KINDS[kind]).toBeDefined();
    const chosen = IS_ALL || ONLY !== undefined ? cases : sample(cases, 10, randomOf(SEED));
    expect(await playAll(lab, chosen)).toEqual([]);
  });
});

test("the switch stands at every call between functions and engines", () => {
  const all = [...new Set([...calls.values()].flat())].map((call) => call.split(" "));
  const invoked = all.filter(([kind]) => kind === "invoke");
  // The notary sleeps in the laboratory: see synth.ts.
  const awake = deployed.filter((name) => !name.endsWith("-notary"));
  expect(new Set(invoked.map(([, , , to]) => to))).toEqual(new Set(awake));
  const invokers = new Set(
    invoked.map(([, from]) => from?.replace(/^countersign-dev-fault-lab-(\w+?Role)\w*-\w+$/, "$1")),
  );
  expect(invokers).toEqual(
    new Set([
      "apigateway.amazonaws.com",
      "events.amazonaws.com",
      // streams
      "lambda.amazonaws.com",
      "WorkflowRunRole",
      "WorkflowDecideRole",
    ]),
  );
  const engines = new Set(all.flatMap(([kind, , , to]) => (kind === "call" ? [to?.split(".")[0]] : [])));
  const services = [
    "bedrock",
    "dynamodb",
    "kms",
    "lambda",
    "s3",
    "scheduler",
    "secretsmanager",
    "ses",
    "states",
    "verifiedpermissions",
  ];
  expect(engines).toEqual(new Set(services));
});

describe("functions in child processes, through bundles, wire and signatures", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(() => lab.close());

  // A new child for each function takes most of the time: the kind that can find nothing out stands for all in `npm test`.
  test.each(IS_ALL ? KIND_NAMES : (["none"] as const))("the same holds, with a tool of kind %s", async (kind) => {
    const cases = await referenceCases(lab, kind);
    expect(await playAll(lab, sample(cases, IS_ALL ? 150 : 2, randomOf(SEED)))).toEqual([]);
  });
});
