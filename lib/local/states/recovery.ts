/** Retry and Catch of Task, Map and Parallel states. */
import { isFatal, matchesError, StateFailure } from "./failure.js";
import type { Recovers, Retrier } from "./machine.js";
import type { Outcome, StateRun } from "./state-run.js";

/**
 * Attempts a state until it succeeds, its retriers give up, or a catcher takes over.
 *
 * `onGivenUp` records that the state as a whole failed, before a catcher or the state around it goes on.
 */
export async function withRecovery(
  run: StateRun,
  state: Recovers,
  attempt: () => Promise<Outcome>,
  onGivenUp: () => void,
): Promise<Outcome> {
  const attempts = new Map<Retrier, number>();
  for (;;) {
    try {
      return await run.guard(attempt);
    } catch (error) {
      if (!(error instanceof StateFailure) || isFatal(error)) throw error;
      const delayMs = nextDelayMs(state.retry, attempts, error, run.scope.run.services.random);
      if (delayMs === undefined) {
        onGivenUp();
        const catcher = state.catch.find(({ errorEquals }) => matchesError(error, errorEquals));
        if (catcher === undefined) throw error;
        return run.guard(() => run.exitByCatch(catcher, error));
      }
      await run.scope.sleep(delayMs);
      run.retryCount++;
    }
  }
}

/** The wait before the next attempt, undefined when there is none. The first retrier that names the error decides. */
function nextDelayMs(
  retry: readonly Retrier[],
  attempts: Map<Retrier, number>,
  failure: StateFailure,
  random: () => number,
): number | undefined {
  const retrier = retry.find(({ errorEquals }) => matchesError(failure, errorEquals));
  if (retrier === undefined) return undefined;
  const made = attempts.get(retrier) ?? 0;
  if (made >= retrier.maxAttempts) return undefined;
  attempts.set(retrier, made + 1);
  const fullMs = Math.min(retrier.intervalSeconds * retrier.backoffRate ** made, retrier.maxDelaySeconds) * 1000;
  return retrier.fullJitter ? Math.floor(random() * fullMs) : fullMs;
}
