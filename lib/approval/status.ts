/** What has come of an approval, from its request, its decisions and the time. Pure. */

import type { ApprovalDecision } from "../run/events.js";
import { actionHash, proposalStep } from "../run/hash.js";
import type { ApprovalView } from "../run/protocol.js";
import { redactWithNonces } from "../run/redact.js";

export type ApprovalStatus =
  | { readonly kind: "open"; readonly approvals: number }
  | { readonly kind: "approved" }
  | { readonly kind: "rejected" }
  /** nobody decided in time: neither approved nor rejected */
  | { readonly kind: "expired"; readonly approvals: number };

/** One rejection ends it; decisions about other content do not count. */
export function approvalStatus(
  view: ApprovalView,
  decisions: readonly ApprovalDecision[],
  nowMs: number,
): ApprovalStatus {
  const valid = decisions.filter((decision) => decision.action_hash === view.action_hash);
  if (valid.some(({ decision }) => decision === "reject")) return { kind: "rejected" };
  const approvals = new Set(valid.map(({ approver }) => approver)).size;
  if (approvals >= view.needed) return { kind: "approved" };
  return { kind: nowMs >= Date.parse(view.deadline) ? "expired" : "open", approvals };
}

/** Whether what would be shown is what the gate hashed. */
export function matchesHash(view: ApprovalView): boolean {
  try {
    return (
      view.action_hash ===
      actionHash({
        run_id: view.run_id,
        step: proposalStep(view.turn),
        tool: view.tool,
        tool_schema_hash: view.tool_schema_hash,
        args: redactWithNonces(view.args, view.sensitive_paths, view.nonces),
        contract_hash: view.contract_hash,
        stage: view.stage,
        expires_at: view.deadline,
      })
    );
  } catch {
    return false; // nonces that do not fit the arguments: changed as well
  }
}
