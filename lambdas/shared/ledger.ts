/** The effects ledger's rows as the domain reads them: opened. */
import type { Effect } from "../../lib/aws/effects.js";
import { REPEAT_WITHIN_MS } from "../../lib/run/claim.js";
import { type CallSeal, openAnswer } from "../../lib/run/sealing.js";
import type { EffectOutcome, EffectRow } from "../../lib/run/types.js";

export function effectRow(effect: Effect | undefined, seal: CallSeal): EffectRow | null {
  if (effect === undefined) return null;
  return {
    args_hash: effect.args_hash,
    claimedAtMs: Date.parse(effect.claimed_at),
    deadlineMs: Date.parse(effect.deadline),
    attempts: effect.attempts,
    outcome: outcomeOf(effect, seal),
    repeatUntilMs: repeatUntilMs(effect),
  };
}

function repeatUntilMs({ outcome, failed }: Effect): number | null {
  if (outcome !== undefined || failed === undefined) return null;
  return Date.parse(failed.finished_at) + REPEAT_WITHIN_MS;
}

function outcomeOf({ outcome, failed }: Effect, seal: CallSeal): EffectOutcome | null {
  if (outcome !== undefined) {
    const { effect_possible: effectPossible, latency_ms: latencyMs, finished_at: _at, ...answer } = outcome;
    return { answer: openAnswer(seal, answer), effectPossible, latencyMs };
  }
  if (failed === undefined) return null;
  const { effect_possible: effectPossible, latency_ms: latencyMs, finished_at: _at, sealed, ...error } = failed;
  const answer = openAnswer(seal, { status: "error", error, ...(sealed === undefined ? {} : { sealed }) });
  // Nobody tried again: what the last attempt left open stays open.
  return { answer: { ...answer, status: effectPossible ? "unknown" : "error" }, effectPossible, latencyMs };
}
