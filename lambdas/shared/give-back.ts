/** What a run that is over gives back: its lease, less what it spent, its unique row, and last its place among the open runs. */
import type { Budgets, OpenRun } from "../../lib/aws/budgets.js";
import { dayDoc, returnLease } from "../../lib/run/budget.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";

/** Does nothing for a run that is not closed; may be repeated. As long as the open row is there, the sweep comes back. */
export async function giveBack(budgets: Budgets, run: RunRef, events: readonly RecordedEvent[]): Promise<void> {
  const closed = events.findLast((event) => event.type === "RunClosed");
  if (closed?.type !== "RunClosed") return;
  const open = await budgets.readOpenRun({ tenant: run.tenant, run_id: run.runId });
  if (open !== undefined) await giveBackOpen(budgets, open, closed.data.spent_micro_usd);
}

/** An admission that took its rows and then never wrote RunStarted: nothing was spent. */
export const abandon = (budgets: Budgets, open: OpenRun): Promise<void> => giveBackOpen(budgets, open, 0);

async function giveBackOpen(budgets: Budgets, seen: OpenRun, spentMicroUsd: number): Promise<void> {
  const open = await lastEntered(budgets, seen);
  if (open === undefined) return;
  const day = { kind: "day", tenant: open.tenant, day: open.lease_day } as const;
  await budgets.updateCounter(day, dayDoc, (doc) => returnLease(doc, open.run_id, spentMicroUsd));
  if (open.unique_hash !== null) await budgets.freeUnique(open.tenant, open.unique_hash, open.run_id);
  await budgets.deleteOpen(open);
}

/** Marks the open row first: a repeat of the request that is still at work takes nothing more. Undefined when the row is gone, or left to the sweep. */
async function lastEntered(budgets: Budgets, seen: OpenRun): Promise<OpenRun | undefined> {
  let open: OpenRun | undefined = seen;
  for (let tries = 0; tries < 3 && open !== undefined; tries++) {
    if (await budgets.abandonOpen(open)) return open;
    open = await budgets.readOpenRun(open);
  }
  return undefined;
}
