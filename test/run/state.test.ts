import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cannotPay } from "../../lib/run/budget.js";
import { fillPlaceholders, planProgress } from "../../lib/run/plan.js";
import { rule } from "../../lib/run/policy.js";
import { parseReference } from "../../lib/run/references.js";
import { destinationFromRequester, leaves } from "../../lib/run/resource.js";
import { evolve, foldRun, initialRun, openCall, type RunState, type Stamped } from "../../lib/run/state.js";
import type { PolicyVerdict } from "../../lib/run/types.js";
import { unreachable } from "../../lib/run/unreachable.js";
import { askingPolicies } from "../../lib/run/view.js";
import { act, lookedUp, REFUND, reply, World, wholeRun } from "./support.js";

test("GIVEN a run's events WHEN folded THEN the state has its sums", () => {
  const state = foldRun(wholeRun().events);
  expect(state).toMatchObject({
    status: "closed",
    outcome: { status: "refunded" },
    nextTurn: 5,
    proposals: 4,
    invalid: 0,
    spentMicroUsd: 4000,
    dearestMicroUsd: 1000,
    pending: null,
    calls: [
      { tool: "stripe.lookup_charge" },
      { tool: "stripe.refund", returned: { status: "ok" } },
      { tool: "zendesk.reply" },
    ],
  });
});

test("after the end, and before the beginning, nothing changes the state", () => {
  const events = wholeRun().events;
  const closed = foldRun(events);
  for (const event of events) expect(evolve(closed, event)).toBe(closed);
  for (const event of events.slice(1)) expect(evolve(initialRun, event)).toBe(initialRun);
  const refused = foldRun(new World().start({ tenant: "x" }).events);
  expect(refused).toEqual({ status: "refused", code: "CS-3002", reason: expect.stringMatching(/tenant/) });
  for (const event of events) expect(evolve(refused, event)).toBe(refused);
});

test("events in any order never break the fold", () => {
  const events = wholeRun().events;
  fc.assert(
    fc.property(fc.shuffledSubarray(events), (some) => {
      const state = some.reduce<RunState>((current, event: Stamped) => evolve(current, event), initialRun);
      expect(["absent", "open", "closed"]).toContain(state.status);
    }),
  );
});

test("GIVEN a question WHEN asked THEN it is pending until decided", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  expect(foldRun(world.events)).toMatchObject({
    pending: { requested: { needed: 1 }, requestedAt: "2026-11-21T12:00:00.000Z" },
    decided: { decision: "ask" },
  });
  world.decides("ana@example.com").approval();
  const state = foldRun(world.events);
  expect(state).toMatchObject({ pending: null });
  if (state.status !== "open") throw new Error();
  expect(openCall(state)).toMatchObject({ tool: "stripe.refund", turn: 2 });
  expect(planProgress(state)).toBe(1);
  expect(cannotPay(state)).toBe(false);
  expect(cannotPay(state, 400_000)).toBe(true);
});

describe("tiers", () => {
  const verdict = (approvals: 0 | 1 | 2, allowed: boolean, more: Partial<PolicyVerdict> = {}): PolicyVerdict => ({
    approvals,
    allowed,
    determining: [],
    errors: [],
    context: {},
    ...more,
  });
  test("the first allowed number is the tier, whatever comes after", () => {
    expect(rule([verdict(0, true), verdict(1, false)])).toMatchObject({ tier: 0 });
    expect(rule([verdict(0, false, { determining: ["g", "g"] }), verdict(1, true, { determining: ["p"] })])).toEqual({
      tier: 1,
      determining: ["p"],
      deniedBy: ["g"],
      errors: [],
    });
  });
  test("a gap, an error or nothing at all denies", () => {
    expect(rule([])).toMatchObject({ tier: null, errors: ["no answer for 0 approvals"] });
    expect(rule([verdict(1, true)])).toMatchObject({ tier: null });
    expect(rule([verdict(0, true, { errors: ["p"] })])).toMatchObject({ tier: null, errors: ["p"] });
    expect(rule([verdict(0, false), verdict(1, false), verdict(2, false)])).toMatchObject({ tier: null, errors: [] });
  });
  test("never a tier that was not allowed without error", () => {
    const verdicts = fc.array(
      fc.record({
        approvals: fc.constantFrom(0, 1, 2),
        allowed: fc.boolean(),
        errors: fc.array(fc.constant("e"), { maxLength: 1 }),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(verdicts, (list) => {
        const all = list.map(({ approvals, allowed, errors }) =>
          verdict(approvals === 0 ? 0 : approvals === 1 ? 1 : 2, allowed, { errors }),
        );
        const { tier } = rule(all);
        if (tier === null) return;
        const first = all.find(({ approvals }) => approvals === tier);
        expect(first).toMatchObject({ allowed: true, errors: [] });
      }),
    );
  });
  test("a team's policy gives an approval its type before a guardrail does", () => {
    const ruling = { tier: 1, determining: ["p"], deniedBy: ["guardrail:x", "own"], errors: [] } as const;
    expect(askingPolicies(ruling, { policies: {} })).toEqual(["own", "guardrail:x"]);
    expect(askingPolicies(ruling, { policies: { p: { reason: "", text: "context.approvals >= 1" } } })).toEqual([
      "p",
      "own",
      "guardrail:x",
    ]);
    expect(askingPolicies({ ...ruling, deniedBy: [] }, { policies: {} })).toEqual(["p"]);
  });
});

describe("placeholders", () => {
  const values: Record<string, string | number> = { "input.n": 7, "input.s": "x", "a.b.c": "y" };
  const fill = (template: Parameters<typeof fillPlaceholders>[0]) =>
    fillPlaceholders(template, (reference) => values[reference]);
  test("values keep their type, texts are filled, anything missing is missing", () => {
    expect(
      fill({
        n: "{input.n}",
        t: "{input.n} and {a.b.c}",
        l: ["{input.s}", 1, null],
        o: { d: "{input.s}" },
        "not one": "{ x }",
      }),
    ).toEqual({
      n: 7,
      t: "7 and y",
      l: ["x", 1, null],
      o: { d: "x" },
      "not one": "{ x }",
    });
    for (const missing of ["{input.none}", "a {input.none}", ["{input.none}"], { a: { b: "{input.none}" } }])
      expect(fill(missing)).toBeUndefined();
  });
  test("references", () => {
    expect(parseReference("input.a.b")).toEqual({ from: "input", field: "a.b" });
    expect(parseReference("stripe.lookup_charge.card.last4")).toEqual({
      from: "tool",
      tool: "stripe.lookup_charge",
      field: "card.last4",
    });
    expect(parseReference("x")).toEqual({ from: "tool", tool: "x.", field: "" });
  });
});

test("a list of destinations is the requester's when each of them is", () => {
  const tool = { ...reply, destination: "to" };
  const input = { a: "x@example.com", b: ["y@example.com"], n: 7 };
  expect(destinationFromRequester(tool, { to: ["x@example.com", "y@example.com"] }, input)).toBe(true);
  expect(destinationFromRequester(tool, { to: ["x@example.com", "evil@example.com"] }, input)).toBe(false);
  expect(destinationFromRequester(tool, { to: [] }, input)).toBe(false);
  expect(destinationFromRequester(tool, { to: 7 }, input)).toBe(true);
  expect(leaves(true)).toEqual([]);
});

test("what came around the types is named", () => {
  expect(() => unreachable("event", { type: "New" } as never)).toThrow('unknown event: {"type":"New"}');
  expect(() => evolve(foldRun(lookedUp().events), { type: "New" } as never)).toThrow(/unknown event/);
});
