/** How people answered: from the decision rows alone, whatever the callback said. */
import type { ApprovalDecision } from "./events.js";
import { isSamePerson, personKey } from "./people.js";
import type { Pending } from "./state.js";
import { msOf } from "./time.js";

export type Resolution =
  /** quorum not reached and still time: the same question goes on */
  | { readonly kind: "waiting" }
  | { readonly kind: "approved" | "rejected" | "expired"; readonly decisions: readonly ApprovalDecision[] };

/**
 * Counts rows for this approval, exactly this action and exactly what was shown, by listed approvers other than the requester, decided before the
 * deadline, each person once (the first row). One reject wins.
 */
export function resolveApproval(
  pending: Pending,
  rows: readonly ApprovalDecision[],
  requester: string,
  nowMs: number,
): Resolution {
  const { requested } = pending;
  const decisions = countedDecisions(pending, rows, requester);
  if (decisions.some(({ decision }) => decision === "reject")) return { kind: "rejected", decisions };
  if (decisions.length >= requested.needed) return { kind: "approved", decisions };
  return nowMs >= msOf(requested.deadline) ? { kind: "expired", decisions } : { kind: "waiting" };
}

function countedDecisions(
  { requested }: Pending,
  rows: readonly ApprovalDecision[],
  requester: string,
): readonly ApprovalDecision[] {
  const counted = new Map<string, ApprovalDecision>();
  for (const row of [...rows].sort(byTime)) {
    const person = personKey(row.approver);
    const counts =
      row.approval_id === requested.approval_id &&
      row.action_hash === requested.action_hash &&
      row.view_hash === requested.view_hash &&
      requested.approvers.some((approver) => personKey(approver) === person) &&
      !isSamePerson(requester, row.approver) &&
      msOf(row.decided_at) < msOf(requested.deadline) &&
      !counted.has(person);
    if (counts) counted.set(person, row);
  }
  return [...counted.values()];
}

const byTime = (left: ApprovalDecision, right: ApprovalDecision) =>
  msOf(left.decided_at) - msOf(right.decided_at) || (left.approver < right.approver ? -1 : 1);
