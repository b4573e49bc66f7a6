import { describe, expect, test } from "vitest";
import { assess } from "../../lib/run/assess.js";
import { decide } from "../../lib/run/decide.js";
import { nextPolicyQuestion } from "../../lib/run/policy.js";
import type { Evidence, Judgement, PolicyVerdict } from "../../lib/run/types.js";
import { act, lookedUp, REFUND, usage, type World } from "./support.js";

const verdict = (approvals: 0 | 1 | 2, allowed: boolean): PolicyVerdict => ({
  approvals,
  allowed,
  determining: [],
  errors: [],
  context: { input: { secret: 1 }, approvals },
});
function judged(world: World = lookedUp()): Judgement {
  const assessment = assess(
    world.input(world.request("proposal", { proposal: act("stripe.refund", REFUND), ...usage() })),
  );
  if (assessment.kind !== "judge") throw new Error(assessment.kind);
  return assessment;
}
const preview = { status: "ok", preview: { before: {}, after: {}, notes: [] } } as const;
function evidence(judgement: Judgement, change: Partial<Evidence> = {}): Evidence {
  const counters = Object.fromEntries(judgement.needs.counters.map(({ scope, day }) => [`${scope}|${day}`, null]));
  return { preview, counters, verdicts: [verdict(0, true)], policies: {}, ...change };
}

test("a judgement says what to fetch", () => {
  const { needs } = judged();
  expect(needs.preview).toEqual({ tool: "stripe.refund", args: REFUND });
  expect(needs.counters.map(({ per, day }) => [per, day])).toEqual([
    ["resource-day", "2026-11-21"],
    ["workflow-day", "2026-11-21"],
  ]);
});

test("policies are asked tier by tier, only as far as needed", () => {
  const judgement = judged();
  const asks = (...verdicts: PolicyVerdict[]) =>
    nextPolicyQuestion(judgement, evidence(judgement, { verdicts }))?.approvals;
  expect(asks()).toBe(0);
  expect(asks(verdict(0, false))).toBe(1);
  expect(asks(verdict(0, false), verdict(1, false))).toBe(2);
  expect(asks(verdict(0, false), verdict(1, false), verdict(2, false))).toBeUndefined();
  expect(asks(verdict(0, true))).toBeUndefined();
  expect(asks({ ...verdict(0, false), errors: ["e"] })).toBeUndefined();
});

describe("evidence that is missing never permits", () => {
  test("preview and counters", () => {
    const judgement = judged();
    expect(() => decide(judgement, evidence(judgement, { preview: null }))).toThrow(
      /no preview of stripe.refund was made/,
    );
    expect(() => decide(judgement, evidence(judgement, { counters: {} }))).toThrow(
      /counter resource-day.* was not read/,
    );
    expect(() => nextPolicyQuestion(judgement, { counters: {}, verdicts: [] })).toThrow(/was not read/);
  });
  test("policies", () => {
    const judgement = judged();
    const step = decide(judgement, evidence(judgement, { verdicts: [] }));
    expect(step.answer).toEqual({ decision: "deny", turn: 3 });
    expect(step.events.map(({ type }) => type)).toEqual(["ToolReturned", "ActionProposed", "ActionDecided"]);
  });
  test("a preview that is too large to show", () => {
    const judgement = judged();
    const large = { ...preview, preview: { ...preview.preview, notes: ["x".repeat(70_000)] } };
    expect(decide(judgement, evidence(judgement, { preview: large })).answer).toEqual({ decision: "deny", turn: 3 });
  });
});

test("the recorded request has the context without the model's input, and the resource", () => {
  const judgement = judged();
  const decided = decide(judgement, evidence(judgement)).events.find(({ type }) => type === "ActionDecided");
  expect(decided?.type === "ActionDecided" && decided.data.policy).toMatchObject({
    context: { approvals: 0 },
    resource: { type: "Customer", id: "cus_9", facts: { tier: "standard" } },
  });
  expect(JSON.stringify(decided)).not.toContain("secret");
});

test("the same case and evidence give the same step", () => {
  const world = lookedUp();
  const one = judged(world);
  const two = judged(world);
  expect(decide(one, evidence(one))).toEqual(decide(two, evidence(two)));
});
