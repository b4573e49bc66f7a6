import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAuthorizer } from "../../lib/policy/local-authorizer.js";
import { authorizationRequest, type PolicyFacts } from "../../lib/policy/request.js";
import { ARGS, contract, deskSet, factsFor, setOf } from "./fixture.js";

const authorize = createAuthorizer(deskSet, deskSet.schema);
const ask = (name: string, patch: Partial<PolicyFacts> = {}) =>
  authorize(authorizationRequest(contract, factsFor(name, patch)));

describe("decisions of the sample policies", () => {
  const refund = (amount_cents: number) => ({ args: { ...ARGS["ledger.refund"], amount_cents } });
  it.each([
    ["reads run", "ledger.lookup", {}, "allow", ["reads"]],
    [
      "a refund waits for one person",
      "ledger.refund",
      refund(4000),
      "deny",
      ["guardrail:approve-all", "guardrail:irreversible"],
    ],
    [
      "… and runs with one",
      "ledger.refund",
      { ...refund(40_000), approvals: 1 },
      "allow",
      ["large_refunds", "refund_threshold"],
    ],
    [
      "a large refund in prod wants two",
      "ledger.refund",
      { ...refund(60_000), approvals: 1, stage: "prod" },
      "deny",
      [],
    ],
    [
      "… and runs with two",
      "ledger.refund",
      { ...refund(60_000), approvals: 2, stage: "prod" },
      "allow",
      ["large_refunds"],
    ],
    [
      "another charge is denied",
      "ledger.refund",
      { args: { ...ARGS["ledger.refund"], charge_id: "ch_2" }, approvals: 2 },
      "deny",
      ["own_charge"],
    ],
    ["a purge at night is permitted by nothing", "ledger.purge", { hour: 3, approvals: 2 }, "deny", []],
  ] as const)("%s", (_what, name, patch, decision, determining) => {
    expect(ask(name, patch)).toEqual({ decision, determining, errors: [] });
  });
});

it("any error denies, even when another policy permits", () => {
  const overflow = setOf(
    '@id("fine") permit (principal, action in RefundDesk::Action::"read", resource);\n' +
      '@id("odd") forbid (principal, action in RefundDesk::Action::"read", resource) when { context.spent_micro_usd * 9007199254740991 < 0 };',
  );
  const decided = createAuthorizer(
    overflow,
    overflow.schema,
  )(authorizationRequest(contract, factsFor("ledger.lookup", { spentMicroUsd: 9_000_000_000 })));
  expect(decided).toMatchObject({
    decision: "deny",
    determining: ["fine"],
    errors: [expect.stringMatching(/^odd: .*overflow/)],
  });
});

it("a request that does not fit the schema is denied with its reason", () => {
  const request = authorizationRequest(contract, factsFor("ledger.lookup"));
  const { approvals: _approvals, ...context } = request.context;
  expect(authorize({ ...request, context })).toEqual({
    decision: "deny",
    determining: [],
    errors: [expect.stringContaining("attribute `approvals`")],
  });
});

it("a condition may ask about the groups of another action than the one that is judged", () => {
  const text = (group: string) =>
    `@id("odd") permit (principal, action in RefundDesk::Action::"read", resource) when { RefundDesk::Action::"ledger.refund" in RefundDesk::Action::"${group}" };`;
  const decisions = ["write", "read"].map((group) => {
    const set = setOf(text(group));
    return createAuthorizer(set, set.schema)(authorizationRequest(contract, factsFor("ledger.lookup"))).decision;
  });
  expect(decisions).toEqual(["allow", "deny"]);
});

it("an action that the schema does not have is named, by whatever part of it the other actions need", () => {
  const request = authorizationRequest(contract, factsFor("ledger.lookup"));
  const action = { ...request.action, actionId: "toString" };
  expect(authorize({ ...request, action })).toEqual({
    decision: "deny",
    determining: [],
    errors: [expect.stringContaining("toString")],
  });
});

it("refuses sets that do not load", () => {
  for (const text of [
    "permit (principal, action, resource);",
    '@id("x") permit (principal, action, resource);\n@id("x") forbid (principal, action, resource);',
    "permit (",
  ]) {
    const set = setOf(text);
    expect(() => createAuthorizer(set, set.schema)).toThrowError(expect.objectContaining({ code: "CS-1130" }));
  }
});

describe("monotone tiers", () => {
  const facts: fc.Arbitrary<Partial<PolicyFacts>> = fc.record({
    stage: fc.constantFrom("dev", "prod"),
    confidencePercent: fc.integer({ min: 0, max: 100 }),
    untrusted: fc.boolean(),
    destinationFromRequester: fc.boolean(),
    budgetLeftMicroUsd: fc.integer({ min: -1, max: 290_000 }),
    hour: fc.integer({ min: 0, max: 23 }),
    weekday: fc.integer({ min: 1, max: 7 }),
    resource: fc.record({
      id: fc.constant("cus_9"),
      facts: fc.record({
        charge_id: fc.constantFrom("ch_1", "ch_2"),
        tier: fc.constantFrom("standard", "business", "blocked"),
        balance_cents: fc.integer(),
      }),
    }),
  });
  const name = fc.constantFrom(...Object.keys(ARGS));
  const amount = fc.integer({ min: 1, max: 100_000 });

  it("what n people may allow, n + 1 may", () => {
    let allowed = 0;
    fc.assert(
      fc.property(name, facts, amount, fc.integer({ min: 1, max: 1_000_000 }), (tool, patch, amount_cents, sum) => {
        const exposure = Object.fromEntries(Object.keys(factsFor(tool).exposure).map((key) => [key, sum]));
        const args = tool === "ledger.refund" ? { ...ARGS[tool], amount_cents } : (ARGS[tool] ?? {});
        const decisions = ([0, 1, 2] as const).map((approvals) => ask(tool, { ...patch, exposure, args, approvals }));
        expect(decisions.flatMap(({ errors }) => errors)).toEqual([]);
        const sequence = decisions.map(({ decision }) => decision).join(" ");
        expect(["deny deny deny", "deny deny allow", "deny allow allow", "allow allow allow"]).toContain(sequence);
        if (sequence.endsWith("allow")) allowed += 1;
      }),
      { numRuns: 500 },
    );
    expect(allowed).toBeGreaterThan(50);
  });

  it("would be found broken by this test, were it broken", () => {
    const broken = setOf(
      '@id("once") permit (principal, action in RefundDesk::Action::"read", resource) when { context.approvals == 1 };',
    );
    const decide = createAuthorizer(broken, broken.schema);
    const decisions = ([0, 1, 2] as const).map(
      (approvals) => decide(authorizationRequest(contract, factsFor("ledger.lookup", { approvals }))).decision,
    );
    expect(decisions).toEqual(["deny", "allow", "deny"]);
  });
});
