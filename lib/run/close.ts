/** Closing a run that its state machine left open: after a failure, a time-out, a stop, or a start that never came. */

import { plain, runClosed, stamp } from "./draft.js";
import { movedHolds, settleOpenCall } from "./settle.js";
import { evolve, foldRun, type OpenRun, type Outcome, type RunState } from "./state.js";
import { msOf } from "./time.js";
import type { CloseInput, Closing, Entry } from "./types.js";
import { unreachable } from "./unreachable.js";

/** How long after admission an execution may still be about to start. */
export const START_GRACE_MS = 5 * 60_000;

export function closeRun(input: CloseInput): Closing {
  const { contract, events, effect, runSecret, nowMs } = input;
  const before = foldRun(events);
  if (before.status !== "open") return { kind: "nothing" };
  const outcome = outcomeOf(input, before);
  if (outcome === "running") return { kind: "nothing" };
  if (outcome === "starting") return { kind: "wait", untilMs: msOf(before.startedAt) + START_GRACE_MS };
  const settlement = settleOpenCall(contract, before, effect, runSecret, nowMs);
  if (settlement.kind === "wait") return settlement;
  if (settlement.kind === "none") {
    return closing(input, before, [...pendingEntries(before, nowMs)], outcome, { settled: [], released: [] });
  }
  const runId = events[0]?.run_id ?? "";
  const moved = movedHolds(contract, before, runId, settlement.call, settlement.effectPossible);
  return closing(input, before, [settlement.entry], settlement.close ?? outcome, moved);
}

function outcomeOf({ execution, nowMs }: CloseInput, run: OpenRun): Outcome | "running" | "starting" {
  switch (execution) {
    case "RUNNING":
      return "running";
    case "ABORTED":
      return { status: "stopped", reason: "execution_stopped" };
    case "TIMED_OUT":
      return { status: "expired", reason: "run_time" };
    case "FAILED":
      return { status: "failed", reason: "execution_failed" };
    case "SUCCEEDED":
      return { status: "failed", reason: "ended_without_outcome" };
    case null:
      if (nowMs < msOf(run.startedAt) + START_GRACE_MS) return "starting";
      return { status: "failed", reason: "never_started" };
    default:
      return unreachable("execution status", execution);
  }
}

/** People who were being asked need not answer any more. */
function pendingEntries({ pending }: OpenRun, nowMs: number): readonly Entry[] {
  if (pending === null) return [];
  const { turn, approval_id, deadline } = pending.requested;
  if (nowMs >= msOf(deadline)) return [plain({ type: "ApprovalExpired", data: { turn, approval_id, deadline } })];
  return [plain({ type: "ApprovalVoided", data: { turn, approval_id, reason: "the run was closed" } })];
}

function closing(
  input: CloseInput,
  before: OpenRun,
  entries: readonly Entry[],
  outcome: Outcome,
  moved: {
    readonly settled: Extract<Closing, { kind: "close" }>["settled"];
    readonly released: Extract<Closing, { kind: "close" }>["released"];
  },
): Closing {
  const after = stamp(input, before, entries, "close").reduce<RunState>(evolve, before);
  const all = [...entries, runClosed(after.status === "open" ? after : before, outcome, "close-run")];
  return {
    kind: "close",
    step: "close",
    events: all.map(({ event }) => event),
    sealed: all.flatMap(({ sealed }, index) => (Object.keys(sealed).length === 0 ? [] : [{ index, values: sealed }])),
    ...moved,
  };
}
