/** The owner's review of a run that is over: what somebody who had no part in it found. */
import type { NoteOf, Oversight } from "../aws/oversight.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import type { RunRef } from "../run/keys.js";
import { callerName, isSamePerson } from "../run/people.js";
import { noteOf } from "./oversight.js";

export type Review = NoteOf<"RunReviewed">;
export interface ReviewRequest {
  readonly run: RunRef;
  readonly events: readonly RecordedEvent[];
  readonly by: string;
  readonly verdict: Review["verdict"];
  readonly note: string;
  readonly nowMs: number;
}

/** @throws CountersignError CS-5017 for an open run, CS-5018 for who asked for it or decided about it */
export async function review(
  oversight: Pick<Oversight, "add">,
  { run, events, by, verdict, note, nowMs }: ReviewRequest,
): Promise<Review> {
  const last = events.at(-1)?.type;
  if (last !== "RunClosed" && last !== "RunRefused")
    throw new CountersignError("CS-5017", `run ${run.runId}: is still open; review it when it is closed`);
  const part = partOf(events, by);
  if (part !== undefined)
    throw new CountersignError(
      "CS-5018",
      `run ${run.runId}: ${by} ${part} and does not review it; let somebody else do it`,
    );
  const added: Review = { ...noteOf(run, by, nowMs), type: "RunReviewed", verdict, note };
  await oversight.add(added);
  return added;
}

/** What the person did in the run; undefined for nothing. */
function partOf(events: readonly RecordedEvent[], by: string): string | undefined {
  for (const event of events) {
    if (
      (event.type === "RunStarted" || event.type === "RunRefused") &&
      isSamePerson(event.data.requester, callerName(by))
    )
      return "asked for it";
    if (event.type === "ApprovalDecided" && isSamePerson(by, event.data.approver)) return "decided about it";
    if (event.type === "ActionEdited" && isSamePerson(by, event.data.editor)) return "edited an action of it";
  }
  return undefined;
}
