/**
 * The money a tenant's day may cost: each run leases its whole budget at admission and gives back at the end what it did
 * not spend. Micro-USD. Pure and idempotent per run; `null` means: leave the document as it is.
 */
import * as z from "zod";

const microUsd = z.int().min(0);
export const dayDoc = z.strictObject({
  /** of closed runs */
  spent: microUsd,
  /** of open runs: run id → lease */
  leases: z.record(z.string(), microUsd),
});
export type DayDoc = z.infer<typeof dayDoc>;
const EMPTY: DayDoc = { spent: 0, leases: {} };

/** What may still be leased by this run; its own lease does not count against it. */
export function dayLeftMicroUsd(doc: DayDoc | null, runId: string, perDayMicroUsd: number): number {
  const { spent, leases } = doc ?? EMPTY;
  const leased = Object.entries(leases).reduce((sum, [by, lease]) => (by === runId ? sum : sum + lease), 0);
  return Math.max(0, perDayMicroUsd - spent - leased);
}

/** Leases for the run, or answers `"over"`. */
export function leaseDay(
  doc: DayDoc | null,
  runId: string,
  leaseMicroUsd: number,
  perDayMicroUsd: number,
): DayDoc | "over" | null {
  const now = doc ?? EMPTY;
  if (now.leases[runId] === leaseMicroUsd) return null;
  if (dayLeftMicroUsd(now, runId, perDayMicroUsd) < leaseMicroUsd) return "over";
  return { ...now, leases: { ...now.leases, [runId]: leaseMicroUsd } };
}

/** The run is closed: its lease becomes what it spent (which may be a little more than the lease: the last model call counts). */
export function returnLease(doc: DayDoc | null, runId: string, spentMicroUsd: number): DayDoc | null {
  if (doc === null || doc.leases[runId] === undefined) return null;
  const leases = Object.fromEntries(Object.entries(doc.leases).filter(([by]) => by !== runId));
  return { spent: doc.spent + spentMicroUsd, leases };
}

/**
 * Whether the run has too little left for one more model call.
 * @param reserveMicroUsd what such a call may cost; default: as much as the dearest so far
 */
export function cannotPay(
  run: {
    readonly spentMicroUsd: number;
    readonly dearestMicroUsd: number;
    readonly started: { readonly budget_micro_usd: number };
  },
  reserveMicroUsd: number = run.dearestMicroUsd,
): boolean {
  return run.spentMicroUsd + reserveMicroUsd > run.started.budget_micro_usd;
}

/** How a run ends whose next step it cannot pay for. */
export const overBudget = (over: "stop" | "escalate"): { readonly status: string; readonly reason: string } => ({
  status: over === "stop" ? "stopped" : "escalated",
  reason: "budget",
});
