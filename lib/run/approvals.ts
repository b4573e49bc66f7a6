/** How people answered: from the rows they left, whatever the callback said. */
import type { ActOf, ApprovalAct } from "./acts.js";
import { type Asked, type Closing, closingOf, countDecisions, countedEdit } from "./closing.js";
import type { ApprovalDecision } from "./events.js";
import { personKey } from "./people.js";
import type { ApprovalView } from "./protocol.js";
import type { Pending } from "./state.js";
import { msOf } from "./time.js";
import { signInOf } from "./withheld.js";

export type Resolution =
  /** quorum not reached and still time: the same question goes on */
  | { readonly kind: "waiting" }
  | { readonly kind: "edited"; readonly edit: ActOf<"edit"> }
  | {
      readonly kind: "approved" | "rejected" | "expired";
      readonly decisions: readonly ApprovalDecision[];
      /** of rows that do not count: why */
      readonly barred: readonly string[];
    }
  /** the closing row says what the other rows do not bear out: somebody wrote it who should not */
  | { readonly kind: "broken" };

export const askedIn = ({ requested }: Pending, requester: string): Asked => ({
  approval_id: requested.approval_id,
  action_hash: requested.action_hash,
  view_hash: requested.view_hash,
  needed: requested.needed,
  sign_in: requested.sign_in ?? "code",
  deadline: requested.deadline,
  approvers: requested.approvers,
  escalation: requested.escalation ?? [],
  delegates: requested.delegates ?? [],
  requester,
});

export interface Answers {
  readonly decisions: readonly ApprovalDecision[];
  readonly acts: readonly ApprovalAct[];
  /** the row that ended it; null: none is there */
  readonly closing: Closing | null;
}

/**
 * Counts rows for this approval, exactly this action and exactly what was shown, by people who might decide then, with a method that is
 * strong enough, before the deadline, each person once (the first row). The closing row only says which of them came first.
 */
export function resolveApproval(
  pending: Pending,
  answers: Answers,
  requester: string,
  nowMs: number,
  shown?: Pick<ApprovalView, "sensitive_paths" | "page_only">,
): Resolution {
  const asked = askedIn(pending, requester);
  // What the log cannot tell: whether a link showed all of it.
  const signIn = shown === undefined ? asked.sign_in : signInOf({ ...shown, sign_in: asked.sign_in });
  return resolveAsked({ ...asked, sign_in: signIn }, answers, nowMs);
}

/** The same for whoever has the question itself. */
export function resolveAsked(
  asked: Asked,
  { decisions: rows, acts, closing: stored }: Answers,
  nowMs: number,
): Resolution {
  const closing = stored ?? closingOf(asked, rows, acts, nowMs);
  if (closing === null) return { kind: "waiting" };
  const { decisions, barred } = countDecisions(asked, rows, acts);
  const named = decisions.filter(({ approver }) => closing.by.some((one) => personKey(one) === personKey(approver)));
  switch (closing.kind) {
    case "approved": {
      const approved = named.filter(({ decision }) => decision === "approve");
      if (approved.length < asked.needed) return { kind: "broken" };
      return { kind: "approved", decisions: approved.slice(0, asked.needed), barred };
    }
    case "rejected": {
      const rejected = named.filter(({ decision }) => decision === "reject");
      if (rejected.length === 0) return { kind: "broken" };
      // Who had approved before is on record too, but not who approved at the same moment and was told that it did not count.
      const before = decisions
        .filter((one) => one.decision === "approve")
        .filter((one) => rejected.every((no) => msOf(one.decided_at) <= msOf(no.decided_at)))
        .slice(0, asked.needed - 1);
      return { kind: "rejected", decisions: [...before, ...rejected], barred };
    }
    case "edited": {
      const edit = countedEdit(asked, acts);
      return edit === undefined ? { kind: "broken" } : { kind: "edited", edit };
    }
    case "expired":
      return {
        kind: "expired",
        decisions: decisions.filter(({ decision }) => decision === "approve").slice(0, asked.needed - 1),
        barred,
      };
  }
}
