/**
 * What must hold inside a run besides its chain: nothing acts without a permit, no permit without a decision and the people it needs, nothing
 * after the end. Independent of the gate's code on purpose: it reads what was recorded, and trusts only hashes.
 */

import type { AuditErrorCode } from "../errors/audit.js";
import { hashJson } from "../run/canonical.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import { actionHash, idempotencyKey, proposalStep } from "../run/hash.js";
import { isSamePerson, personKey } from "../run/people.js";
import { unreachable } from "../run/unreachable.js";

export interface RuleFault {
  readonly code: AuditErrorCode;
  /** what is wrong, without run and record */
  readonly message: string;
}
const fault = (code: AuditErrorCode, message: string): RuleFault => ({ code, message });

type Asked = EventOf<"ApprovalRequested">["data"];
interface Delegation {
  readonly by: string;
  readonly to: string;
  readonly at: string;
}

/** What the rules remember of one run. */
export interface RuleState {
  started: EventOf<"RunStarted"> | null;
  ended: "RunClosed" | "RunRefused" | null;
  proposed: EventOf<"ActionProposed"> | null;
  decided: EventOf<"ActionDecided"> | null;
  requested: EventOf<"ApprovalRequested"> | null;
  approvers: Set<string>;
  /** of the open question */
  delegations: Delegation[];
  /** rejected, expired or voided */
  refusedTurn: number | null;
  open: EventOf<"ActionPermitted"> | null;
  /** of the newest permit; 0: none yet */
  permittedTurn: number;
  permits: number;
  proposals: number;
  spentMicroUsd: number;
  previous: RecordedEvent | null;
}

export function newRuleState(): RuleState {
  return {
    started: null,
    ended: null,
    proposed: null,
    decided: null,
    requested: null,
    approvers: new Set(),
    delegations: [],
    refusedTurn: null,
    open: null,
    permittedTurn: 0,
    permits: 0,
    proposals: 0,
    spentMicroUsd: 0,
    previous: null,
  };
}

/** After the end everything is a fault, whatever came before: all runs that ended share a state, so that a million of them need no memory. */
const ENDED = new Map(
  (["RunClosed", "RunRefused"] as const).map((ended) => [ended, Object.freeze({ ...newRuleState(), ended })]),
);

/** Checks one event against what came before; `state` is what is remembered from now on. */
export function checkRules(state: RuleState, event: RecordedEvent): { state: RuleState; fault: RuleFault | undefined } {
  if (state.ended !== null) {
    return { state, fault: fault("CS-5121", `${event.type} follows ${state.ended}, the end of the run`) };
  }
  const found = place(state, event) ?? content(state, event);
  state.previous = event;
  return { state: (state.ended === null ? undefined : ENDED.get(state.ended)) ?? state, fault: found };
}

function place(state: RuleState, event: RecordedEvent): RuleFault | undefined {
  const begins = event.type === "RunStarted" || event.type === "RunRefused";
  if (begins === (state.previous === null)) return undefined;
  return fault(
    "CS-5120",
    begins ? `${event.type} in the middle of a run` : `the run begins with ${event.type}, not with RunStarted`,
  );
}

function content(state: RuleState, event: RecordedEvent): RuleFault | undefined {
  switch (event.type) {
    case "RunStarted":
      state.started = event;
      return sameHash("input_hash", event.data.input, event.data.input_hash);
    case "RunRefused":
      state.ended = event.type;
      return undefined;
    case "ActionProposed":
      countProposal(state, event.data);
      state.proposed = event;
      return sameHash("args_hash", event.data.args, event.data.args_hash);
    case "FinishProposed":
    case "ProposalInvalid":
      countProposal(state, event.data);
      return undefined;
    case "ActionDecided":
      return decided(state, event);
    case "ApprovalRequested":
      return requested(state, event);
    case "ApprovalDecided":
      return approvalDecided(state, event);
    case "ActionEdited":
      return edited(state, event);
    case "ApprovalNoted":
      return noted(state, event);
    case "ApprovalExpired":
    case "ApprovalVoided":
      state.refusedTurn = event.data.turn;
      return undefined;
    case "ActionPermitted":
      return permitted(state, event);
    case "ToolReturned":
      return returned(state, event);
    case "RunClosed":
      state.ended = event.type;
      return closed(state, event);
    default:
      return unreachable("event", event);
  }
}

function countProposal(state: RuleState, data: { readonly cost_micro_usd: number }): void {
  state.proposals += 1;
  state.spentMicroUsd += data.cost_micro_usd;
}

function sameHash(name: string, value: unknown, hash: string): RuleFault | undefined {
  return hashJson(value) === hash ? undefined : fault("CS-5122", `${name} is not the hash of the value beside it`);
}

function decided(state: RuleState, event: EventOf<"ActionDecided">): RuleFault | undefined {
  state.decided = event;
  const { turn, tool, args_hash } = event.data;
  const { proposed } = state;
  if (proposed?.data.turn === turn && proposed.data.tool === tool && proposed.data.args_hash === args_hash)
    return undefined;
  return fault("CS-5123", `decides about ${tool} of turn ${turn} with arguments that were not proposed`);
}

function requested(state: RuleState, event: EventOf<"ApprovalRequested">): RuleFault | undefined {
  const { turn, needed, deadline, action_hash } = event.data;
  state.requested = event;
  state.approvers = new Set();
  state.delegations = [];
  // A question that replaces the one before is open again.
  if (state.refusedTurn === turn && (event.data.round ?? 0) > 0) state.refusedTurn = null;
  const { data } = state.decided ?? {};
  if (data?.turn !== turn || data.decision !== "ask" || needed < (data.tier ?? 2)) {
    return fault("CS-5123", `asks ${needed} for turn ${turn}, which was not decided so`);
  }
  return action_hash === hashOf(state, deadline) ? undefined : wrongHash();
}

/** An edit is of the question that was open, by somebody who was asked, and what is decided next is about its arguments. */
function edited(state: RuleState, event: EventOf<"ActionEdited">): RuleFault | undefined {
  const { turn, round, approval_id, editor, args, args_hash, edited_at, method } = event.data;
  const asked = state.requested?.data;
  if (asked?.turn !== turn || asked.approval_id !== approval_id || round !== (asked.round ?? 0) + 1)
    return fault("CS-5126", `${editor} edited something that was not asked`);
  const barred = barredFault(state, asked, { name: editor, at: edited_at, method, did: "edited" });
  if (barred !== undefined) return barred;
  if (state.proposed !== null)
    state.proposed = { ...state.proposed, data: { ...state.proposed.data, args, args_hash } };
  return sameHash("args_hash", args, args_hash);
}

function noted(state: RuleState, { data }: EventOf<"ApprovalNoted">): RuleFault | undefined {
  const asked = state.requested?.data;
  if (asked?.turn !== data.turn || asked.approval_id !== data.approval_id)
    return fault("CS-5126", `a ${data.kind} by ${data.by} is about something that was not asked`);
  const stranger = strangerTold(asked, data);
  if (stranger !== undefined) return fault("CS-5126", `${stranger} was told of a ${data.kind} and is not asked`);
  if (data.kind === "delegation" && data.to !== null) state.delegations.push({ by: data.by, to: data.to, at: data.at });
  return undefined;
}

/** Nobody but the question's own people is reminded, or brought in by time. */
function strangerTold(asked: Asked, { kind, to }: EventOf<"ApprovalNoted">["data"]): string | undefined {
  if (kind !== "reminder" && kind !== "escalation") return undefined;
  const named = [...asked.approvers, ...(asked.escalation ?? []).flatMap(({ people }) => people)];
  const known = new Set([...named, ...(asked.delegates ?? [])].map(personKey));
  return (to ?? "").split(", ").find((person) => !known.has(personKey(person)));
}

function approvalDecided(state: RuleState, event: EventOf<"ApprovalDecided">): RuleFault | undefined {
  const { turn, approval_id, approver, decision, decided_at, action_hash, view_hash, method } = event.data;
  const asked = state.requested?.data;
  if (
    asked?.turn !== turn ||
    asked.approval_id !== approval_id ||
    asked.action_hash !== action_hash ||
    asked.view_hash !== view_hash
  ) {
    return fault("CS-5126", `${approver} decided about something that was not asked`);
  }
  const person = personKey(approver);
  const barred = barredFault(state, asked, { name: approver, at: decided_at, method, did: "decided" });
  if (barred !== undefined) return barred;
  if (state.approvers.has(person)) return fault("CS-5126", `${approver} decided twice`);
  if (decision === "reject") state.refusedTurn = turn;
  else state.approvers.add(person);
  return undefined;
}

type Standing = "decides" | "handed on" | "not asked";

/**
 * Asked from the start, or by now, or handed the decision by who had it; not after handing it on. Handing on what one does not have, to
 * somebody whom the request does not name, or to who has handed it on already changes nothing.
 */
function standing(asked: Asked, delegations: readonly Delegation[], name: string, at: string): Standing {
  const { approvers, escalation = [], delegates = [] } = asked;
  const named = new Set([...approvers, ...escalation.flatMap(({ people }) => people), ...delegates].map(personKey));
  const handed = new Set<string>();
  const taken = new Set<string>();
  const decides = (person: string, time: string) => {
    const atMs = Date.parse(time);
    const later = escalation.filter((step) => Date.parse(step.at) <= atMs).flatMap(({ people }) => people);
    return (
      !handed.has(person) && (taken.has(person) || [...approvers, ...later].some((one) => personKey(one) === person))
    );
  };
  const before = delegations.filter((one) => Date.parse(one.at) <= Date.parse(at));
  for (const one of before.sort((left, right) => Date.parse(left.at) - Date.parse(right.at))) {
    const [by, to] = [personKey(one.by), personKey(one.to)];
    if (!decides(by, one.at) || !named.has(to) || handed.has(to)) continue;
    handed.add(by);
    taken.add(to);
  }
  if (handed.has(personKey(name))) return "handed on";
  return decides(personKey(name), at) ? "decides" : "not asked";
}

/** Why a decision or an edit must not have counted. Runs of before there was more than the code say nothing of the method. */
function barredFault(
  state: RuleState,
  asked: Asked,
  {
    name,
    at,
    method = "code",
    did,
  }: { name: string; at: string; method: string | undefined; did: "decided" | "edited" },
): RuleFault | undefined {
  const where = standing(asked, state.delegations, name, at);
  if (where === "not asked") return fault("CS-5126", `${name} is not an approver`);
  if (isSamePerson(state.started?.data.requester ?? "", name))
    return fault("CS-5126", `${name} asked for the run and ${did}`);
  if (where === "handed on") return fault("CS-5126", `${name} handed the decision to somebody else and ${did}`);
  if (asked.sign_in === "required" && method === "code")
    return fault("CS-5126", `${name} ${did} with a mailed code alone, where a sign-in was required`);
  if (Date.parse(at) >= Date.parse(asked.deadline)) return fault("CS-5126", `${name} ${did} after the deadline`);
  return undefined;
}

function permitted(state: RuleState, event: EventOf<"ActionPermitted">): RuleFault | undefined {
  const { turn, tool, args_hash, action_hash, not_after, idempotency_key } = event.data;
  const { data } = state.decided ?? {};
  const wasOpen = state.open !== null;
  const usedTurn = state.permittedTurn;
  state.open = event;
  state.permittedTurn = Math.max(usedTurn, turn);
  state.permits += 1;
  if (data?.turn !== turn || data.tool !== tool || data.args_hash !== args_hash || data.decision !== "permit") {
    return fault("CS-5124", `permits ${tool} of turn ${turn}, and no decision before it does`);
  }
  if (wasOpen) return fault("CS-5124", "permits a second call before the first has an outcome");
  if (turn <= usedTurn)
    return fault(
      "CS-5124",
      `permits in turn ${turn} again, after the permit of turn ${usedTurn}: what allowed it is used`,
    );
  if (
    data.tier === null ||
    data.checks.some((check) => check.result === "failed") ||
    (data.policy?.errors.length ?? 1) > 0
  ) {
    return fault("CS-5124", "permits what a check or a policy denied");
  }
  const asked = state.requested?.data.turn === turn ? state.requested.data : null;
  const approvals = approvalFault(state, turn, data.tier, asked?.needed ?? 0);
  if (approvals !== undefined) return approvals;
  if (action_hash !== hashOf(state, asked?.deadline ?? not_after)) return wrongHash();
  if (asked !== null && action_hash !== asked.action_hash)
    return fault("CS-5127", "permits another action than the one that people were asked about");
  if (idempotency_key === idempotencyKey(event.run_id, turn, args_hash)) return undefined;
  return fault("CS-5127", "the idempotency key does not belong to the action");
}

function approvalFault(state: RuleState, turn: number, tier: number, needed: number): RuleFault | undefined {
  const count = state.requested?.data.turn === turn ? state.approvers.size : 0;
  const wanted = Math.max(tier, needed);
  if (count < wanted) return fault("CS-5125", `permitted with ${count} of ${wanted} approvals`);
  return state.refusedTurn === turn
    ? fault("CS-5125", "permitted after the approval was rejected, expired or void")
    : undefined;
}

function returned(state: RuleState, event: EventOf<"ToolReturned">): RuleFault | undefined {
  const { turn, tool, args_hash, output, output_hash } = event.data;
  const permit = state.open?.data;
  state.open = null;
  if (permit?.turn !== turn || permit.tool !== tool || permit.args_hash !== args_hash) {
    return fault("CS-5128", `the result of ${tool} in turn ${turn} has no permit`);
  }
  return output_hash === null ? undefined : sameHash("output_hash", output, output_hash);
}

function closed(state: RuleState, { data }: EventOf<"RunClosed">): RuleFault | undefined {
  const agree =
    data.turns === state.proposals && data.tool_calls === state.permits && data.spent_micro_usd === state.spentMicroUsd;
  return agree ? undefined : fault("CS-5129", "turns, tool calls or cost are not those of the run's records");
}

function hashOf({ started, proposed }: RuleState, expiresAt: string): string | undefined {
  if (started === null || proposed === null) return undefined;
  const { turn, tool, tool_schema_hash, contract_hash, args } = proposed.data;
  const { stage } = started.data;
  const step = proposalStep(turn);
  return actionHash({
    run_id: started.run_id,
    step,
    tool,
    tool_schema_hash,
    args,
    contract_hash,
    stage,
    expires_at: expiresAt,
  });
}

const wrongHash = () => fault("CS-5127", "action_hash is not the hash of the action that was proposed");
