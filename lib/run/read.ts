/** What a step has to read besides the log. */
import { callToTell, openBefore } from "./history.js";
import type { DecideRequest } from "./protocol.js";
import { openCall, type Stamped } from "./state.js";
import { stepOf } from "./steps.js";
import type { Reads } from "./types.js";

/**
 * From the log and the request to what else to fetch: the ledger's row of the call whose outcome is not in the context object yet (also
 * when this is a repeat of the step that settled it), the decisions and the view of a pending approval.
 * @param request null for close-run
 */
export function readsFor(
  events: readonly (Stamped & { readonly hash: string })[],
  request: DecideRequest | null,
): Reads {
  const step = request === null ? "close" : stepOf(request);
  const call = request === null ? openAt(events, step) : callToTell(events, request);
  const contextTurn = request === null ? 0 : request.phase === "outcome" ? request.turn + 1 : request.turn;
  const asked =
    request === null
      ? undefined
      : events.findLast((event) => event.type === "ApprovalRequested" && event.data.turn === request.turn);
  return {
    step,
    contextTurn,
    effect: call === undefined ? null : { tool: call.tool, turn: call.turn },
    approvalId: asked?.type === "ApprovalRequested" && request?.phase === "approval" ? asked.data.approval_id : null,
    shown: asked === undefined ? null : { seq: asked.seq, hash: asked.hash },
  };
}

function openAt(events: readonly Stamped[], step: string) {
  const before = openBefore(events, step);
  return before === null ? undefined : openCall(before);
}
