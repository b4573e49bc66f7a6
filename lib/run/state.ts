/** The run as its log tells it: `evolve` adds one event, `foldRun` all of them. */
import type { Json } from "./canonical.js";
import type { ApprovalDecision, NewEvent } from "./events.js";
import { unreachable } from "./unreachable.js";

/** An event with the part of its envelope that the state depends on. */
export type Stamped = NewEvent & { readonly seq: number; readonly at: string; readonly step: string };
type DataOf<T extends NewEvent["type"]> = Extract<NewEvent, { type: T }>["data"];
export type Outcome = DataOf<"RunClosed">["outcome"];
/** How a run ends that an operator stopped. */
export const STOPPED = { status: "stopped", reason: "brake" } as const satisfies Outcome;

/** A permitted call. */
export interface Call {
  readonly turn: number;
  readonly tool: string;
  /** redacted */
  readonly args: Json;
  readonly argsHash: string;
  readonly permitSeq: number;
  readonly permittedAt: string;
  /** no claim may begin after this, ISO */
  readonly notAfter: string;
  readonly returned:
    | (Pick<DataOf<"ToolReturned">, "status" | "output" | "output_hash" | "effect_possible" | "untrusted"> & {
        readonly at: string;
      })
    | null;
}

/** People are being asked. */
export interface Pending {
  readonly proposed: DataOf<"ActionProposed">;
  readonly decided: DataOf<"ActionDecided">;
  readonly requested: DataOf<"ApprovalRequested">;
  /** of ApprovalRequested */
  readonly requestedAt: string;
  readonly seq: number;
  readonly decisions: readonly ApprovalDecision[];
}

export interface OpenRun {
  readonly status: "open";
  readonly lastSeq: number;
  readonly startedAt: string;
  readonly started: DataOf<"RunStarted">;
  /** the turn whose proposal is awaited (while people are asked: the turn after) */
  readonly nextTurn: number;
  /** proposals of every kind so far: model calls */
  readonly proposals: number;
  readonly invalid: number;
  readonly spentMicroUsd: number;
  /** of one proposal: what the next may cost */
  readonly dearestMicroUsd: number;
  readonly calls: readonly Call[];
  /** the latest action proposed (with the arguments that a person put in their place), redacted, and what was decided about it */
  readonly proposed: DataOf<"ActionProposed"> | null;
  readonly decided: DataOf<"ActionDecided"> | null;
  /** writes recorded as recommendations */
  readonly recommended: number;
  readonly pending: Pending | null;
}
export interface ClosedRun extends Omit<OpenRun, "status"> {
  readonly status: "closed";
  readonly outcome: Outcome;
}
export type RunState =
  | { readonly status: "absent" }
  | { readonly status: "refused"; readonly code: string; readonly reason: string }
  | OpenRun
  | ClosedRun;

export const initialRun: RunState = { status: "absent" };

export function foldRun(events: readonly Stamped[]): RunState {
  return events.reduce(evolve, initialRun);
}

/** The state after one more event. Events that cannot follow (a second RunStarted, anything after RunClosed) change nothing: verify names them. */
export function evolve(state: RunState, event: Stamped): RunState {
  if (state.status === "absent") {
    if (event.type === "RunStarted") return started(event);
    if (event.type === "RunRefused") return { status: "refused", code: event.data.code, reason: event.data.reason };
    return state;
  }
  if (state.status !== "open") return state;
  return evolveOpen({ ...state, lastSeq: event.seq }, event);
}

function started(event: Extract<Stamped, { type: "RunStarted" }>): OpenRun {
  return {
    status: "open",
    lastSeq: event.seq,
    startedAt: event.at,
    started: event.data,
    nextTurn: 1,
    proposals: 0,
    invalid: 0,
    spentMicroUsd: 0,
    dearestMicroUsd: 0,
    calls: [],
    proposed: null,
    decided: null,
    recommended: 0,
    pending: null,
  };
}

function evolveOpen(run: OpenRun, event: Stamped): OpenRun | ClosedRun {
  switch (event.type) {
    case "RunStarted":
    case "RunRefused":
      return run;
    case "ActionProposed":
      return { ...afterProposal(run, event.data), proposed: event.data };
    case "FinishProposed":
      return afterProposal(run, event.data);
    case "ProposalInvalid":
      return { ...afterProposal(run, event.data), invalid: run.invalid + 1 };
    case "ActionDecided":
      return {
        ...run,
        decided: event.data,
        pending: null,
        recommended: run.recommended + (event.data.decision === "recommend" ? 1 : 0),
      };
    case "ApprovalRequested":
      return { ...run, pending: asked(run, event) };
    case "ApprovalDecided": {
      if (run.pending === null) return run;
      const { turn: _turn, ...decision } = event.data;
      return { ...run, pending: { ...run.pending, decisions: [...run.pending.decisions, decision] } };
    }
    case "ActionEdited":
      return { ...run, proposed: edited(run.proposed, event.data) };
    case "ApprovalNoted":
    case "ApprovalExpired":
    case "ApprovalVoided":
      return run;
    case "ActionPermitted":
      return { ...run, pending: null, calls: [...run.calls, permittedCall(run, event)] };
    case "ToolReturned": {
      const { turn, status, output, output_hash, effect_possible, untrusted } = event.data;
      const returned = { status, output, output_hash, effect_possible, untrusted, at: event.at };
      const calls = run.calls.map((call) =>
        call.turn === turn && call.returned === null ? { ...call, returned } : call,
      );
      // the context of the turn after was written with the permit, so a call settled on its own is told in the next one
      return { ...run, calls, nextTurn: event.step === `${turn}.outcome` ? turn + 2 : run.nextTurn };
    }
    case "RunClosed":
      return { ...run, status: "closed", outcome: event.data.outcome, pending: null };
    default:
      return unreachable("event", event);
  }
}

function afterProposal(run: OpenRun, data: { readonly turn: number; readonly cost_micro_usd: number }): OpenRun {
  return {
    ...run,
    nextTurn: data.turn + 1,
    proposals: run.proposals + 1,
    spentMicroUsd: run.spentMicroUsd + data.cost_micro_usd,
    dearestMicroUsd: Math.max(run.dearestMicroUsd, data.cost_micro_usd),
  };
}

/** The action under judgement; what the agent proposed stays in its own event. */
function edited(proposed: OpenRun["proposed"], { turn, args, args_hash }: DataOf<"ActionEdited">): OpenRun["proposed"] {
  return proposed?.turn === turn ? { ...proposed, args, args_hash } : proposed;
}

function asked(run: OpenRun, event: Extract<Stamped, { type: "ApprovalRequested" }>): Pending | null {
  const { proposed, decided } = run;
  if (proposed === null || decided === null) return null;
  return { proposed, decided, requested: event.data, requestedAt: event.at, seq: event.seq, decisions: [] };
}

function permittedCall(run: OpenRun, event: Extract<Stamped, { type: "ActionPermitted" }>): Call {
  const { turn, tool, args_hash: argsHash, not_after: notAfter } = event.data;
  const args: Json = run.proposed?.args ?? null;
  return { turn, tool, args, argsHash, permitSeq: event.seq, permittedAt: event.at, notAfter, returned: null };
}

/** The permit whose outcome is not in the log yet: at most one, as the gate settles before it decides. */
export const openCall = (run: OpenRun | ClosedRun): Call | undefined =>
  run.calls.find((call) => call.returned === null);
