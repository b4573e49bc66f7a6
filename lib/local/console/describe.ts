/** One line per recorded event, for people: the console and `run show` share it. */
import type { RecordedEvent } from "../../run/events.js";

export function describeEvent(event: RecordedEvent): string {
  switch (event.type) {
    case "RunStarted":
      return `${event.data.agent}, asked for by ${event.data.requester}, autonomy ${event.data.autonomy}`;
    case "RunRefused":
      return `${event.data.code}: ${event.data.reason}`;
    case "ActionProposed":
      return `${event.data.tool} ${JSON.stringify(event.data.args)}`;
    case "FinishProposed":
      return `finish as ${event.data.outcome}`;
    case "ProposalInvalid":
      return `no valid action (${event.data.reason}): ${event.data.detail}`;
    case "ActionDecided":
      return [
        event.data.tool,
        event.data.decision,
        ...(event.data.policy?.determining ?? []),
        ...event.data.reasons,
      ].join(" · ");
    case "ApprovalRequested":
      return `${event.data.needed === 1 ? "1 person" : `${event.data.needed} people`} until ${event.data.deadline} (${event.data.type})`;
    case "ApprovalDecided":
      return `${event.data.decision} by ${event.data.approver}${event.data.comment === "" ? "" : `: "${event.data.comment}"`}`;
    case "ApprovalExpired":
      return `nobody decided until ${event.data.deadline}`;
    case "ActionEdited":
      return `edited by ${event.data.editor}: ${JSON.stringify(event.data.args)}`;
    case "ApprovalNoted": {
      const { kind, by, to, code } = event.data;
      return `${kind} by ${by}${to === null ? "" : ` to ${to}`}${code === null ? "" : ` (${code})`}`;
    }
    case "ApprovalVoided":
      return `void: ${event.data.reason}`;
    case "ActionPermitted":
      return `${event.data.tool} may run until ${event.data.not_after}`;
    case "ToolReturned":
      return `${event.data.tool} ${event.data.status}${event.data.error === null ? "" : ` (${event.data.error.code})`} · ${event.data.latency_ms} ms`;
    case "RunClosed":
      return `${event.data.outcome.status}: ${event.data.outcome.reason}`;
    default:
      return event satisfies never;
  }
}
