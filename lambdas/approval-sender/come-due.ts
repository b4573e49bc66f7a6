/**
 * A reminder or an escalation comes due. The rows are read again: nothing is done when it is over. A call that comes twice, or late, finds
 * the rows of what was sent.
 */
import type { DueCall } from "../../lib/approval/due.js";
import { placesOf } from "../../lib/approval/in-slack.js";
import { openLinkFor } from "../../lib/approval/links.js";
import { approvalMail } from "../../lib/approval/mails.js";
import { type Question, readQuestion, settle, standing, stateOf } from "../../lib/approval/question.js";
import { durationText, instantText } from "../../lib/approval/times.js";
import type { SentMessage } from "../../lib/aws/approvals.js";
import { delegationsOf } from "../../lib/run/closing.js";
import { decidersOf } from "../../lib/run/panel.js";
import { isSamePerson, personKey } from "../../lib/run/people.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";
import { askInSlack, type SenderDeps } from "./follow.js";

interface Told {
  readonly to: string;
  /** of the row: `asked` for who is asked for the first time, so that the end is told to them too */
  readonly kind: string;
  readonly lead: string;
}

/** @throws what a service throws: Scheduler and Lambda try again */
export async function comeDue(deps: SenderDeps, call: DueCall): Promise<void> {
  const ref = { workflow: call.workflow, approvalId: call.approval_id };
  const question = await settle(deps, await readQuestion(deps, ref));
  const state = stateOf(question, deps.nowMs());
  const about = { workflow: call.workflow, approval_id: call.approval_id, kind: call.kind, n: call.n };
  if (state.kind !== "open") return logLine("info", "nothing due", { ...about, state: state.kind });
  const sent = await deps.approvals.readSent(ref);
  const told =
    call.kind === "reminder" ? reminded(question, call, deps.nowMs()) : escalated(question, sent, call, deps.nowMs());
  let failed: unknown;
  for (const one of told) {
    try {
      await tell(deps, question, sent, one, call);
    } catch (error) {
      failed ??= error;
      logLine("warn", "not told", { ...about, error: error instanceof Error ? error.name : "unknown" });
    }
  }
  logLine("info", "came due", { ...about, people: told.length });
  if (failed !== undefined) throw failed;
}

/** Whoever may decide now and has not. */
function reminded(question: Question, { n }: DueCall, nowMs: number): readonly Told[] {
  const { view, asked, acts, decisions } = question;
  const left = durationText(Date.parse(view.deadline) - nowMs);
  return decidersOf(asked, delegationsOf(acts), isoTime(nowMs))
    .filter((person) => !isSamePerson(view.requester, person))
    .filter((person) => !decisions.some(({ approver }) => personKey(approver) === personKey(person)))
    .map((to) => ({ to, kind: `reminder-${n}`, lead: `Reminder: ${left} left to decide, and you have not yet.` }));
}

/** Whom the time has brought in; those who were asked already are not asked again. */
function escalated(question: Question, sent: readonly SentMessage[], { n }: DueCall, nowMs: number): readonly Told[] {
  const { view } = question;
  const step = view.escalation[n - 1];
  const before = (person: string) =>
    sent.some(({ kind, to, at }) => kind === "asked" && to === person && Date.parse(at) < Date.parse(step?.at ?? ""));
  const people = (step?.people ?? []).filter(
    (person) =>
      !before(person) && !isSamePerson(view.requester, person) && standing(question, person, nowMs) === "decider",
  );
  const since = instantText(view.requested_at, view.time_zone);
  const lead = `Nobody has settled this since ${since}; from now on you may decide too.`;
  return people.map((to) => ({ to, kind: "asked", lead }));
}

/** The row of who was told goes last: the log says only what went out. A call that comes again completes it. */
async function tell(
  deps: SenderDeps,
  question: Question,
  sent: readonly SentMessage[],
  one: Told,
  call: DueCall,
): Promise<void> {
  await send(deps, question, sent, one);
  const { kind, n } = call;
  await deps.approvals.insertTold(question.ref, { kind, n, to: one.to, at: isoTime(deps.nowMs()) });
}

async function send(deps: SenderDeps, { ref, view }: Question, sent: readonly SentMessage[], one: Told): Promise<void> {
  const { to, kind, lead } = one;
  if (!sent.some((row) => row.channel === "mail" && row.kind === kind && row.to === to)) {
    const way = await openLinkFor(deps, view, to, "approver");
    const message = await deps.mailer.send(approvalMail({ to, view, ...way, lead }));
    await deps.approvals.insertSent(ref, { channel: "mail", kind, to, at: isoTime(deps.nowMs()), ref: message });
  }
  for (const place of placesOf(view, [to])) await askInSlack(deps, view, sent, place, lead, kind);
}
