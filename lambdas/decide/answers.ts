/** The approvals table as the gate sees it: how people answered, and what became of it. */
import type { ApprovalRef, Approvals } from "../../lib/aws/approvals.js";
import { askedIn } from "../../lib/run/approvals.js";
import { closingOf } from "../../lib/run/closing.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { seenFrom } from "../../lib/run/history.js";
import type { DecideRequest } from "../../lib/run/protocol.js";
import { foldRun } from "../../lib/run/state.js";
import { stepOf } from "../../lib/run/steps.js";
import type { GateInput } from "../../lib/run/types.js";

export type GateApprovals = Pick<
  Approvals,
  "readDecisions" | "readActs" | "readTold" | "readClosing" | "insertClosing" | "insertOutcome"
>;

/**
 * All answers so far. When they end the question and nobody has written that down, the gate does, so that an answer that comes at the same
 * moment is told the same as the log says.
 */
export async function answersOf(
  approvals: GateApprovals,
  ref: ApprovalRef,
  request: DecideRequest,
  events: readonly RecordedEvent[],
  nowMs: number,
): Promise<Pick<GateInput, "decisions" | "acts" | "told" | "closing">> {
  const read = async () => {
    // First the row that ends it: the rows that it names were there before it.
    const closing = await approvals.readClosing(ref);
    const [decisions, acts, told] = await Promise.all([
      approvals.readDecisions(ref),
      approvals.readActs(ref),
      approvals.readTold(ref),
    ]);
    return { decisions, acts, told, closing: closing ?? null };
  };
  const answers = await read();
  const run = foldRun(events);
  const done = seenFrom(events, stepOf(request)).own.length > 0;
  if (answers.closing !== null || done || run.status !== "open" || run.pending === null) return answers;
  const asked = askedIn(run.pending, run.started.requester);
  const closing = closingOf(asked, answers.decisions, answers.acts, nowMs);
  if (closing === null || (await approvals.insertClosing(ref, closing)) === "inserted") return { ...answers, closing };
  return read();
}
