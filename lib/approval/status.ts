/** Whether a stored request is what the gate hashed. Pure. */
import { actionHash, proposalStep } from "../run/hash.js";
import type { ApprovalView } from "../run/protocol.js";
import { redactWithNonces } from "../run/redact.js";

/** Whether what would be shown is what the gate hashed. */
export function matchesHash(view: ApprovalView): boolean {
  // Without its arguments a form cannot be checked; the desk, where alone it can be approved, compares it with the whole.
  if (view.withheld !== undefined && view.page_only?.includes("args") === true) return true;
  try {
    return (
      view.action_hash ===
      actionHash({
        run_id: view.run_id,
        step: proposalStep(view.turn),
        tool: view.tool,
        tool_schema_hash: view.tool_schema_hash,
        // withheld: they are in redacted form already
        args: view.withheld === undefined ? redactWithNonces(view.args, view.sensitive_paths, view.nonces) : view.args,
        contract_hash: view.contract_hash,
        stage: view.stage,
        expires_at: view.deadline,
      })
    );
  } catch {
    return false; // nonces that do not fit the arguments: changed as well
  }
}
