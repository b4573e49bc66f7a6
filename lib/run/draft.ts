/** A step under way: its entries, stamped and folded, and finally the `Step`. */
import { answerOf } from "./answer.js";
import type { Hold } from "./exposure.js";
import type { ApprovalView } from "./protocol.js";
import { evolve, type OpenRun, type RunState, STOPPED, type Stamped } from "./state.js";
import { stepOf } from "./steps.js";
import { isoTime } from "./time.js";
import type { Entry, GateInput, Step } from "./types.js";

/** An event without anything sealed. */
export const plain = (event: Entry["event"]): Entry => ({ event, sealed: {} });

export function stamp(
  input: Pick<GateInput, "nowMs">,
  before: OpenRun,
  entries: readonly Entry[],
  step: string,
): readonly Stamped[] {
  const at = isoTime(input.nowMs);
  return entries.map(({ event }, index) => ({ ...event, seq: before.lastSeq + 1 + index, at, step }));
}

/** The run with the entries so far; they must leave it open. */
export function withEntries(input: GateInput, before: OpenRun, entries: readonly Entry[]): OpenRun {
  const after = stamp(input, before, entries, stepOf(input.request)).reduce<RunState>(evolve, before);
  if (after.status !== "open") throw new TypeError("a step went on after it closed the run");
  return after;
}

export interface Finished {
  readonly input: GateInput;
  readonly before: OpenRun;
  readonly entries: readonly Entry[];
  readonly holds?: readonly Hold[];
  readonly view?: ApprovalView;
}

export function finishStep({ input, before, entries: decided, holds = [], view }: Finished): Step {
  const step = stepOf(input.request);
  const entries = endedByBrake(input, before, decided);
  const events = stamp(input, before, entries, step);
  return {
    step,
    events: entries.map(({ event }) => event),
    sealed: entries.flatMap(({ sealed }, index) =>
      Object.keys(sealed).length === 0 ? [] : [{ index, values: sealed }],
    ),
    holds,
    ...answerOf({ input, before, events, view: view ?? null }),
  };
}

/** While the brake is on no step leaves a run open: whatever was just recorded, the agent is not asked again. */
function endedByBrake(input: GateInput, before: OpenRun, entries: readonly Entry[]): readonly Entry[] {
  if (!input.brake.on || entries.some(({ event }) => event.type === "RunClosed")) return entries;
  return [...entries, runClosed(withEntries(input, before, entries), STOPPED, "gate")];
}

/** The run ends with this step: the entry that says so. */
export function runClosed(
  run: OpenRun,
  outcome: { readonly status: string; readonly reason: string },
  by: "gate" | "close-run",
): Entry {
  return plain({
    type: "RunClosed",
    data: {
      outcome: { status: outcome.status, reason: outcome.reason },
      closed_by: by,
      turns: run.proposals,
      tool_calls: run.calls.length,
      spent_micro_usd: run.spentMicroUsd,
    },
  });
}
