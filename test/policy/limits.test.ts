/** What Verified Permissions would refuse at deploy is told before, and what ends the engine never reaches it. */
import { expect, test } from "vitest";
import { checkPolicies, STORE_LIMITS } from "../../lib/policy/lint.js";
import { createAuthorizer } from "../../lib/policy/local-authorizer.js";
import { contract, deskSet, setOf } from "./fixture.js";

const REFUND = 'action == RefundDesk::Action::"ledger.refund"';
const policy = (id: string, reasonBytes: number) =>
  `@id("${id}") permit (principal, ${REFUND}, resource) when { context.input.reason != "${"r".repeat(reasonBytes)}" };\n`;
const codes = (set: typeof deskSet) =>
  checkPolicies(contract, set)
    .map(({ code }) => code)
    .filter((code) => code !== "CS-1119");

test("a policy of more than 10,000 bytes is too large, one below is not", () => {
  expect(codes(setOf(policy("p", STORE_LIMITS.policyBytes)))).toEqual(["CS-1107"]);
  expect(codes(setOf(policy("p", STORE_LIMITS.policyBytes - 200)))).toEqual([]);
});

test("policies without a resource scope share 200,000 bytes", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => policy(`p${index}`, 9000)).join("");
  expect(codes(setOf(many(20)))).toEqual([]);
  expect(codes(setOf(many(23)))).toEqual(["CS-1109"]);
});

test("a schema of more than 100,000 bytes is too large", () => {
  const schema = Object.fromEntries(
    Object.entries(deskSet.schema).map(([namespace, definition]) => [
      namespace,
      {
        ...definition,
        entityTypes: {
          ...definition.entityTypes,
          ...Object.fromEntries(
            Array.from({ length: 4000 }, (_, index) => [
              `Thing${index}`,
              { shape: { type: "Record" as const, attributes: {} } },
            ]),
          ),
        },
      },
    ]),
  );
  expect(codes({ ...deskSet, schema })).toEqual(["CS-1108"]);
});

test("an authorizer is not made from a policy that would end the engine, nor from one that does not parse", () => {
  const [first] = deskSet.policies;
  if (first === undefined) throw new Error("no policies");
  const withText = (text: string) => ({ ...deskSet, policies: [{ ...first, text }] });
  const deep = `@id("p") permit (principal, action, resource) when { ${"(".repeat(200)}true${")".repeat(200)} };`;
  expect(() => createAuthorizer(withText(deep), deskSet.schema)).toThrow(/nested deeper than 32 brackets/);
  expect(() => createAuthorizer(withText("permit (principal"), deskSet.schema)).toThrow(
    /CS-1130|unexpected|workflow check/,
  );
});
