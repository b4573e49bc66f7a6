/**
 * What gate and tools agree on about time, so that the gate may take a missing claim for "nothing happened". A tool begins within these
 * limits, and looks again when it has its claim; the gate reads the ledger only after them. Reading earlier would not do: a function that
 * was held up between looking and claiming would act after the gate had written that nothing did.
 */
import type { Tool } from "../contract/model.js";
import type { Call } from "./state.js";
import { msOf } from "./time.js";
import type { EffectRow } from "./types.js";

/** How long a permit may be claimed: longer than the gate's own step and a tool's first tries, short because the gate waits it out. */
export const PERMIT_VALID_MS = 2 * 60_000;
/** How long after an attempt that failed the next may begin. */
export const REPEAT_WITHIN_MS = 60_000;
/** From a claim's time limit to when its function has certainly ended: the runtime's own work around the tool's code. */
export const CLAIM_MARGIN_MS = 15_000;
/** Clocks of two functions differ by less. */
const CLOCK_SKEW_MS = 5_000;

/** The longest time for which the gate may have to wait for a tool's claim. */
export const longestWaitMs = (timeoutMs: number): number =>
  Math.max(PERMIT_VALID_MS, REPEAT_WITHIN_MS, timeoutMs + CLAIM_MARGIN_MS) + CLOCK_SKEW_MS;

/** From when on the ledger's row is final; undefined when it is already. Epoch ms. */
export function settlesAtMs(call: Call, tool: Tool | undefined, effect: EffectRow | null): number | undefined {
  if (effect !== null && effect.outcome === null) return effect.deadlineMs;
  // A read that comes late changes nothing.
  if (tool?.effect === "read") return undefined;
  const latestMs = effect === null ? msOf(call.notAfter) : effect.repeatUntilMs;
  return latestMs === null ? undefined : latestMs + CLOCK_SKEW_MS + 1;
}
