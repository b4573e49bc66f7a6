/**
 * Exposure: what many small actions add up to. A counter document per scope and day; a permit holds its amount before it is
 * written down, and the hold becomes part of the total when the effect happened or may have. All functions are pure and
 * idempotent per holder; `null` means: leave the document as it is.
 */
import * as z from "zod";
import type { ExposureScope, Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { hashJson } from "./canonical.js";
import { jsonAt } from "./redact.js";
import { localDay } from "./time.js";
import type { CounterKey, Hold, Json, NeededCounter } from "./types.js";

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

/** What the sum would be with this holder's amount: what the policies judge. */
export const exposureSum = (doc: CounterDoc | null, hold: Pick<Hold, "holder" | "amount">): number =>
  othersSum(doc, hold.holder) + hold.amount;

/**
 * Adds the hold.
 * @throws CountersignError CS-3017 when others have used more since the policies judged
 */
export function holdExposure(doc: CounterDoc | null, hold: Hold): CounterDoc | null {
  const now = doc ?? EMPTY;
  if (now.holds[hold.holder] === hold.amount) return null;
  const others = othersSum(now, hold.holder);
  if (others > hold.others) {
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

/** The counters a call of this tool adds to; sums of a run are not stored, the log has them. */
export function countersOf(tool: Tool, resource: string, atMs: number, timeZone: string): readonly NeededCounter[] {
  const { exposure } = tool;
  if (exposure === undefined) return [];
  const day = localDay(atMs, timeZone);
  const stored = exposure.per.filter((per) => per !== "run");
  return stored.map((per) => ({ per, day, scope: scopeName(per, exposure.amount, resource) }));
}

// resource ids come from arguments: hashed, they can neither leave their key nor show
function scopeName(per: ExposureScope, field: string, resource: string): string {
  return per === "resource-day" ? `${per}:${field}:${hashJson(resource).slice(0, 32)}` : `${per}:${field}`;
}

/** The amount a call adds; 0 for a tool without exposure or an absent optional field. */
export function amountOf(tool: Tool, args: Json): number {
  const value = tool.exposure === undefined ? undefined : jsonAt(args, tool.exposure.amount);
  return typeof value === "number" ? value : 0;
}
