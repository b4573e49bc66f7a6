/**
 * Does what the rows of a question ask for: ends it when it is over, wakes the execution that waits, sends what was not sent. Whatever is
 * repeated finds its own rows: an answered token is gone, a sent mail has its row. A crash between a mail and its row sends it again.
 */
import { freshCodeFor, type LinkDeps, openLinkFor } from "../../lib/approval/links.js";
import { answerMail, approvalMail, codeMail, followUpMail, questionMail } from "../../lib/approval/mails.js";
import { type Question, type QuestionDeps, readQuestion, settle } from "../../lib/approval/question.js";
import { type WakeDeps, wake } from "../../lib/approval/wake.js";
import type { ApprovalRef, Approvals } from "../../lib/aws/approvals.js";
import type { Mail, Mailer } from "../../lib/aws/mailer.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";
import { type Due, dueMails } from "./due.js";

export interface SenderDeps extends QuestionDeps, WakeDeps, LinkDeps {
  readonly approvals: QuestionDeps["approvals"] &
    WakeDeps["approvals"] &
    LinkDeps["approvals"] &
    Pick<Approvals, "readSent" | "insertSent">;
  readonly mailer: Mailer;
}

/** @throws what a service throws: the stream brings the record again */
export async function follow(deps: SenderDeps, ref: ApprovalRef): Promise<void> {
  const question = await settle(deps, await readQuestion(deps, ref));
  // The run first: it must not wait for a mail.
  const woken = await wake(deps, question);
  const due = dueMails(question, await deps.approvals.readSent(ref), deps.nowMs());
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
  logLine("info", "followed", { ...about(question), woken, mails: due.length });
  if (failed !== undefined) throw failed;
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
