/**
 * Exposure: what many small actions add up to. A counter document per scope and day; a permit holds its amount before it is
 * written down, and the hold becomes part of the total when the effect happened or may have. All functions are pure and
 * idempotent per holder; `null` means: leave the document as it is.
 */
import * as z from "zod";
import type { ExposureScope, Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { hashJson, type Json } from "./canonical.js";
import { jsonAt } from "./redact.js";
import { localDay } from "./time.js";

/** Names a counter: `budgetKey.exposure(workflow, tenant, scope, day)`. */
export interface CounterKey {
  readonly scope: string;
  /** `2026-11-21` in the contract's time zone */
  readonly day: string;
}
export interface NeededCounter extends CounterKey {
  readonly per: ExposureScope;
}
/** Who takes of a counter: `settleExposure` and `releaseExposure` need no more. */
export interface HoldRef extends CounterKey {
  /** `<runId>/<turn>` */
  readonly holder: string;
}
/** What a permit takes of a counter. */
export interface Hold extends HoldRef {
  readonly amount: number;
  /** what all others had used and held when the policies judged: a hold on more than that fails (`CS-3017`, decide again) */
  readonly others: number;
  /** the same as a number of permits */
  readonly othersCount: number;
}

const amount = z.int().min(0);
/** Stored document. Amounts in the unit of the tool's amount field. */
export const counterDoc = z.strictObject({
  /** of permits whose effect happened or may have */
  total: amount,
  count: amount,
  /** of permits whose outcome is not known yet: holder → amount */
  holds: z.record(z.string(), amount),
});
export type CounterDoc = z.infer<typeof counterDoc>;
const EMPTY: CounterDoc = { total: 0, count: 0, holds: {} };

/** Used and held by everyone but this holder. */
export function othersSum(doc: CounterDoc | null, holder: string): number {
  const { total, holds } = doc ?? EMPTY;
  return Object.entries(holds).reduce((sum, [by, held]) => (by === holder ? sum : sum + held), total);
}

/** Permits of everyone but this holder, settled and open. */
export function othersCount(doc: CounterDoc | null, holder: string): number {
  const { count, holds } = doc ?? EMPTY;
  return count + Object.keys(holds).filter((by) => by !== holder).length;
}

/**
 * What sum and count would be with this holder's amount: what the policies judge.
 * @param freed holders whose effect certainly did not happen, and whose hold is still in the document
 */
export function withProposed(
  doc: CounterDoc | null,
  hold: Pick<Hold, "holder" | "amount">,
  freed: readonly string[] = [],
): { readonly sum: number; readonly count: number } {
  const { total, count, holds } = doc ?? EMPTY;
  const others = Object.entries(holds).filter(([by]) => by !== hold.holder && !freed.includes(by));
  return {
    sum: others.reduce((sum, [, held]) => sum + held, total) + hold.amount,
    count: count + others.length + 1,
  };
}

/**
 * Adds the hold.
 * @throws CountersignError CS-3017 when others have used more since the policies judged
 */
export function holdExposure(doc: CounterDoc | null, hold: Hold): CounterDoc | null {
  const now = doc ?? EMPTY;
  if (now.holds[hold.holder] === hold.amount) return null;
  const others = othersSum(now, hold.holder);
  if (others > hold.others || othersCount(now, hold.holder) > hold.othersCount) {
    throw new CountersignError(
      "CS-3017",
      `exposure: ${hold.scope} of ${hold.day} grew from ${hold.others} to ${others} while this was decided; decide again`,
      { scope: hold.scope, day: hold.day },
    );
  }
  return { ...now, holds: { ...now.holds, [hold.holder]: hold.amount } };
}

/** The effect happened or may have: the hold becomes part of the total. */
export function settleExposure(doc: CounterDoc | null, hold: Pick<Hold, "holder">): CounterDoc | null {
  const held = doc?.holds[hold.holder];
  if (doc === null || held === undefined) return null;
  return { total: doc.total + held, count: doc.count + 1, holds: without(doc.holds, hold.holder) };
}

/** The effect certainly did not happen. */
export function releaseExposure(doc: CounterDoc | null, hold: Pick<Hold, "holder">): CounterDoc | null {
  if (doc === null || doc.holds[hold.holder] === undefined) return null;
  return { ...doc, holds: without(doc.holds, hold.holder) };
}

const without = (holds: Readonly<Record<string, number>>, holder: string) =>
  Object.fromEntries(Object.entries(holds).filter(([by]) => by !== holder));

/** `<runId>/<turn>` */
export const holderOf = (runId: string, turn: number): string => `${runId}/${turn}`;

/** Key of a counter in `Evidence.counters`. */
export const counterName = (key: CounterKey): string => `${key.scope}|${key.day}`;

/**
 * A counter as the shell read it; null = there is no document yet.
 * @throws CountersignError CS-3019 when it was not read
 */
export function counterIn(counters: Readonly<Record<string, CounterDoc | null>>, key: CounterKey): CounterDoc | null {
  const doc = counters[counterName(key)];
  if (doc === undefined)
    throw new CountersignError("CS-3019", `gate: the counter ${counterName(key)} was not read; nothing runs`);
  return doc;
}

/** The counters a call of this tool adds to; sums of a run are not stored, the log has them. */
export function countersOf(tool: Tool, resource: string, atMs: number, timeZone: string): readonly NeededCounter[] {
  const { exposure } = tool;
  if (exposure === undefined) return [];
  const day = localDay(atMs, timeZone);
  const stored = exposure.per.filter((per) => per !== "run");
  return stored.map((per) => ({ per, day, scope: scopeName(per, tool.name, resource) }));
}

// resource ids come from arguments: hashed, they can neither leave their key nor show
function scopeName(per: ExposureScope, tool: string, resource: string): string {
  return per === "resource-day" ? `${per}:${tool}:${hashJson(resource).slice(0, 32)}` : `${per}:${tool}`;
}

/** The amount a call adds; 0 for a tool without exposure or an absent optional field. */
export function amountOf(tool: Tool, args: Json): number {
  const value = tool.exposure === undefined ? undefined : jsonAt(args, tool.exposure.amount);
  return typeof value === "number" ? value : 0;
}
