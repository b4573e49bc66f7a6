/** Puts the local cloud's time forward to a moment of a question that waits, by way of everything that comes before it. */
import type { ConsoleTime } from "../local/console/time.js";
import type { ForwardClock } from "../local/forward-clock.js";
import type { Session } from "../scenario/session.js";

/** Functions begin a moment after the timer that starts them. */
const BEGIN_MS = 100;
/** How long what a moment sets off may take before the time goes on. */
const PATIENCE_MS = 10_000;

export function timeSkip(clock: ForwardClock, session: () => Session | undefined): ConsoleTime {
  return {
    aheadMs: () => clock.aheadMs(),
    async through(momentsMs) {
      for (const ms of [...momentsMs].sort((a, b) => a - b)) {
        // Schedules and time limits are of whole seconds.
        clock.skipTo(Math.ceil(ms / 1000) * 1000);
        await new Promise((resolve) => setTimeout(resolve, BEGIN_MS));
        await session()?.cloud.lambda.drained(PATIENCE_MS);
      }
    },
  };
}
