import { CountersignError } from "../../errors.js";
import type { Clock } from "../types.js";

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * The interval of a schedule expression, in milliseconds.
 *
 * @throws CountersignError CS-1213 for anything but `rate(<n> minute(s)|hour(s)|day(s))`
 */
export function rateMs(expression: string, where: string): number {
  const [, count, unit = ""] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const intervalMs = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (intervalMs > 0) return intervalMs;
  throw new CountersignError(
    "CS-1213",
    `${where}: ${JSON.stringify(expression)} is not modelled; allowed: rate(<n> minutes|hours|days)`,
  );
}

/** Runs `task` every `intervalMs` of the cloud's time, first one interval from now. The returned function ends it. */
export function every(clock: Clock, intervalMs: number, task: () => void): () => void {
  let cancel = () => {};
  const arm = (atMs: number) => {
    cancel = clock.at(atMs, () => {
      // Times that were skipped, as by a computer that slept, are not made up for.
      arm(Math.max(atMs, clock.now()) + intervalMs);
      task();
    });
  };
  arm(clock.now() + intervalMs);
  return () => cancel();
}
