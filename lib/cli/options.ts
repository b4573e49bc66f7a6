/** Option values that more than one command takes. */
import type * as z from "zod";
import { CountersignError } from "../errors.js";

export function positive(option: string, value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CountersignError("CS-5006", `${option}: '${value}' is not allowed; use a whole number from 1 on`);
}

export function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new CountersignError("CS-5006", `${option}: '${value}' is not allowed; use ${allowed.join(", ")}`);
}

/** An option that a schema describes; `allowed` says the same in words. */
export function matching(
  option: string,
  value: string | undefined,
  schema: z.ZodType<string | undefined>,
  allowed: string,
): string | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CountersignError("CS-5006", `${option}: '${value}' is not allowed; use ${allowed}`);
}

const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** A UTC time (`2026-11-01`, `2026-11-01T12:00:00Z`), or how long ago it was (`7d`, `24h`, `30m`), as UTC ISO. */
export function timeOption(option: string, value: string, nowMs: number): string {
  const ago = /^(\d{1,5})([dhm])$/.exec(value);
  const unit = ago?.[2];
  if (unit === "d" || unit === "h" || unit === "m")
    return new Date(nowMs - Number(ago?.[1]) * UNIT_MS[unit]).toISOString();
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(value);
  const ms = isTime ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new CountersignError(
    "CS-5006",
    `${option}: '${value}' is not allowed; use a UTC day or time (2026-11-01, 2026-11-01T12:00:00Z) or how long ago (7d, 24h, 30m)`,
  );
}
