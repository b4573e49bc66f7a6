/**
 * This machine's time, which can be put forward: reminders, escalations and deadlines of a local cloud come when somebody wants to see
 * them. It never goes back, and a timer whose time was skipped fires at once, as on a computer that slept.
 */
import type { HoldableClock } from "./clock.js";

export interface ForwardClock extends HoldableClock {
  /** Puts the time forward to `ms` (epoch); a time that is past changes nothing. */
  skipTo(ms: number): void;
  /** how far it is ahead of this machine, in milliseconds */
  aheadMs(): number;
}

interface Timer {
  readonly atMs: number;
  readonly task: () => void;
}

/** `setTimeout` overflows at 2^31 ms; longer waits are made of shorter ones. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export function createForwardClock(): ForwardClock {
  let aheadMs = 0;
  let armed: NodeJS.Timeout | undefined;
  /** sorted by time, then by the order in which they were set */
  const timers: Timer[] = [];
  const now = () => Date.now() + aheadMs;

  const arm = (): void => {
    clearTimeout(armed);
    const [next] = timers;
    if (next !== undefined) armed = setTimeout(fireDue, Math.min(Math.max(0, next.atMs - now()), MAX_TIMEOUT_MS));
  };
  const fireDue = (): void => {
    // Only what is due now: a task that sets a timer for now must not keep the loop from ending.
    const due = timers.filter(({ atMs }) => atMs <= now());
    for (const timer of due) {
      const at = timers.indexOf(timer);
      // an earlier task may have cancelled it
      if (at < 0) continue;
      timers.splice(at, 1);
      timer.task();
    }
    arm();
  };
  return {
    now,
    aheadMs: () => aheadMs,
    at(atMs, task) {
      const timer: Timer = { atMs, task };
      const later = timers.findIndex((other) => other.atMs > atMs);
      timers.splice(later < 0 ? timers.length : later, 0, timer);
      arm();
      return () => {
        const found = timers.indexOf(timer);
        if (found < 0) return;
        timers.splice(found, 1);
        arm();
      };
    },
    hold: () => () => {},
    skipTo(ms) {
      aheadMs += Math.max(0, ms - now());
      arm();
    },
  };
}
