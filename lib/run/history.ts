/** The log seen from one step: what was before it, and what it wrote. */
import type { DecideRequest } from "./protocol.js";
import { type Call, foldRun, type OpenRun, openCall, type Stamped } from "./state.js";
import { stepOf } from "./steps.js";

export interface Seen<E extends Stamped = Stamped> {
  readonly before: readonly E[];
  /** what this step wrote when it was done before */
  readonly own: readonly E[];
  /** what others wrote since */
  readonly after: readonly E[];
}

export function seenFrom<E extends Stamped>(events: readonly E[], step: string): Seen<E> {
  const first = events.findIndex((event) => event.step === step);
  if (first === -1) return { before: events, own: [], after: [] };
  const own = events.filter((event) => event.step === step);
  return { before: events.slice(0, first), own, after: events.slice(first).filter((event) => event.step !== step) };
}

/** The run as it was before the step, if it was open then. */
export function openBefore(events: readonly Stamped[], step: string): OpenRun | null {
  const state = foldRun(seenFrom(events, step).before);
  return state.status === "open" ? state : null;
}

/**
 * The call whose outcome the context object of this step does not have yet, so that it is read from the ledger: the one that this step
 * settles, or, when people were asked in between, the one that the proposal's step settled.
 */
export function callToTell(
  events: readonly Stamped[],
  request: Pick<DecideRequest, "phase" | "turn"> & { readonly round?: number },
): Call | undefined {
  const before = openBefore(events, stepOf(request));
  if (before === null) return undefined;
  if (request.phase !== "approval") return openCall(before);
  const step = `${request.turn}.proposal`;
  const settled = events.find((event) => event.step === step && event.type === "ToolReturned");
  return settled?.type === "ToolReturned" ? before.calls.find((call) => call.turn === settled.data.turn) : undefined;
}
