/** A question as it stands: what was asked, how people answered, how it ended and what became of it. */
import type { ApprovalRef, Approvals } from "../aws/approvals.js";
import type { ApprovalAct, ApprovalOutcome } from "../run/acts.js";
import { type Asked, askedOf, type Closing, closingOf, countDecisions, delegationsOf } from "../run/closing.js";
import type { ApprovalDecision } from "../run/events.js";
import { viewHash } from "../run/hash.js";
import { type Standing, standingOf } from "../run/panel.js";
import { personKey } from "../run/people.js";
import type { ApprovalView } from "../run/protocol.js";
import { isoTime } from "../run/time.js";
import { Refusal } from "./refusal.js";
import { matchesHash } from "./status.js";

export interface Question {
  readonly ref: ApprovalRef;
  readonly view: ApprovalView;
  readonly asked: Asked;
  readonly decisions: readonly ApprovalDecision[];
  readonly acts: readonly ApprovalAct[];
  readonly closing: Closing | null;
  readonly outcomes: readonly ApprovalOutcome[];
}

export interface QuestionDeps {
  readonly stage: string;
  readonly approvals: Pick<
    Approvals,
    "readRequest" | "readDecisions" | "readActs" | "readClosing" | "insertClosing" | "readOutcomes"
  >;
  readonly nowMs: () => number;
}

/** @throws Refusal CS-2112 when the request is not there or is not what the gate hashed */
export async function readQuestion({ approvals, stage }: QuestionDeps, ref: ApprovalRef): Promise<Question> {
  const view = await approvals.readRequest(ref);
  if (
    view === undefined ||
    view.stage !== stage ||
    view.workflow !== ref.workflow ||
    view.approval_id !== ref.approvalId ||
    !matchesHash(view)
  )
    throw new Refusal(
      "CS-2112",
      409,
      "approval: the stored request does not match its hash, so it cannot be shown or decided; tell the workflow's owner",
    );
  return answersTo({ approvals }, view, ref);
}

/** The newest answers; the closing row first, so that every row it names is read. */
export async function answersTo(
  { approvals }: Pick<QuestionDeps, "approvals">,
  view: ApprovalView,
  ref: ApprovalRef,
): Promise<Question> {
  const closing = (await approvals.readClosing(ref)) ?? null;
  const [decisions, acts, outcomes] = await Promise.all([
    approvals.readDecisions(ref),
    approvals.readActs(ref),
    approvals.readOutcomes(ref),
  ]);
  return { ref, view, asked: askedOf(view, viewHash(view)), decisions, acts, closing, outcomes };
}

/**
 * The question read again and, when its rows end it, ended: whoever comes first says how, and everybody is told the same. (Time ends it
 * too; the gate writes that down.)
 */
export async function settle(deps: QuestionDeps, { view, ref }: Pick<Question, "view" | "ref">): Promise<Question> {
  return ended(deps, await answersTo(deps, view, ref));
}

/** Reads a question to act on it: what it says it is does not change any more. */
export async function openQuestion(deps: QuestionDeps, ref: ApprovalRef): Promise<Question> {
  return ended(deps, await readQuestion(deps, ref));
}

async function ended(deps: QuestionDeps, now: Question): Promise<Question> {
  if (now.closing !== null) return now;
  const closing = closingOf(now.asked, now.decisions, now.acts, deps.nowMs());
  if (closing === null || closing.kind === "expired") return now;
  if ((await deps.approvals.insertClosing(now.ref, closing)) === "inserted") return { ...now, closing };
  return answersTo(deps, now.view, now.ref);
}

export type QuestionState =
  | { readonly kind: "open"; readonly approvals: number }
  | { readonly kind: "approved" | "rejected" }
  /** another question takes its place */
  | { readonly kind: "edited"; readonly by: string; readonly next: string | null }
  /** nobody decided in time: neither approved nor rejected */
  | { readonly kind: "expired"; readonly approvals: number }
  /** approved, but what people saw no longer held, or the policies changed */
  | { readonly kind: "voided"; readonly reasons: readonly string[] }
  /** the run ended before it was decided */
  | { readonly kind: "stopped"; readonly reasons: readonly string[] };

/** What became of it goes before how it ended, and that before what the rows say. */
export function stateOf({ asked, decisions, acts, closing, outcomes }: Question, nowMs: number): QuestionState {
  const { decisions: counted } = countDecisions(asked, decisions, acts);
  const approvals = counted.filter(({ decision }) => decision === "approve").length;
  const ended = outcomes.find((outcome) => outcome.kind !== "ran");
  switch (ended?.kind) {
    case "voided":
    case "stopped":
      return { kind: ended.kind, reasons: ended.reasons };
    case "edited":
      return { kind: "edited", by: closing?.by[0] ?? "", next: ended.next_approval_id };
    case "expired":
      return { kind: "expired", approvals };
    case "rejected":
      return { kind: "rejected" };
    case "permitted":
      return { kind: "approved" };
    case undefined:
      break;
  }
  const end = closing ?? closingOf(asked, decisions, acts, nowMs);
  if (end === null) return { kind: "open", approvals };
  if (end.kind === "expired") return { kind: "expired", approvals };
  return end.kind === "edited" ? { kind: "edited", by: end.by[0] ?? "", next: null } : { kind: end.kind };
}

export const standing = ({ asked, acts }: Question, person: string, nowMs: number): Standing =>
  standingOf(asked, delegationsOf(acts), person, isoTime(nowMs));

/** Whether the question is, or may become, this person's to decide. */
export function hasPart({ view }: Pick<Question, "view">, name: string): boolean {
  const people = [...view.approvers, ...view.escalation.flatMap((step) => step.people), ...view.delegates];
  return people.some((person) => personKey(person) === personKey(name));
}
