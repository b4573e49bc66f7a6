/**
 * Does what the rows of a question ask for: ends it when it is over, wakes the execution that waits, sends what was not sent. Whatever is
 * repeated finds its own rows: an answered token is gone, a sent mail has its row. A crash between a mail and its row sends it again.
 */

import {
  closeMessages,
  isRefusal,
  placesOf,
  postQuestion,
  type SlackPlace,
  type SlackSender,
} from "../../lib/approval/in-slack.js";
import { freshCodeFor, type LinkDeps, openLinkFor } from "../../lib/approval/links.js";
import {
  answerMail,
  approvalMail,
  codeMail,
  endingWords,
  followUpMail,
  questionMail,
} from "../../lib/approval/mails.js";
import { type Question, type QuestionDeps, readQuestion, settle, stateOf } from "../../lib/approval/question.js";
import { ranWords } from "../../lib/approval/ran.js";
import { type WakeDeps, wake } from "../../lib/approval/wake.js";
import type { ApprovalRef, Approvals, SentMessage } from "../../lib/aws/approvals.js";
import type { Mail, Mailer } from "../../lib/aws/mailer.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";
import { type Due, dueMails } from "./due.js";

export interface SenderDeps extends QuestionDeps, WakeDeps, LinkDeps, SlackSender {
  readonly approvals: QuestionDeps["approvals"] &
    WakeDeps["approvals"] &
    LinkDeps["approvals"] &
    Pick<Approvals, "readSent" | "insertSent" | "insertTold">;
  readonly mailer: Mailer;
}

/** @throws what a service throws: the stream brings the record again */
export async function follow(deps: SenderDeps, ref: ApprovalRef): Promise<void> {
  const question = await settle(deps, await readQuestion(deps, ref));
  // The run first: it must not wait for a mail.
  const woken = await wake(deps, question);
  const sent = await deps.approvals.readSent(ref);
  const due = dueMails(question, sent, deps.nowMs());
  let failed: unknown;
  for (const one of due) {
    try {
      await send(deps, question, one);
    } catch (error) {
      // One address that bounces must not keep the others from being told.
      failed ??= error;
      logLine("warn", "mail not sent", { ...about(question), kind: one.kind, error: nameOf(error) });
    }
  }
  const slack = await followInSlack(deps, question, sent);
  logLine("info", "followed", { ...about(question), woken, mails: due.length, slack });
  if (failed !== undefined) throw failed;
}

/** @throws what Slack throws but for its refusals: the stream brings the record again */
async function followInSlack(deps: SenderDeps, question: Question, sent: readonly SentMessage[]): Promise<number> {
  if (deps.slack === undefined) return 0;
  const { view, acts } = question;
  const state = stateOf(question, deps.nowMs());
  if (state.kind !== "open") {
    const ran = ranWords(question, view.time_zone);
    const ending = state.kind === "voided" ? "voided" : ran === null ? "decided" : "ran";
    const words = endingWords(question, state, view.time_zone);
    return closeMessages(deps, view, sent, ending, ran === null ? words : [...words, ran]);
  }
  const handed = acts.filter((act) => act.kind === "delegation");
  let posted = 0;
  for (const { to, by } of handed) {
    const lead = `${by} handed this decision to you.`;
    for (const place of placesOf(view, [to])) if (await askInSlack(deps, view, sent, place, lead)) posted += 1;
  }
  return posted;
}

/** The question to one more person; their link is their own. */
export async function askInSlack(
  deps: SenderDeps,
  view: ApprovalView,
  sent: readonly SentMessage[],
  place: SlackPlace,
  lead: string,
  kind = "asked",
): Promise<boolean> {
  if (deps.slack === undefined || place.person === null) return false;
  if (sent.some((one) => one.channel === "slack" && one.kind === kind && one.to === place.to)) return false;
  const { url } = await openLinkFor(deps, view, place.person, "approver");
  try {
    return await postQuestion(deps, view, sent, place, { kind, url, lead });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    logLine("warn", "slack message not sent", { approval_id: view.approval_id, kind });
    return false;
  }
}

async function send(deps: SenderDeps, { ref, view, ...rest }: Question, due: Due): Promise<void> {
  const mail = await mailOf(deps, { ref, view, ...rest }, due);
  const message = await deps.mailer.send(mail);
  const at = isoTime(deps.nowMs());
  await deps.approvals.insertSent(ref, { channel: "mail", kind: due.kind, to: due.to, at, ref: message });
}

async function mailOf(deps: SenderDeps, question: Question, due: Due): Promise<Mail> {
  const { view } = question;
  const { to } = due;
  switch (due.what) {
    case "asked":
      return approvalMail({ to, view, ...(await openLinkFor(deps, view, to, "approver")), handedBy: due.handedBy });
    case "code":
      return codeMail({ to, view, ...(await freshCodeFor(deps, due.link, due.issue)) });
    case "question": {
      const { by, text } = due;
      return questionMail({ to, view, ...(await openLinkFor(deps, view, to, "owner")), by, text });
    }
    case "answer":
      return answerMail(to, view, due.by, due.text);
    case "ended":
      return followUpMail(to, question, due.state);
  }
}

const about = ({ view }: Question) => ({
  workflow: view.workflow,
  run_id: view.run_id,
  approval_id: view.approval_id,
});
const nameOf = (error: unknown) => (error instanceof Error ? error.name : "unknown");
