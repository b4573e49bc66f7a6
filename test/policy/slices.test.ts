import { policyToJson, preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PolicySlices, type SlicePolicy, type Uid } from "../../lib/policy/slices.js";

const action = (id: string): Uid => ({ type: "Desk::Action", id });
const customer = (id: string): Uid => ({ type: "Desk::Customer", id });
const ACTIONS = [
  { uid: action("all"), parents: [] },
  { uid: action("write"), parents: [action("all")] },
  { uid: action("refund"), parents: [action("write")] },
  { uid: action("label"), parents: [action("write")] },
  { uid: action("lookup"), parents: [] },
];

function policyOf(id: string, text: string): SlicePolicy {
  const parsed = policyToJson(text);
  if (parsed.type === "failure") throw new Error(JSON.stringify(parsed.errors));
  return { id, text, scope: parsed.json };
}
const slicesOf = (...texts: string[]) =>
  new PolicySlices(
    texts.map((text, index) => policyOf(`p${index}`, text)),
    ACTIONS,
  );
const idsOf = (slices: PolicySlices, act: Uid, resource: Uid) => Object.keys(slices.for(act, resource).staticPolicies);

describe("a slice", () => {
  const slices = slicesOf(
    "permit (principal, action, resource);",
    'permit (principal, action == Desk::Action::"refund", resource);',
    'permit (principal, action in Desk::Action::"all", resource);',
    'forbid (principal, action in [Desk::Action::"label", Desk::Action::"write"], resource);',
    'permit (principal, action == Desk::Action::"refund", resource == Desk::Customer::"cus_1");',
    "permit (principal, action, resource is Desk::Customer);",
  );

  it("has what names the action, a group of it, or none; of one resource only what names that", () => {
    expect(idsOf(slices, action("refund"), customer("cus_1"))).toEqual(["p0", "p5", "p1", "p3", "p2", "p4"]);
    expect(idsOf(slices, action("refund"), customer("cus_2"))).toEqual(["p0", "p5", "p1", "p3", "p2"]);
    expect(idsOf(slices, action("label"), customer("cus_1"))).toEqual(["p0", "p5", "p3", "p2"]);
    expect(idsOf(slices, action("lookup"), customer("cus_1"))).toEqual(["p0", "p5"]);
  });

  it("is one for all resources, and all actions, that nothing names", () => {
    expect(slices.for(action("refund"), customer("x"))).toBe(slices.for(action("refund"), customer("y")));
    expect(slices.for(action("made-up"), customer("x"))).toBe(slices.for(action("other"), customer("cus_1")));
    expect(slices.for(action("refund"), customer("cus_1"))).toBe(slices.for(action("refund"), customer("cus_1")));
  });

  it("is shared by resources beyond a bound, and has the policies of all of them then", () => {
    const many = slicesOf(
      ...Array.from(
        { length: 2100 },
        (_, n) => `permit (principal, action == Desk::Action::"refund", resource == Desk::Customer::"cus_${n}");`,
      ),
    );
    const sizes = Array.from({ length: 2100 }, (_, n) => idsOf(many, action("refund"), customer(`cus_${n}`)).length);
    expect(sizes.filter((size) => size === 1)).toHaveLength(2000);
    expect(sizes.at(-1)).toBe(2100);
    expect(idsOf(many, action("refund"), customer("cus_7"))).toEqual(["p7"]);
  });
});

it("answers as the whole set does", () => {
  const scopeOfAction = fc.constantFrom(
    "action",
    'action == Desk::Action::"refund"',
    'action == Desk::Action::"write"',
    'action in Desk::Action::"write"',
    'action in Desk::Action::"all"',
    'action in [Desk::Action::"label", Desk::Action::"lookup"]',
    "action in []",
  );
  const scopeOfResource = fc.constantFrom(
    "resource",
    "resource is Desk::Customer",
    'resource == Desk::Customer::"cus_1"',
    'resource == Desk::Customer::"cus_2"',
    'resource == Desk::Order::"cus_1"',
    'resource in Desk::Customer::"cus_1"',
  );
  const condition = fc.constantFrom("true", "context.n > 1", "context.missing", "context.n * 9007199254740991 > 0");
  const policy = fc
    .tuple(fc.constantFrom("permit", "forbid"), scopeOfAction, scopeOfResource, condition)
    .map(([effect, act, resource, when]) => `${effect} (principal, ${act}, ${resource}) when { ${when} };`);
  const entities = ACTIONS.map(({ uid, parents }) => ({ uid, attrs: {}, parents: [...parents] }));
  let runs = 0;
  const ask = (staticPolicies: Readonly<Record<string, string>>, act: Uid, resource: Uid, n: number) => {
    const name = `slices-test-${runs++ % 2}`;
    preparsePolicySet(name, { staticPolicies: { ...staticPolicies } });
    const answer = statefulIsAuthorized({
      principal: { type: "Desk::Agent", id: "a" },
      action: act,
      resource,
      context: { n },
      entities,
      preparsedPolicySetId: name,
    });
    if (answer.type === "failure") throw new Error(JSON.stringify(answer.errors));
    const { decision, diagnostics } = answer.response;
    return {
      decision,
      reason: diagnostics.reason.toSorted(),
      errors: diagnostics.errors.map((error) => error.policyId).sort(),
    };
  };
  const seen = { allow: 0, deny: 0, errors: 0 };
  fc.assert(
    fc.property(
      fc.array(policy, { maxLength: 12 }),
      fc.constantFrom("refund", "label", "lookup", "write", "made-up"),
      fc.constantFrom(customer("cus_1"), customer("cus_2"), customer("cus_3"), { type: "Desk::Order", id: "cus_1" }),
      fc.integer({ min: 0, max: 5 }),
      (texts, act, resource, n) => {
        const whole = Object.fromEntries(texts.map((text, index) => [`p${index}`, text]));
        const expected = ask(whole, action(act), resource, n);
        const { staticPolicies } = slicesOf(...texts).for(action(act), resource);
        expect(ask(staticPolicies, action(act), resource, n)).toEqual(expected);
        seen[expected.decision] += 1;
        seen.errors += expected.errors.length;
      },
    ),
    { numRuns: 500 },
  );
  expect(Math.min(seen.allow, seen.deny, seen.errors)).toBeGreaterThan(30);
});
