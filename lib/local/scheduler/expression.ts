/** When a schedule fires. */
import { CountersignError } from "../../errors.js";
import { rateMs } from "../events/schedule.js";
import { AwsFault } from "../types.js";

export type When =
  | { readonly kind: "rate"; readonly intervalMs: number }
  /** once, at epoch milliseconds */
  | { readonly kind: "at"; readonly atMs: number };

/**
 * `rate(5 minutes)`, or `at(2026-05-02T18:30:00)` in UTC.
 *
 * @throws CountersignError CS-1213 for anything else, also a one-time schedule in another zone
 */
export function whenOf(expression: string, timeZone: string | undefined, where: string): When {
  const once = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(expression)?.[1];
  if (once === undefined) return { kind: "rate", intervalMs: rateMs(expression, where) };
  const atMs = Date.parse(`${once}.000Z`);
  // A day that is not in the calendar is moved to the next month by some parsers.
  if (!Number.isFinite(atMs) || !new Date(atMs).toISOString().startsWith(once))
    throw new CountersignError("CS-1213", `${where}: ${expression} is no date; use at(yyyy-mm-ddThh:mm:ss)`);
  if (timeZone !== undefined && timeZone !== "UTC" && timeZone !== "Etc/UTC")
    throw new CountersignError("CS-1213", `${where}: ${timeZone} is not modelled for at(…); give the time in UTC`);
  return { kind: "at", atMs };
}

/** The same for a request: a schedule that AWS would take and this cloud cannot is refused too. */
export function requestedWhen(expression: string, timeZone: string | undefined): When {
  try {
    return whenOf(expression, timeZone, "ScheduleExpression");
  } catch (error) {
    if (error instanceof CountersignError) throw new AwsFault("ValidationException", error.message);
    throw error;
  }
}
