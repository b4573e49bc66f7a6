/**
 * The context object of the next turn: what the agent is told. Built from what this step recorded, so that a repeat builds
 * the same object.
 */

import type { Proposal, RunContext, ToolAnswer } from "./protocol.js";
import type { OpenRun, Stamped } from "./state.js";

type Turn = RunContext["turns"][number];

export interface Told {
  /** the context object this step began with */
  readonly context: RunContext;
  /** the run after this step */
  readonly after: OpenRun;
  readonly events: readonly Stamped[];
  /** outcome of an earlier turn's call that the context object does not have yet, plain */
  readonly told: { readonly turn: number; readonly answer: ToolAnswer } | null;
  /** this turn's proposal, plain; null when the step had none (phase outcome) */
  readonly said: { readonly turn: number; readonly proposal: Proposal } | null;
  readonly stepLimit: number;
  /** who changed this turn's arguments before it was decided, in order */
  readonly editors?: readonly string[];
}

export function nextContext(told: Told): RunContext {
  const { context, after, events, said } = told;
  const turns = context.turns.map((turn) => withResult(turn, told));
  return {
    ...context,
    turn: after.nextTurn,
    turns: said === null ? turns : [...turns, editedTurn(newTurn(said, events), told.editors ?? [])],
    budget_left_micro_usd: Math.max(0, after.started.budget_micro_usd - after.spentMicroUsd),
    steps_left: Math.max(0, told.stepLimit - after.proposals),
  };
}

function withResult(turn: Turn, { told, after }: Told): Turn {
  if (told === null || told.turn !== turn.turn) return turn;
  const untrusted = after.calls.find((call) => call.turn === turn.turn)?.returned?.untrusted ?? false;
  return { ...turn, result: told.answer, untrusted };
}

function newTurn(said: NonNullable<Told["said"]>, events: readonly Stamped[]): Turn {
  const turn: Turn = {
    turn: said.turn,
    proposed: said.proposal,
    decision: "invalid",
    reasons: [],
    approvals: [],
    result: null,
    untrusted: false,
  };
  return events.reduce(withEvent, turn);
}

/** The agent is told what was judged, and that it is not quite what it said. */
function editedTurn(turn: Turn, editors: readonly string[]): Turn {
  if (editors.length === 0) return turn;
  const reason = `CS-3134 ${editors.join(", then ")} changed the arguments; "proposed" is what was decided about`;
  return { ...turn, reasons: [...turn.reasons, reason] };
}

function withEvent(turn: Turn, event: Stamped): Turn {
  switch (event.type) {
    case "ProposalInvalid":
      return { ...turn, decision: "invalid", reasons: [event.data.detail] };
    case "ActionDecided":
      return { ...turn, decision: event.data.decision, reasons: event.data.reasons };
    case "ApprovalDecided": {
      const { approver, decision, comment } = event.data;
      return { ...turn, approvals: [...turn.approvals, { approver, decision, comment }] };
    }
    case "ApprovalExpired":
      return { ...turn, approvals: [...turn.approvals, { approver: "", decision: "expired", comment: "" }] };
    default:
      return turn;
  }
}

/** Turn 1, written by admission. */
export function firstContext(
  first: Pick<
    RunContext,
    "run_id" | "workflow" | "version" | "tenant" | "input" | "budget_left_micro_usd" | "steps_left"
  >,
): RunContext {
  return { v: 1, ...first, turn: 1, turns: [] };
}
