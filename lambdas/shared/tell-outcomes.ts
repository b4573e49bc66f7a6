/** Says what became of the questions that people were asked, for those who come later. */
import type { Approvals } from "../../lib/aws/approvals.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { outcomesOf } from "../../lib/run/outcomes.js";

/** Inserts, so a repeat changes nothing. */
export async function tellOutcomes(
  approvals: Pick<Approvals, "insertOutcome">,
  { workflow }: RunRef,
  step: string,
  events: readonly RecordedEvent[],
): Promise<void> {
  const own = events.filter((event) => event.step === step);
  for (const { approvalId, outcome } of outcomesOf(own, events))
    await approvals.insertOutcome({ workflow, approvalId }, outcome);
}
