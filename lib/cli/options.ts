/** Option values that more than one command takes. */
import { CountersignError } from "../errors.js";

export function positive(option: string, value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CountersignError("CS-5006", `${option}: '${value}' is not allowed; use a whole number from 1 on`);
}
