import { join } from "node:path";
import { renderFault } from "../../lib/contract/faults.js";
import type { Contract, Tool } from "../../lib/contract/model.js";
import { checkPolicies } from "../../lib/policy/lint.js";
import { exposureNames } from "../../lib/policy/names.js";
import type { PolicyFacts } from "../../lib/policy/request.js";
import { loadPolicies, type PolicySet, policySet, splitPolicies } from "../../lib/policy/source.js";
import { DESK, deskContract } from "../contract/fixture.js";

export const contract: Contract = deskContract();
export const deskSet: PolicySet = policySet(contract, loadPolicies(join(DESK, "policies")));

export function toolOf(name: string, of: Contract = contract): Tool {
  const tool = of.tools.find((other) => other.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool;
}

/** A set from Cedar text, as if it stood in policies/test.cedar of the workflow. */
export function setOf(text: string, of: Contract = contract): PolicySet {
  return policySet(of, splitPolicies(text, join(DESK, "policies/test.cedar")));
}

/** What lint says of a text, without the warnings that most one-policy texts give. */
export function lint(text: string, of: Contract = contract): readonly string[] {
  return checkPolicies(of, setOf(text, of))
    .filter((fault) => fault.code !== "CS-1119")
    .map((fault) => `${fault.code} ${renderFault(fault)}`);
}

export const ARGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "ledger.lookup": { charge_id: "ch_1" },
  "ledger.inbox": { case_id: "c_1" },
  "ledger.refund": { charge_id: "ch_1", amount_cents: 4000, reason: "duplicate", lines: [{ sku: "a", gift: false }] },
  "ledger.label": { case_id: "c_1", label: "done", mail_to: "a@example.com" },
  "ledger.purge": { before: "2026-01-01" },
};

/** An action that nothing speaks against; a test changes what it is about. */
export function factsFor(name: string, patch: Partial<PolicyFacts> = {}, of: Contract = contract): PolicyFacts {
  const tool = toolOf(name, of);
  return {
    tenant: "acme",
    stage: "dev",
    requester: "dana@example.com",
    tool,
    args: ARGS[name] ?? {},
    resource: { id: "cus_9", facts: { charge_id: "ch_1", tier: "standard", balance_cents: 0 } },
    approvals: 0,
    confidencePercent: 95,
    untrusted: false,
    destinationFromRequester: true,
    exposure: Object.fromEntries(
      exposureNames(of, tool).flatMap(({ sum, count }) => [
        [sum, 4000],
        [count, 1],
      ]),
    ),
    spentMicroUsd: 1000,
    budgetLeftMicroUsd: 289_000,
    hour: 14,
    weekday: 3,
    ...patch,
  };
}
