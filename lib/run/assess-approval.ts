/** People's answer to a question: rejected, expired, still open, or approved, and then all is checked again. */
import { actionOf, askAgain, lost } from "./answer.js";
import { resolveApproval } from "./approvals.js";
import { caseOf, checked, memoryOf, missing } from "./case.js";
import { allSkipped } from "./checks.js";
import { denied, refuse } from "./deny.js";
import { plain, stepOf } from "./draft.js";
import type { ApprovalDecision, NewEvent } from "./events.js";
import type { OpenRun, Pending } from "./state.js";
import type { Assessment, Entry, GateCase, GateInput } from "./types.js";
import { parseView } from "./view.js";

export function assessApproval(input: GateInput, before: OpenRun): Assessment {
  const { request, contract, decisions, nowMs } = input;
  const { pending } = before;
  if (request.phase !== "approval" || pending === null) throw new TypeError("assess: nobody is being asked");
  const { proposed, requested } = pending;
  const action = actionOf(input, proposed.args_hash);
  const shown = parseView(input.shown, requested.action_hash);
  if (shown === null) throw lost("what people were shown");
  const resolution = resolveApproval(pending, decisions, before.started.requester, nowMs);
  if (resolution.kind === "waiting") return waiting(input, askAgain(input, shown, action, request.rationale));
  const tool = contract.tools.find(({ name }) => name === action.tool);
  if (tool === undefined) throw missing(`the tool ${action.tool}`);
  const entries = resolution.decisions.map((decision) => decidedEntry(request.turn, decision));
  const { args, nonces } = action;
  const said = { tool, args, rationale: request.rationale, proposed, nonces };
  const gate = caseOf(input, before, entries, memoryOf(input, before, entries), said);
  if (resolution.kind === "rejected") return { kind: "done", step: rejected(gate, resolution.decisions) };
  if (resolution.kind === "expired") return { kind: "done", step: expired(gate, pending, resolution.decisions.length) };
  const approvals = resolution.decisions.length >= 2 ? 2 : 1;
  return approved({ ...gate, asked: { pending, shown, approvals } });
}

/** People approved: all is checked again, first that the contract they read about is the one that runs. */
function approved(gate: GateCase): Assessment {
  const { proposed, tool, input } = gate;
  const { contractHash, toolSchemaHashes } = input.hashes;
  if (proposed.contract_hash !== contractHash || proposed.tool_schema_hash !== toolSchemaHashes[tool.name]) {
    const why = "the contract or the tool's schema changed since; propose again";
    return { kind: "done", step: refuse({ ...gate, checks: allSkipped(why) }, [why]) };
  }
  return checked(gate);
}

function waiting(input: GateInput, answer: ReturnType<typeof askAgain>): Assessment {
  const step = { step: stepOf(input.request), events: [], sealed: [], holds: [], settled: [], released: [] };
  return { kind: "done", step: { ...step, answer, context: null, closed: false } };
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

function expired(gate: GateCase, { requested }: Pending, approvals: number) {
  const { approval_id, deadline, needed, turn } = requested;
  const event: NewEvent = { type: "ApprovalExpired", data: { turn, approval_id, deadline } };
  const reason = `CS-3122 expired, not rejected: ${approvals} of ${needed} approvals by ${deadline}`;
  const checks = allSkipped("nobody decided in time");
  return denied({ ...gate, checks, entries: [...gate.entries, plain(event)] }, [reason], approvals);
}
