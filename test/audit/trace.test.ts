import { describe, expect, test } from "vitest";
import { eventsOfTrace, traceRecord } from "../../lib/audit/trace.js";
import { verifyText } from "../../lib/audit/verify.js";
import { loadWorkflow } from "../../lib/contract/load.js";
import { loadPolicies } from "../../lib/policy/source.js";
import { redecide } from "../../lib/replay/backtest.js";
import { rulesOf } from "../../lib/replay/rules.js";
import { linesOf } from "./support.js";

async function billing() {
  const { contract } = await loadWorkflow("workflows/billing-dispute");
  if (contract === undefined) throw new Error("the contract has faults");
  return { contract, rules: rulesOf(contract, loadPolicies("workflows/billing-dispute/policies")) };
}
const charge = {
  charge_id: "ch_77",
  customer_id: "cus_9",
  customer_name: "Canary Name",
  customer_tier: "standard",
  country: "NL",
  amount_cents: 42_000,
  refunded_cents: 0,
  currency: "eur",
  description: "Order 5120",
  created_at: "2026-04-20T10:00:00.000Z",
};
const trace = {
  run_id: "old-1",
  tenant_id: "acme",
  started_at: "2026-05-02T10:00:00Z",
  input: {
    dispute_id: "dp_1",
    charge_id: "ch_77",
    customer_id: "cus_9",
    ticket_id: "4411",
    opened_at: "2026-05-01T09:00:00Z",
    claim: "Canary Claim",
  },
  tool_calls: [
    {
      tool: "stripe.lookup_charge",
      input: { charge_id: "ch_77" },
      output: charge,
      status: "ok",
      latency_ms: 184,
      input_hash: "baf…",
    },
    {
      tool: "stripe.refund",
      input: { charge_id: "ch_77", amount_cents: 42_000, reason: "duplicate" },
      output: { refund_id: "re_1", status: "succeeded" },
    },
    { tool: "stripe.delete_customer", input: { customer_id: "cus_9" } },
  ],
  outcome: { status: "refunded", reason: "done" },
};
const events = async () => {
  const { contract, rules } = await billing();
  return eventsOfTrace(traceRecord.parse(trace), contract, rules.hashes, new Uint8Array(32));
};

describe("calls that were logged elsewhere", () => {
  test("become a run that verifies, and holds no sensitive value", async () => {
    const lines = await linesOf(await events());
    expect(verifyText(`${lines.join("\n")}\n`).faults).toEqual([]);
    expect(lines.join("\n")).not.toMatch(/Canary/);
  });
  test("are decided by the contract and its policies: what ran unasked would be asked, or is none", async () => {
    const { rules } = await billing();
    const decided = await redecide(await events(), rules);
    expect(decided.map(({ tool, recorded, now }) => `${tool}: ${recorded} → ${now}`)).toEqual([
      "stripe.lookup_charge: permit → permit",
      "stripe.refund: permit → ask 1 person",
      "stripe.delete_customer: permit → not a valid action",
    ]);
    expect(decided[1]?.unknown).toContain("exposure");
  });
  test("need their arguments: a hash of them cannot be judged", () => {
    const parsed = traceRecord.safeParse({
      ...trace,
      tool_calls: [{ tool: "stripe.refund", input_hash: "baf", status: "ok", latency_ms: 1 }],
    });
    expect(parsed.error?.issues[0]?.path).toEqual(["tool_calls", 0, "input"]);
  });
});
