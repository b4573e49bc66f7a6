import { describe, expect, it } from "vitest";
import type { Autonomy, Contract } from "../../lib/contract/model.js";
import { cedarSchema } from "../../lib/policy/cedar-schema.js";
import { guardrails } from "../../lib/policy/guardrails.js";
import { checkPolicies } from "../../lib/policy/lint.js";
import { createAuthorizer } from "../../lib/policy/local-authorizer.js";
import { authorizationRequest, type PolicyFacts } from "../../lib/policy/request.js";
import { policySet } from "../../lib/policy/source.js";
import { deskContract, deskWith } from "../contract/fixture.js";
import { contract, factsFor, setOf } from "./fixture.js";

/** Everything is permitted: what is denied, a guardrail denies. */
const EVERYTHING = '@id("everything") permit (principal, action, resource);';
const at = (autonomy: Autonomy): Contract => deskContract(deskWith({ autonomy, reason: "Reviewed by the risk team." }));

function denials(name: string, patch: Partial<PolicyFacts>, of: Contract = at("bounded")): readonly string[] {
  const set = setOf(EVERYTHING, of);
  const { decision, determining, errors } = createAuthorizer(
    set,
    set.schema,
  )(authorizationRequest(of, factsFor(name, patch, of)));
  expect(errors).toEqual([]);
  expect(decision).toBe(determining[0]?.startsWith("guardrail:") === true ? "deny" : "allow");
  return determining.filter((id) => id !== "everything");
}

describe("guardrails", () => {
  it.each([
    ["a harmless write runs unattended", "ledger.label", {}, []],
    ["irreversible: one person", "ledger.refund", {}, ["guardrail:irreversible"]],
    ["… is enough", "ledger.refund", { approvals: 1 }, []],
    ["irreversible and wide: two people", "ledger.purge", { approvals: 1 }, ["guardrail:irreversible-wide"]],
    ["… are enough", "ledger.purge", { approvals: 2 }, []],
    [
      "new destination after outside text",
      "ledger.label",
      { untrusted: true, destinationFromRequester: false },
      ["guardrail:redirected"],
    ],
    ["… with one person", "ledger.label", { untrusted: true, destinationFromRequester: false, approvals: 1 }, []],
    ["outside text, the requester's destination", "ledger.label", { untrusted: true }, []],
    ["new destination, no outside text", "ledger.label", { destinationFromRequester: false }, []],
    ["not sure enough", "ledger.label", { confidencePercent: 59 }, ["guardrail:low-confidence"]],
    ["just sure enough", "ledger.label", { confidencePercent: 60 }, []],
    [
      "a read needs no confidence",
      "ledger.inbox",
      { confidencePercent: 0, untrusted: true, destinationFromRequester: false },
      [],
    ],
    [
      "no budget, for people neither",
      "ledger.label",
      { budgetLeftMicroUsd: 0, approvals: 2 },
      ["guardrail:over-budget"],
    ],
    ["no budget, for reads neither", "ledger.inbox", { budgetLeftMicroUsd: -1 }, ["guardrail:over-budget"]],
  ] as const)("%s", (_what, name, patch, expected) => {
    expect(denials(name, patch)).toEqual(expected);
  });

  it("approve-all asks for every write, and for no read", () => {
    expect(denials("ledger.label", {}, at("approve-all"))).toEqual(["guardrail:approve-all"]);
    expect(denials("ledger.label", { approvals: 1 }, at("approve-all"))).toEqual([]);
    expect(denials("ledger.inbox", {}, at("approve-all"))).toEqual([]);
  });

  it("routine asks for wide writes", () => {
    expect(denials("ledger.purge", { approvals: 0 }, at("routine"))).toEqual([
      ...["guardrail:irreversible", "guardrail:irreversible-wide", "guardrail:routine"],
    ]);
    expect(denials("ledger.label", {}, at("routine"))).toEqual([]);
  });

  it("observe has no rule of its own: the gate records instead of running", () => {
    expect(denials("ledger.label", {}, at("observe"))).toEqual([]);
  });

  it("deny a resource of another tenant, whoever approves", () => {
    const set = setOf(EVERYTHING, at("bounded"));
    const request = authorizationRequest(at("bounded"), factsFor("ledger.label", { approvals: 2 }, at("bounded")));
    const entities = request.entities.map((entity) =>
      entity.uid.type === "RefundDesk::Customer" ? { ...entity, attrs: { ...entity.attrs, tenant: "globex" } } : entity,
    );
    expect(createAuthorizer(set, set.schema)({ ...request, entities })).toEqual({
      decision: "deny",
      determining: ["guardrail:tenant"],
      errors: [],
    });
  });

  it("deny writes while a fact is unknown, should the request ever be made", () => {
    const set = setOf(EVERYTHING, at("bounded"));
    const request = authorizationRequest(at("bounded"), factsFor("ledger.label", {}, at("bounded")));
    const entities = request.entities.map(({ uid, attrs: { tier: _tier, ...attrs }, parents }) => ({
      uid,
      attrs,
      parents,
    }));
    expect(createAuthorizer(set, set.schema)({ ...request, entities })).toEqual({
      decision: "deny",
      determining: ["guardrail:facts"],
      errors: [],
    });
  });

  it("each say why in a sentence, and name themselves", () => {
    for (const { id, reason, text } of guardrails(contract)) {
      expect(text.startsWith(`@id("${id}")\n@reason("${reason}")\nforbid (`)).toBe(true);
      expect(reason.split(" ").length).toBeGreaterThan(4);
    }
    expect(guardrails(contract).find(({ id }) => id === "guardrail:facts")?.reason).toBe(
      "nothing is written before tier, balance_cents of the Customer are known",
    );
  });

  it("take facts named like Cedar's own words", () => {
    const odd = deskContract(
      deskWith({ resource: { type: "Customer", id: "input.customer_id", facts: { like: "ledger.lookup.tier" } } }),
    );
    expect(checkPolicies(odd, policySet(odd, [])).filter(({ code }) => code !== "CS-1119")).toEqual([]);
  });

  it("are those that can apply: a workflow of reads has no rules for writes, and lint finds nothing in either", () => {
    const reads = deskContract(onlyReads());
    expect(guardrails(reads).map(({ id }) => id)).toEqual(["guardrail:over-budget", "guardrail:tenant"]);
    for (const of of [reads, contract]) {
      expect(checkPolicies(of, policySet(of, [])).map(({ code }) => code)).toEqual(of.tools.map(() => "CS-1119"));
    }
    expect(Object.keys(cedarSchema(reads).RefundDesk?.actions ?? {})).toEqual([
      "read",
      "write",
      "ledger.lookup",
      "ledger.inbox",
    ]);
  });
});

function onlyReads(): unknown {
  const { definition, ...rest } = deskWith({});
  const { tools } = definition;
  return { ...rest, definition: { ...definition, tools: Array.isArray(tools) ? tools.slice(0, 2) : [] } };
}
