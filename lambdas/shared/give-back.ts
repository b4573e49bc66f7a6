/** What a closed run gives back: the part of its lease that it did not spend, its unique row, its place among the open runs. */
import type { Budgets } from "../../lib/aws/budgets.js";
import { dayDoc, returnLease } from "../../lib/run/budget.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";

/** Does nothing for a run that is not closed; may be repeated. The open row goes last: as long as it is there, the sweep comes back. */
export async function giveBack(budgets: Budgets, run: RunRef, events: readonly RecordedEvent[]): Promise<void> {
  const closed = events.findLast((event) => event.type === "RunClosed");
  if (closed?.type !== "RunClosed") return;
  const open = await budgets.readOpenRun({ tenant: run.tenant, run_id: run.runId });
  if (open === undefined) return;
  const spent = closed.data.spent_micro_usd;
  await budgets.updateCounter({ kind: "day", tenant: run.tenant, day: open.lease_day }, dayDoc, (doc) =>
    returnLease(doc, run.runId, spent),
  );
  if (open.unique_hash !== null) await budgets.freeUnique(run.tenant, open.unique_hash, run.runId);
  await budgets.deleteOpen(open);
}
