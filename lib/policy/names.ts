import type { Contract, ExposureScope, Tool } from "../contract/model.js";

/** `billing-dispute` → `BillingDispute`: the one namespace of the workflow's policy store. */
export function namespaceOf(contract: { readonly name: string }): string {
  return contract.name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

/** Entity id of the agent, the principal of every request. */
export function agentId(contract: { readonly name: string; readonly version: number }): string {
  return `${contract.name}-v${contract.version}`;
}

export interface ExposureName {
  readonly scope: ExposureScope;
  /** attribute of `context.exposure` with the sum of amounts, the proposed action included */
  readonly sum: string;
  /** attribute with the number of calls, the proposed one included */
  readonly count: string;
}

/**
 * Attributes of `context.exposure` for a tool. With `exposure.amount: "amount_cents"` and resource type `Customer`:
 * `run_cents`, `customer_day_cents`, `workflow_day_cents` and `run_count`, `customer_day_count`, `workflow_day_count`, each only when
 * its scope is in `exposure.per`. The unit is what follows the last `_` of the amount's name (`amount` → `run_amount`). Sums include
 * the proposed action, so `<= limit` is what a policy writes.
 */
export function exposureNames(
  contract: Pick<Contract, "resource">,
  tool: Pick<Tool, "exposure">,
): readonly ExposureName[] {
  if (tool.exposure === undefined) return [];
  const { amount, per } = tool.exposure;
  const unit = amount.slice(amount.lastIndexOf("_") + 1);
  const resource = contract.resource.type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();
  const prefix = { run: "run", "resource-day": `${resource}_day`, "workflow-day": "workflow_day" } as const;
  return per.map((scope) => ({ scope, sum: `${prefix[scope]}_${unit}`, count: `${prefix[scope]}_count` }));
}
