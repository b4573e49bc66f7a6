import { checkParseSchema } from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { cedarSchema } from "../../lib/policy/cedar-schema.js";
import { engineSchema } from "../../lib/policy/engine.js";
import { exposureNames, namespaceOf } from "../../lib/policy/names.js";
import { deskContract, deskWith } from "../contract/fixture.js";
import { contract, toolOf } from "./fixture.js";

describe("cedarSchema", () => {
  const schema = cedarSchema(contract);

  it("has one namespace, which Cedar accepts", () => {
    expect(Object.keys(schema)).toEqual(["RefundDesk"]);
    expect(checkParseSchema(engineSchema(schema))).toEqual({ type: "success" });
  });

  it("gives the resource its facts: those of the input for certain, looked-up ones maybe", () => {
    expect(schema.RefundDesk?.entityTypes.Customer).toEqual({
      shape: {
        type: "Record",
        attributes: {
          tenant: { type: "String" },
          charge_id: { type: "String" },
          tier: { type: "String", required: false },
          balance_cents: { type: "Long", required: false },
        },
      },
    });
  });

  it("puts each tool in its group, with its own context", () => {
    const { actions = {} } = schema.RefundDesk ?? {};
    expect(Object.entries(actions).map(([name, action]) => [name, action.memberOf?.[0]?.id])).toEqual([
      ["read", undefined],
      ["write", undefined],
      ["ledger.lookup", "read"],
      ["ledger.inbox", "read"],
      ["ledger.refund", "write"],
      ["ledger.label", "write"],
      ["ledger.purge", "write"],
    ]);
    expect(actions["ledger.refund"]?.appliesTo).toMatchObject({
      principalTypes: ["Agent"],
      resourceTypes: ["Customer"],
    });
    expect(actions["ledger.refund"]?.appliesTo?.context.attributes.input).toEqual({
      type: "Record",
      attributes: {
        charge_id: { type: "String" },
        amount_cents: { type: "Long" },
        reason: { type: "String" },
        note: { type: "String", required: false },
        lines: {
          type: "Set",
          element: { type: "Record", attributes: { sku: { type: "String" }, gift: { type: "Boolean" } } },
        },
      },
    });
    expect(Object.keys(actions["ledger.refund"]?.appliesTo?.context.attributes ?? {})).toEqual([
      ...["input", "approvals", "confidence", "autonomy", "untrusted", "destination_from_requester", "reversibility"],
      ...["blast_radius", "data_class", "exposure", "spent_micro_usd", "budget_left_micro_usd", "hour", "weekday"],
      ...["tenant", "stage"],
    ]);
    expect(actions["ledger.label"]?.appliesTo?.context.attributes.exposure).toEqual({ type: "Record", attributes: {} });
  });

  it.each(["input.nowhere", "ledger.lookup.nowhere", "ledger.nowhere.tier"])("refuses a fact from %s", (source) => {
    const resource = { ...contract.resource, facts: { tier: source } };
    expect(() => cedarSchema({ ...contract, resource })).toThrow(`resource fact: ${source} is no field`);
  });

  it("acts on the run itself when the contract names no resource", () => {
    const bare = deskContract(deskWith({ resource: undefined }));
    expect(cedarSchema(bare).RefundDesk?.entityTypes.Run).toEqual({
      shape: { type: "Record", attributes: { tenant: { type: "String" } } },
    });
  });
});

describe("names", () => {
  it("are the workflow's in PascalCase", () => {
    expect(namespaceOf({ name: "billing-dispute-2" })).toBe("BillingDispute2");
  });

  it("of exposure follow amount, scope and resource type", () => {
    expect(exposureNames(contract, toolOf("ledger.refund"))).toEqual([
      { scope: "run", sum: "run_cents", count: "run_count" },
      { scope: "resource-day", sum: "customer_day_cents", count: "customer_day_count" },
      { scope: "workflow-day", sum: "workflow_day_cents", count: "workflow_day_count" },
    ]);
    expect(
      exposureNames(
        { resource: { type: "BankAccount", facts: {} } },
        { exposure: { amount: "amount", per: ["resource-day"] } },
      ),
    ).toEqual([{ scope: "resource-day", sum: "bank_account_day_amount", count: "bank_account_day_count" }]);
    expect(exposureNames(contract, toolOf("ledger.label"))).toEqual([]);
  });
});
