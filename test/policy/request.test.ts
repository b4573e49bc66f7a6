import { join } from "node:path";
import { buildSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { createAuthorizer } from "../../lib/policy/local-authorizer.js";
import { authorizationRequest } from "../../lib/policy/request.js";
import { ARGS, contract, deskSet, factsFor, toolOf } from "./fixture.js";

describe("authorizationRequest", () => {
  it("asks about the agent, the action and the resource, with everything that is known", () => {
    expect(authorizationRequest(contract, factsFor("ledger.refund", { approvals: 1 }))).toEqual({
      principal: { entityType: "RefundDesk::Agent", entityId: "refund-desk-v2" },
      action: { actionType: "RefundDesk::Action", actionId: "ledger.refund" },
      resource: { entityType: "RefundDesk::Customer", entityId: "cus_9" },
      context: {
        input: ARGS["ledger.refund"],
        approvals: 1,
        confidence: 95,
        autonomy: "approve-all",
        untrusted: false,
        destination_from_requester: true,
        reversibility: "irreversible",
        blast_radius: "customer",
        data_class: "financial",
        exposure: {
          run_cents: 4000,
          run_count: 1,
          customer_day_cents: 4000,
          customer_day_count: 1,
          workflow_day_cents: 4000,
          workflow_day_count: 1,
        },
        spent_micro_usd: 1000,
        budget_left_micro_usd: 289_000,
        hour: 14,
        weekday: 3,
        tenant: "acme",
        stage: "dev",
      },
      entities: [
        {
          uid: { type: "RefundDesk::Agent", id: "refund-desk-v2" },
          attrs: {
            owner: "payments@example.com",
            autonomy: "approve-all",
            requester: "dana@example.com",
            tenant: "acme",
          },
          parents: [{ type: "RefundDesk::Tenant", id: "acme" }],
        },
        { uid: { type: "RefundDesk::Tenant", id: "acme" }, attrs: {}, parents: [] },
        {
          uid: { type: "RefundDesk::Customer", id: "cus_9" },
          attrs: { charge_id: "ch_1", tier: "standard", balance_cents: 0, tenant: "acme" },
          parents: [],
        },
      ],
    });
  });

  it.each([
    ["a fraction", { amount_cents: 0.5 }, "context.input.amount_cents: 0.5 is not an integer within ±2^53"],
    ["2^53", { amount_cents: 2 ** 53 }, "context.input.amount_cents: 9007199254740992 is not an integer within ±2^53"],
    ["null", { note: null }, "context.input.note: null is not text"],
    [
      "text for a number, not shown",
      { amount_cents: "secret" },
      "context.input.amount_cents: a value of type string is not an integer within ±2^53",
    ],
    ["a missing field", { reason: undefined }, "context.input.reason: is missing"],
    ["an unknown field", { extra: 1 }, "context.input.extra: is not in the schema"],
    [
      "a fault deep inside",
      {
        lines: [
          { sku: "a", gift: false },
          { sku: "b", gift: 1 },
        ],
      },
      "context.input.lines[1].gift: 1 is not true or false",
    ],
    ["half a surrogate pair", { note: "\ud800" }, "context.input.note: text with half a surrogate pair"],
    ["an object for a list", { lines: {} }, "context.input.lines: a value of type object is not a list"],
  ])("refuses %s", (_what, patch, told) => {
    const facts = factsFor("ledger.refund", { args: { ...ARGS["ledger.refund"], ...patch } });
    expect(() => authorizationRequest(contract, facts)).toThrowError(
      expect.objectContaining({
        code: "CS-1120",
        message: `policy: ledger.refund: ${told}; nothing is asked, the action is denied`,
      }),
    );
  });

  it("refuses sums that are missing, and sums that the tool does not have", () => {
    for (const exposure of [
      {},
      { ...factsFor("ledger.refund").exposure, other: 1 },
      { ...factsFor("ledger.refund").exposure, run_cents: 1.5 },
    ]) {
      expect(() => authorizationRequest(contract, factsFor("ledger.refund", { exposure }))).toThrowError(
        expect.objectContaining({ code: "CS-1120" }),
      );
    }
  });

  it("refuses a write while a fact is unknown; a read may go without looked-up facts, not without those of the input", () => {
    const resource = { id: "cus_9", facts: { charge_id: "ch_1" } };
    expect(() => authorizationRequest(contract, factsFor("ledger.label", { resource }))).toThrowError(
      expect.objectContaining({
        code: "CS-1121",
        message:
          "policy: ledger.label: not known of the Customer: tier (ledger.lookup.tier), balance_cents (ledger.lookup.balance_cents); look it up first",
      }),
    );
    expect(authorizationRequest(contract, factsFor("ledger.lookup", { resource })).entities[2]?.attrs).toEqual({
      charge_id: "ch_1",
      tenant: "acme",
    });
    expect(() =>
      authorizationRequest(contract, factsFor("ledger.lookup", { resource: { id: "cus_9", facts: {} } })),
    ).toThrowError(
      expect.objectContaining({ code: "CS-1121", message: expect.stringContaining("charge_id (input.charge_id)") }),
    );
  });

  it.each([[""], ["x".repeat(201)], ["a\nb"], ["a\u0000"], ["\udfff"]])("refuses the resource id %j", (id) => {
    const { resource } = factsFor("ledger.label");
    expect(() =>
      authorizationRequest(contract, factsFor("ledger.label", { resource: { ...resource, id } })),
    ).toThrowError(expect.objectContaining({ code: "CS-1120" }));
  });

  it("refuses a tool of another contract", () => {
    const tool = { ...toolOf("ledger.label"), name: "other.tool" };
    expect(() => authorizationRequest(contract, factsFor("ledger.label", { tool }))).toThrowError(
      expect.objectContaining({ code: "CS-1122" }),
    );
  });

  it("leaves fields out that are there but undefined, as JSON does", () => {
    const args = { ...ARGS["ledger.refund"], note: undefined };
    expect(authorizationRequest(contract, factsFor("ledger.refund", { args })).context.input).toEqual(
      ARGS["ledger.refund"],
    );
  });
});

it("is bundled into the gate without the Cedar engine", () => {
  const entryPoints = [join(import.meta.dirname, "../../lib/policy/request.ts")];
  const { metafile } = buildSync({ entryPoints, bundle: true, platform: "node", write: false, metafile: true });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => /cedar-wasm|aws-sdk|aws-cdk/.test(path))).toEqual([]);
  expect(inputs).toContainEqual(expect.stringContaining("lib/policy/cedar-types.ts"));
});

it("every tool's request is one the engine accepts", () => {
  const authorize = createAuthorizer(deskSet, deskSet.schema);
  for (const tool of contract.tools) {
    expect(authorize(authorizationRequest(contract, factsFor(tool.name))).errors).toEqual([]);
  }
});
