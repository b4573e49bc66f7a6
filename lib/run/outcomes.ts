/** What became of a question, for those who open its link later: from what a step recorded. */
import type { ApprovalOutcome } from "./acts.js";
import { isJsonObject, type Json } from "./canonical.js";
import { cut } from "./cut.js";
import type { RecordedEvent } from "./events.js";
import { foldRun } from "./state.js";

export interface KnownOutcome {
  readonly approvalId: string;
  readonly outcome: ApprovalOutcome;
}

/** @param step the events of one step, or of several @param events the run's log with them */
export function outcomesOf(step: readonly RecordedEvent[], events: readonly RecordedEvent[]): readonly KnownOutcome[] {
  return [...ended(step, events), ...ran(step, events)];
}

function ended(step: readonly RecordedEvent[], events: readonly RecordedEvent[]): readonly KnownOutcome[] {
  const [first] = step;
  if (first === undefined) return [];
  const before = foldRun(events.filter(({ seq }) => seq < first.seq));
  // While people are asked every step is about their answer, or ends the run.
  const asked = before.status === "open" ? before.pending : null;
  if (asked === null) return [];
  const next = step.find((event) => event.type === "ApprovalRequested");
  const outcome = {
    kind: kindOf(step, next !== undefined),
    at: first.at,
    reasons: reasonsOf(step),
    next_approval_id: next?.type === "ApprovalRequested" ? next.data.approval_id : null,
  } as const;
  return [{ approvalId: asked.requested.approval_id, outcome }];
}

function kindOf(step: readonly RecordedEvent[], askedAgain: boolean): Exclude<ApprovalOutcome["kind"], "ran"> {
  const has = (type: RecordedEvent["type"]) => step.some((event) => event.type === type);
  if (has("ActionPermitted")) return "permitted";
  if (askedAgain) return "edited";
  if (step.some((event) => event.type === "ApprovalDecided" && event.data.decision === "reject")) return "rejected";
  if (has("ApprovalExpired")) return "expired";
  if (step.some((event) => event.type === "RunClosed" && event.data.outcome.status === "stopped")) return "stopped";
  return has("ActionDecided") ? "voided" : "stopped";
}

const reasonsOf = (step: readonly RecordedEvent[]): string[] =>
  step.flatMap((event) => (event.type === "ActionDecided" ? event.data.reasons : []));

function ran(step: readonly RecordedEvent[], events: readonly RecordedEvent[]): readonly KnownOutcome[] {
  return step.flatMap((event) => {
    if (event.type !== "ToolReturned") return [];
    const asked = events.findLast(
      (one) => one.type === "ApprovalRequested" && one.data.turn === event.data.turn && one.seq < event.seq,
    );
    if (asked?.type !== "ApprovalRequested") return [];
    const { status, output } = event.data;
    return [
      {
        approvalId: asked.data.approval_id,
        outcome: { kind: "ran", at: event.at, status, reference: referenceIn(output) } as const,
      },
    ];
  });
}

/** The first identifier of a tool's answer that is not sealed: `refund_id`, `id`. */
function referenceIn(output: Json): string | null {
  if (!isJsonObject(output)) return null;
  const found = Object.entries(output).find(([name, value]) => /(^|_)id$/.test(name) && typeof value === "string");
  return typeof found?.[1] === "string" ? cut(found[1], 200) : null;
}
