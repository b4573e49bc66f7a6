/**
 * What a question to people measures: how it ended, how long they took, and whether somebody decided faster than anybody can read. The same
 * figures from the run's log (for the gate's metrics) and from the approvals table (for `approval stats`). Pure.
 */
import { resolveAsked } from "../run/approvals.js";
import { type Asked, countedEdit } from "../run/closing.js";
import type { ApprovalChannel, ApprovalDecision, EventOf, RecordedEvent } from "../run/events.js";
import type { KnownOutcome } from "../run/outcomes.js";
import { personKey } from "../run/people.js";
import { msOf } from "../run/time.js";
import { type Question, type QuestionState, stateOf } from "./question.js";

/** Nobody has read what they decide about in this time. */
export const HURRIED_MS = 3_000;

export interface MeasuredDecision {
  readonly decision: ApprovalDecision["decision"];
  readonly channel: ApprovalChannel;
  /** from when the page that was sent in was opened; without one, from when this person could first decide */
  readonly takenMs: number;
  readonly hurried: boolean;
}

export interface Measured {
  readonly workflow: string;
  readonly tool: string;
  readonly askedAt: string;
  readonly end: Exclude<QuestionState["kind"], "open">;
  /** of the answer that ended it; null when nobody's did */
  readonly channel: ApprovalChannel | null;
  /** from the question to the answer that ended it; null when nobody's did */
  readonly takenMs: number | null;
  readonly decisions: readonly MeasuredDecision[];
}

/** When a person could first decide: asked at once, brought in by time, or handed it. */
interface Since {
  readonly askedAt: string;
  readonly approvers: readonly string[];
  readonly escalation: readonly { readonly at: string; readonly people: readonly string[] }[];
  readonly handed: readonly { readonly to: string; readonly at: string }[];
}
interface Edit {
  readonly channel: ApprovalChannel;
  readonly at: string;
}

/** null while it is open. */
export function measuredRows(question: Question, nowMs: number): Measured | null {
  const { view, asked, decisions: rows, acts, closing } = question;
  const state = stateOf(question, nowMs);
  if (state.kind === "open") return null;
  const resolved = resolveAsked(asked, { decisions: rows, acts, closing }, nowMs);
  const decisions = "decisions" in resolved ? resolved.decisions : [];
  const handed = acts.flatMap((act) => (act.kind === "delegation" ? [act] : []));
  const edit = state.kind === "edited" ? (countedEdit(asked, acts) ?? null) : null;
  const { workflow, tool, requested_at: askedAt } = view;
  return measure({ workflow, tool, end: state.kind, decisions, edit }, sinceOf(asked, askedAt, handed));
}

/** @param events the run's log, with what the step wrote that ended the question */
export function measuredEvents(
  events: readonly RecordedEvent[],
  { approvalId, outcome }: KnownOutcome,
): Measured | null {
  const asked = events.find(
    (event): event is EventOf<"ApprovalRequested"> =>
      event.type === "ApprovalRequested" && event.data.approval_id === approvalId,
  );
  const proposed = events.findLast((event) => event.type === "ActionProposed" && event.data.turn === asked?.data.turn);
  if (asked === undefined || proposed?.type !== "ActionProposed" || outcome.kind === "ran") return null;
  const about = events.flatMap((event) =>
    "approval_id" in event.data && event.data.approval_id === approvalId ? [event] : [],
  );
  const decisions = about.flatMap((event) => (event.type === "ApprovalDecided" ? [event.data] : []));
  const edited = about.find((event) => event.type === "ActionEdited");
  const edit = edited?.type === "ActionEdited" ? { channel: edited.data.channel, at: edited.data.edited_at } : null;
  const handed = about.flatMap((event) =>
    event.type === "ApprovalNoted" && event.data.kind === "delegation" && event.data.to !== null
      ? [{ to: event.data.to, at: event.data.at }]
      : [],
  );
  const { approvers, escalation = [] } = asked.data;
  const end = outcome.kind === "permitted" ? "approved" : outcome.kind;
  const since = sinceOf({ approvers, escalation }, asked.at, handed);
  return measure({ workflow: asked.workflow, tool: proposed.data.tool, end, decisions, edit }, since);
}

const sinceOf = (
  { approvers, escalation }: Pick<Asked, "approvers" | "escalation">,
  askedAt: string,
  handed: Since["handed"],
): Since => ({ askedAt, approvers, escalation, handed });

interface Facts {
  readonly workflow: string;
  readonly tool: string;
  readonly end: Measured["end"];
  readonly decisions: readonly ApprovalDecision[];
  readonly edit: Edit | null;
}

function measure({ workflow, tool, end, decisions, edit }: Facts, since: Since): Measured {
  const inOrder = [...decisions].sort((a, b) => msOf(a.decided_at) - msOf(b.decided_at));
  const last = answered(end, inOrder, edit);
  return {
    workflow,
    tool,
    askedAt: since.askedAt,
    end,
    channel: last?.channel ?? null,
    takenMs: last === null ? null : span(since.askedAt, last.at),
    decisions: inOrder.map((one) => {
      const takenMs = span(one.opened_at ?? couldSince(since, one), one.decided_at);
      return { decision: one.decision, channel: one.channel, takenMs, hurried: takenMs < HURRIED_MS };
    }),
  };
}

function answered(end: Measured["end"], decisions: readonly ApprovalDecision[], edit: Edit | null): Edit | null {
  switch (end) {
    case "approved":
    case "rejected":
    case "voided": {
      const last = decisions.at(-1);
      return last === undefined ? null : { channel: last.channel, at: last.decided_at };
    }
    case "edited":
      return edit;
    case "expired":
    case "stopped":
      return null;
  }
}

function couldSince(
  { askedAt, approvers, escalation, handed }: Since,
  { approver, decided_at }: ApprovalDecision,
): string {
  const person = personKey(approver);
  const is = (name: string) => personKey(name) === person;
  const times = [
    ...(approvers.some(is) ? [askedAt] : []),
    ...escalation.flatMap(({ at, people }) => (people.some(is) ? [at] : [])),
    ...handed.flatMap(({ to, at }) => (is(to) ? [at] : [])),
  ].filter((at) => msOf(at) <= msOf(decided_at));
  return times.sort((a, b) => msOf(a) - msOf(b))[0] ?? askedAt;
}

/** Two machines' clocks may differ a little. */
const span = (from: string, to: string) => Math.max(0, msOf(to) - msOf(from));
