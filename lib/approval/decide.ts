/**
 * A person decides: the one function behind every channel. It is given who acts (the channel has made sure of that) and what they want,
 * checks every condition, writes one row, and tells the truth about what came of it. Nobody is woken here: the row's own stream does that.
 */
import type { ApprovalRef, Approvals } from "../aws/approvals.js";
import type { Control } from "../aws/control.js";
import { MAX_WORDS } from "../run/acts.js";
import { delegationsOf } from "../run/closing.js";
import { cut } from "../run/cut.js";
import type { ApprovalDecision } from "../run/events.js";
import { isSamePerson, personKey } from "../run/people.js";
import { isoTime } from "../run/time.js";
import { isWholeAction } from "../run/withheld.js";
import { checkCode } from "./challenge.js";
import { openQuestion, type Question, type QuestionDeps, settle, standing, stateOf } from "./question.js";
import { Refusal } from "./refusal.js";
import * as refusals from "./refusals.js";
import { type Choice, isStrong, type Who } from "./who.js";

export interface DecideDeps extends QuestionDeps {
  readonly approvals: QuestionDeps["approvals"] &
    Pick<Approvals, "insertDecision" | "insertAct" | "readCodes" | "takeTry" | "returnTry" | "readTries">;
  readonly control: Pick<Control, "readBrake">;
}

/**
 * Writes one person's decision and answers the question as it stands then.
 * @throws Refusal; nothing was decided then, and the refusal is on record
 */
export async function decideApproval(deps: DecideDeps, who: Who, ref: ApprovalRef, choice: Choice): Promise<Question> {
  const question = await openQuestion(deps, ref);
  return onRecord(deps, who, question.ref, async () => {
    mayAct(deps, who, question, choice.shown);
    checkChoice(question, choice);
    await checkBrake(deps, question, choice);
    checkWords(question, choice);
    await checkMethod(deps, who, choice.code);
    return insert(deps, who, question, choice);
  });
}

/**
 * Runs what a person wants to do. What is refused leaves a row: one per code, channel and person, so that nobody can flood the table, and
 * the log has it when the gate decides.
 */
export async function onRecord<T>(
  { approvals, nowMs }: Pick<DecideDeps, "nowMs"> & { readonly approvals: Pick<Approvals, "insertAct"> },
  who: Who,
  ref: ApprovalRef,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal)
      await approvals.insertAct(ref, {
        kind: "refused",
        code: error.code,
        channel: who.channel,
        who: who.approver,
        at: isoTime(nowMs()),
      });
    throw error;
  }
}

/**
 * Whether this person may do anything about the question now: it is open, they are asked, they did not ask for the run, they have not decided.
 * @param shown hash of what they had before them, when the channel knows it
 */
export function mayAct(
  { nowMs }: Pick<DecideDeps, "nowMs">,
  who: Who,
  question: Question,
  shown: string | undefined,
): void {
  const { view, asked, decisions, acts } = question;
  const now = nowMs();
  if (shown !== undefined && shown !== asked.view_hash) throw refusals.otherThanShown();
  const state = stateOf(question, now);
  if (state.kind !== "open") throw refusals.over(question, state);
  if (isSamePerson(view.requester, who.approver)) throw refusals.ownRun(who.approver);
  switch (standing(question, who.approver, now)) {
    case "nobody":
      throw refusals.notAsked(who.approver);
    case "later":
      throw refusals.notYet(view, who.approver);
    case "delegated":
      throw refusals.handedOn(
        who.approver,
        delegationsOf(acts).find(({ by }) => personKey(by) === personKey(who.approver))?.to ?? "somebody else",
      );
    case "decider":
      break;
  }
  if (decisions.some(({ approver }) => personKey(approver) === personKey(who.approver)))
    throw refusals.decidedBefore(who.approver);
  if (asked.sign_in === "required" && !isStrong(who.method))
    throw isWholeAction(view) ? refusals.tooWeak(view) : refusals.notWholeByLink();
}

function checkChoice({ view }: Question, { decision, comment }: Choice): void {
  if (decision === "reject" && comment.trim() === "") throw refusals.noComment(view);
}

async function checkBrake({ control }: DecideDeps, { view }: Question, { decision }: Choice): Promise<void> {
  const brake = decision === "approve" ? await control.readBrake(view.workflow) : undefined;
  if (brake?.on === true) throw refusals.stopped(view, brake.at);
}

/** What cannot be undone is typed: no click does it. */
function checkWords({ view }: Question, { decision, confirmation }: Choice): void {
  const wanted = view.typed_confirmation;
  if (decision === "approve" && wanted !== null && confirmation.trim() !== wanted) throw refusals.notConfirmed(wanted);
}

/** The code last: who may not decide learns nothing about it, and a form that is wrong otherwise costs no try. */
export async function checkMethod(
  { approvals, nowMs }: Pick<DecideDeps, "approvals" | "nowMs">,
  who: Who,
  code: string | undefined,
): Promise<void> {
  if (who.method !== "code") return;
  if (who.link === undefined) throw refusals.noCode();
  const answer = await checkCode(approvals, who.link, code ?? "", nowMs());
  switch (answer.kind) {
    case "right":
      return;
    case "no-code":
      throw refusals.noCode();
    case "wrong":
      throw refusals.wrongCode(answer.triesLeft);
    case "expired":
      throw refusals.codesExpired();
    case "locked":
      throw refusals.locked();
  }
}

async function insert(deps: DecideDeps, who: Who, question: Question, choice: Choice): Promise<Question> {
  const { view, asked } = question;
  const nowMs = deps.nowMs();
  if (nowMs >= Date.parse(view.deadline)) throw refusals.over(question, { kind: "expired", approvals: 0 });
  const decision: ApprovalDecision = {
    approval_id: view.approval_id,
    approver: personKey(who.approver),
    decision: choice.decision,
    channel: who.channel,
    method: who.method,
    subject: who.subject,
    comment: cut(choice.comment.trim(), MAX_WORDS),
    decided_at: isoTime(nowMs),
    ...openedAt(view, choice, nowMs),
    action_hash: asked.action_hash,
    policy_set_hash: view.policy_set_hash,
    view_hash: asked.view_hash,
  };
  const inserted = await deps.approvals.insertDecision(view.workflow, decision);
  const after = await settle(deps, question);
  if (inserted === "exists" && !after.decisions.some((row) => isSame(row, decision)))
    throw refusals.decidedBefore(who.approver);
  if (!counts(after, decision)) throw refusals.over(after, stateOf(after, nowMs));
  return after;
}

/** A form can be changed: a time that cannot be is left out. */
function openedAt({ requested_at }: Question["view"], { opened }: Choice, nowMs: number): { opened_at?: string } {
  const openedMs = opened === undefined ? Number.NaN : Date.parse(opened);
  return openedMs >= Date.parse(requested_at) && openedMs <= nowMs ? { opened_at: isoTime(openedMs) } : {};
}

/** Whether this decision is one that the question ended with, or that it still waits for others with. */
function counts({ closing }: Question, { approver }: ApprovalDecision): boolean {
  return closing === null || closing.by.some((person) => personKey(person) === personKey(approver));
}

/** The row that is there may be this one: its answer was lost, and the SDK wrote it again. */
const isSame = (row: ApprovalDecision, decision: ApprovalDecision): boolean =>
  row.approver === decision.approver && row.decision === decision.decision && row.decided_at === decision.decided_at;
