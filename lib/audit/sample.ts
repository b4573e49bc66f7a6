/** Which runs of a period its owner looks at: drawn by a hash, so that nobody chooses and everybody draws the same. Pure. */
import { sha256Hex } from "../run/canonical.js";
import { logKey, type RunRef } from "../run/keys.js";

/** 52 bits, as many as a number holds exactly. */
const DIGITS = 13;

/** Whether the run is drawn. @param rate 0 to 1 */
export function isDrawn(run: RunRef, seed: string, rate: number): boolean {
  const drawn = Number.parseInt(sha256Hex(`${seed}|${logKey.pk(run)}`).slice(0, DIGITS), 16);
  return drawn < rate * 16 ** DIGITS;
}

export interface Period {
  /** `2026-11`: also a part of the seed, so that each period draws anew */
  readonly name: string;
  /** UTC ISO */
  readonly from: string;
  /** UTC ISO, exclusive */
  readonly until: string;
}

/** `2026-11` (a month) or `2026-11-24` (a day), in UTC; undefined for anything else. */
export function periodOf(name: string): Period | undefined {
  const [, year, month, day] = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(name) ?? [];
  if (year === undefined || month === undefined) return undefined;
  const isMonth = day === undefined;
  const from = new Date(Date.UTC(Number(year), Number(month) - 1, isMonth ? 1 : Number(day)));
  // a date that there is comes out as it went in
  if (!from.toISOString().startsWith(name)) return undefined;
  const until = isMonth ? Date.UTC(Number(year), Number(month), 1) : from.getTime() + 86_400_000;
  return { name, from: from.toISOString(), until: new Date(until).toISOString() };
}
