/** People's answer to a question: rejected, expired, edited, still open, or approved, and then all is checked again. */
import { actionOf, askAgain, lost } from "./answer.js";
import { type Resolution, resolveApproval } from "./approvals.js";
import { assessEdit } from "./assess-edit.js";
import { caseOf, checked, memoryOf, missing } from "./case.js";
import { allSkipped } from "./checks.js";
import { denied, refuse } from "./deny.js";
import { plain } from "./draft.js";
import type { ApprovalDecision, NewEvent } from "./events.js";
import { calledBack, notedEntries } from "./notes.js";
import { personKey } from "./people.js";
import type { OpenRun, Pending } from "./state.js";
import { callbackStep } from "./steps.js";
import type { Assessment, Entry, GateCase, GateInput } from "./types.js";
import { parseView } from "./view.js";

export function assessApproval(input: GateInput, before: OpenRun): Assessment {
  const { request, contract, decisions, acts = [], closing = null, nowMs } = input;
  const { pending } = before;
  if (request.phase !== "approval" || pending === null) throw new TypeError("assess: nobody is being asked");
  const { proposed, requested } = pending;
  const action = actionOf(input, proposed.args_hash);
  const shown = parseView(input.shown, requested.action_hash);
  if (shown === null) throw lost("what people were shown");
  const resolution = resolveApproval(pending, { decisions, acts, closing }, before.started.requester, nowMs, shown);
  if (resolution.kind === "waiting") return waiting(input, pending, askAgain(input, shown, action, request.rationale));
  const tool = contract.tools.find(({ name }) => name === action.tool);
  if (tool === undefined) throw missing(`the tool ${action.tool}`);
  const { rationale } = request;
  if (resolution.kind === "edited")
    return assessEdit({ input, before, pending, shown, action, tool, rationale, edit: resolution.edit });
  const counted = resolution.kind === "broken" ? [] : resolution.decisions;
  const entries = [...notedEntries(input, pending), ...counted.map((decision) => decidedEntry(request.turn, decision))];
  const { args, nonces } = action;
  const said = { tool, args, rationale, proposed, nonces };
  const gate = caseOf(input, before, entries, memoryOf(input, before, entries), said);
  switch (resolution.kind) {
    case "broken":
      return { kind: "done", step: broken(gate, pending) };
    case "rejected":
      return { kind: "done", step: rejected(gate, resolution.decisions) };
    case "expired":
      return { kind: "done", step: expired(gate, pending, resolution) };
    case "approved": {
      const approvals = resolution.decisions.length >= 2 ? 2 : 1;
      return approved({ ...gate, asked: { pending, shown, approvals } }, resolution.decisions);
    }
  }
}

/** People approved: all is checked again, first that the contract they read about is the one that runs, and that they are still in it. */
function approved(gate: GateCase, decisions: readonly ApprovalDecision[]): Assessment {
  const why = changedSince(gate);
  if (why !== undefined) {
    const reasons = [...removed(gate, decisions), why];
    return { kind: "done", step: refuse({ ...gate, checks: allSkipped(why) }, reasons) };
  }
  return checked(gate);
}

/** The contract or the tool's schema is another one than the one that the action was proposed under. */
export function changedSince({ proposed, tool, input }: GateCase): string | undefined {
  const { contractHash, toolSchemaHashes } = input.hashes;
  if (proposed.contract_hash === contractHash && proposed.tool_schema_hash === toolSchemaHashes[tool.name])
    return undefined;
  return "the contract or the tool's schema changed since; propose again";
}

/** Who decided and is no approver in the contract that is deployed now. */
function removed({ input }: GateCase, decisions: readonly ApprovalDecision[]): readonly string[] {
  const { first, escalate, delegates } = input.contract.approvers;
  const now = [...first, ...escalate.flatMap(({ to }) => to), ...delegates];
  return decisions
    .filter(({ approver }) => !now.some((person) => personKey(person) === personKey(approver)))
    .map(({ approver }) => `CS-3131 ${approver} decided and is no approver of the contract any more`);
}

/**
 * Nobody has decided, so the question goes on. A callback that came all the same is nobody's decision (the sender waits for the closing
 * row): on record, once for each question.
 */
function waiting(input: GateInput, pending: Pending, answer: ReturnType<typeof askAgain>): Assessment {
  const { request } = input;
  const step = callbackStep(request);
  const unasked = request.phase === "approval" && request.called_back && input.events.every((one) => one.step !== step);
  const events = unasked ? [calledBack(pending, input.nowMs)] : [];
  const nothing = { sealed: [], holds: [], settled: [], released: [] };
  return { kind: "done", step: { step, events, ...nothing, answer, context: null, closed: false } };
}

function decidedEntry(turn: number, decision: ApprovalDecision): Entry {
  return plain({ type: "ApprovalDecided", data: { turn, ...decision } });
}

function rejected(gate: GateCase, decisions: readonly ApprovalDecision[]) {
  const reasons = decisions
    .filter(({ decision }) => decision === "reject")
    .map(({ approver, comment }) => `CS-3121 rejected by ${approver}: ${comment}`);
  return denied(
    { ...gate, checks: allSkipped("a person rejected the action") },
    reasons,
    decisions.length - reasons.length,
  );
}

function expired(
  gate: GateCase,
  { requested }: Pending,
  { decisions, barred }: Extract<Resolution, { kind: "approved" | "rejected" | "expired" }>,
) {
  const { approval_id, deadline, needed, turn } = requested;
  const event: NewEvent = { type: "ApprovalExpired", data: { turn, approval_id, deadline } };
  const reason = `CS-3122 expired, not rejected: ${decisions.length} of ${needed} approvals by ${deadline}`;
  const uncounted = barred.map((why) => `CS-3133 a decision does not count: ${why}`);
  const checks = allSkipped("nobody decided in time");
  const entries = [...gate.entries, plain(event)];
  return denied({ ...gate, checks, entries }, [reason, ...uncounted], decisions.length);
}

/** Nobody gets what a row claims that the others do not bear out. */
function broken(gate: GateCase, { requested }: Pending) {
  const { approval_id, turn } = requested;
  const reason = "CS-3132 the approval's closing row claims what no decision bears out; nothing runs";
  const event: NewEvent = { type: "ApprovalVoided", data: { turn, approval_id, reason } };
  const entries = [...gate.entries, plain(event)];
  return denied({ ...gate, checks: allSkipped("the approval's rows contradict each other"), entries }, [reason], 0);
}
