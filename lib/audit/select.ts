/** Which runs an export, a replay or a sample is about. Pure: looks at recorded events alone. */
import type { RecordedEvent } from "../run/events.js";

export interface RunFilter {
  readonly tenant?: string;
  /** the outcome's status; `open` and `refused` too */
  readonly outcome?: string;
  /** an e-mail address that decided */
  readonly approver?: string;
  /** `@id` of a policy that allowed, denied or asked */
  readonly policy?: string;
}

/** Whether the run is one of those; a run without events is none. */
export function selects(filter: RunFilter, events: readonly RecordedEvent[]): boolean {
  const { tenant, outcome, approver, policy } = filter;
  return (
    events.length > 0 &&
    (tenant === undefined || events[0]?.tenant === tenant) &&
    (outcome === undefined || outcomeStatus(events) === outcome) &&
    (approver === undefined || events.some((event) => decidedBy(event, approver))) &&
    (policy === undefined || events.some((event) => policiesOf(event).includes(policy)))
  );
}

/** `open`, `refused`, or the outcome's status. */
export function outcomeStatus(events: readonly RecordedEvent[]): string {
  const last = events.at(-1);
  if (last?.type === "RunClosed") return last.data.outcome.status;
  return last?.type === "RunRefused" ? "refused" : "open";
}

function decidedBy(event: RecordedEvent, approver: string): boolean {
  return event.type === "ApprovalDecided" && event.data.approver.toLowerCase() === approver.toLowerCase();
}

function policiesOf(event: RecordedEvent): readonly string[] {
  if (event.type === "ApprovalRequested") return event.data.policies;
  if (event.type !== "ActionDecided" || event.data.policy === null) return [];
  return [...event.data.policy.determining, ...event.data.policy.denied_by];
}
