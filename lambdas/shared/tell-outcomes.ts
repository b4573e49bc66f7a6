/** Says what became of the questions that people were asked, for those who come later, and measures them. */
import { measuredEvents } from "../../lib/approval/measures.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { outcomesOf } from "../../lib/run/outcomes.js";
import { writeMetrics } from "./approval-metrics.js";

/**
 * Inserts, so a repeat changes nothing. Whoever inserted the row measures: a question is never counted twice, and one whose function died
 * between the row and the line is not counted. (`countersign approval stats` reads the rows, and has it.)
 */
export async function tellOutcomes(
  approvals: Pick<Approvals, "insertOutcome">,
  { workflow }: RunRef,
  step: string,
  events: readonly RecordedEvent[],
  nowMs: number,
): Promise<void> {
  const own = events.filter((event) => event.step === step);
  for (const known of outcomesOf(own, events)) {
    const inserted = await approvals.insertOutcome({ workflow, approvalId: known.approvalId }, known.outcome);
    const measured = inserted === "inserted" ? measuredEvents(events, known) : null;
    if (measured !== null) writeMetrics(measured, nowMs);
  }
}
