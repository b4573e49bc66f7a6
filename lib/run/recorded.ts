/** A step that was done before answers the same again; a step that is not awaited does nothing. */
import { CountersignError } from "../errors.js";
import { answerOf, finish } from "./answer.js";
import { openBefore, seenFrom } from "./history.js";
import { foldRun, type OpenRun } from "./state.js";
import { stepOf } from "./steps.js";
import type { GateInput, Recorded } from "./types.js";
import { unreachable } from "./unreachable.js";
import { parseView } from "./view.js";

const NOTHING = { context: null, settled: [], released: [] };

/**
 * @throws CountersignError CS-3010 without RunStarted, CS-3012 for a step that is not awaited, CS-3013 and CS-3014 when a repeat does not
 * match what was recorded
 */
export function recordedAnswer(input: GateInput): Recorded {
  const { events, request } = input;
  const step = stepOf(request);
  const state = foldRun(events);
  if (state.status === "absent" || state.status === "refused") {
    throw new CountersignError(
      "CS-3010",
      `run ${request.run_id}: there is no RunStarted in its log; start runs through the front door (countersign run start)`,
    );
  }
  const { own, after } = seenFrom(events, step);
  if (state.status === "closed") {
    const before = own.some(({ type }) => type === "RunClosed") ? openBefore(events, step) : null;
    if (before !== null) return { kind: "answer", ...answerOf({ input, before, events: own, view: null }) };
    return { kind: "answer", ...NOTHING, answer: finish(input, state.outcome), closed: true };
  }
  if (own.length === 0) {
    awaited(input, state);
    return { kind: "none" };
  }
  const before = openBefore(events, step);
  if (after.length > 0 || before === null) throw notAwaited(input, state, "the run has gone past it");
  return { kind: "answer", ...answerOf({ input, before, events: own, view: shownView(input, state) }) };
}

function shownView(input: GateInput, state: OpenRun) {
  return state.pending === null ? null : parseView(input.shown, state.pending.requested.action_hash);
}

/** Which step the log awaits: a proposal of the next turn, people's answer, or the outcome of the open call. */
function awaited(input: GateInput, state: OpenRun): void {
  const { request } = input;
  switch (request.phase) {
    case "proposal":
      if (state.pending !== null) throw notAwaited(input, state, "people are being asked");
      if (request.turn !== state.nextTurn) throw notAwaited(input, state, `turn ${state.nextTurn} is next`);
      return;
    case "approval":
      if (state.pending?.requested.turn === request.turn) {
        const { round = 0 } = state.pending.requested;
        if (round === request.round) return;
        throw notAwaited(input, state, `the question was put again, ${round} times`);
      }
      throw new CountersignError(
        "CS-3016",
        `${stepOf(request)}: nobody is being asked about turn ${request.turn}; nothing is decided`,
      );
    case "outcome":
      if (state.calls.some((call) => call.turn === request.turn && call.returned === null)) return;
      throw notAwaited(input, state, `there is no open call of turn ${request.turn}`);
    default:
      unreachable("phase", request);
  }
}

function notAwaited({ request }: GateInput, state: OpenRun, why: string): CountersignError {
  return new CountersignError("CS-3012", `run ${request.run_id}, step ${stepOf(request)}: ${why}; nothing is decided`, {
    nextTurn: state.nextTurn,
  });
}
