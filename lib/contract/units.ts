/** Durations and money as contracts write them, turned into the integers the rest of the code counts in. */
import { CountersignError } from "../errors.js";
import type { DurationSpec } from "./model.js";

const UNIT_MS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1000 } as const;

/**
 * `{ hours: 4 }` → 14,400,000 ms. Parts are whole, not negative, and together more than nothing.
 * @throws CountersignError CS-1023
 */
export function durationMs(spec: DurationSpec): number {
  let total = 0;
  for (const unit of ["days", "hours", "minutes", "seconds"] as const) {
    const count = spec[unit] ?? 0;
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new CountersignError("CS-1023", `duration: ${unit} is ${count}; use a whole number of ${unit}`, { spec });
    }
    total += count * UNIT_MS[unit];
  }
  if (total === 0) throw new CountersignError("CS-1023", "duration: nothing; give days, hours, minutes or seconds");
  if (!Number.isSafeInteger(total))
    throw new CountersignError("CS-1023", "duration: too long to count in ms", { spec });
  return total;
}

/** 14,400,000 → `4 h`; 5,400,000 → `1 h 30 min`. For messages. */
export function durationText(ms: number): string {
  const parts: string[] = [];
  let rest = ms;
  for (const [unitMs, unit] of [
    [UNIT_MS.days, "d"],
    [UNIT_MS.hours, "h"],
    [UNIT_MS.minutes, "min"],
    [UNIT_MS.seconds, "s"],
  ] as const) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * unitMs;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

/**
 * USD as written (at most six decimals, not negative) → integer micro-USD. Works on the decimal digits, so 0.29 is
 * 290,000 and not 289,999.
 * @throws CountersignError CS-1024
 */
export function microUsd(usd: number): number {
  const digits = /^(\d+)(?:\.(\d{1,6}))?$/.exec(String(usd));
  const micro = digits === null ? Number.NaN : Number(digits[1]) * 1_000_000 + Number((digits[2] ?? "").padEnd(6, "0"));
  if (!Number.isSafeInteger(micro)) {
    throw new CountersignError("CS-1024", `money: ${usd} USD; use an amount from 0 with at most six decimals`, { usd });
  }
  return micro;
}
