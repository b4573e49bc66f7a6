/**
 * Asks people: stores what they will see, the task token (encrypted) and a link per approver, mails link and code, posts to Slack where the
 * stage has it, and schedules reminders and escalations. May run twice: a
 * retried state brings a new token, and only those who were not mailed yet get a mail.
 */
import { createHash } from "node:crypto";
import { dueTimes } from "../../lib/approval/due.js";
import type { SlackSender } from "../../lib/approval/in-slack.js";
import { type LinkDeps, openLinkFor } from "../../lib/approval/links.js";
import { approvalMail } from "../../lib/approval/mails.js";
import { matchesHash } from "../../lib/approval/status.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { Mailer } from "../../lib/aws/mailer.js";
import type { Schedules } from "../../lib/aws/schedules.js";
import type { TokenSealer } from "../../lib/aws/task-tokens.js";
import { CountersignError } from "../../lib/errors.js";
import { isSamePerson } from "../../lib/run/people.js";
import { type ApprovalView, approvalRequest } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";
import { askInSlack } from "./slack.js";

export interface RequestApprovalDeps extends LinkDeps, SlackSender {
  readonly workflow: string;
  readonly approvals: LinkDeps["approvals"] &
    Pick<Approvals, "insertRequest" | "insertToken" | "insertSent" | "readSent">;
  readonly sealer: TokenSealer;
  readonly mailer: Mailer;
  readonly schedules: Schedules;
}

export function createHandler(deps: RequestApprovalDeps) {
  return async (event: unknown): Promise<{ readonly mailed: number }> => {
    const { task_token: token, approval: view } = approvalRequest.parse(event);
    if (view.workflow !== deps.workflow || !matchesHash(view))
      throw new CountersignError(
        "CS-2112",
        `approval ${view.approval_id}: the request does not match its hash; nobody is asked`,
      );
    const approvers = view.approvers.filter((approver) => !isSamePerson(view.requester, approver));
    if (approvers.length < view.needed)
      throw new CountersignError(
        "CS-2114",
        `approval ${view.approval_id}: ${view.needed} must approve and ${approvers.length} may, because who asked cannot; name more approvers in the contract`,
      );
    const ref = { workflow: view.workflow, approvalId: view.approval_id };
    await deps.approvals.insertRequest(view);
    const tokenHash = createHash("sha256").update(token).digest("hex");
    await deps.approvals.insertToken(ref, { tokenHash, sealed: await deps.sealer.seal(ref, token) });
    const sent = await deps.approvals.readSent(ref);
    const mailed = new Set(
      sent.flatMap(({ channel, kind, to }) => (channel === "mail" && kind === "asked" ? [to] : [])),
    );
    const urls = new Map<string, string>();
    for (const approver of approvers) {
      const url = mailed.has(approver) ? undefined : await ask(deps, view, approver);
      if (url === undefined) continue;
      mailed.add(approver);
      urls.set(approver, url);
    }
    const posted = await askInSlack(deps, view, sent, approvers, urls);
    logLine("info", "approval requested", {
      workflow: view.workflow,
      run_id: view.run_id,
      approval_id: view.approval_id,
      mailed: mailed.size,
      posted,
    });
    if (mailed.size < view.needed)
      throw new CountersignError(
        "CS-2115",
        `approval ${view.approval_id}: ${mailed.size} of ${approvers.length} approvers could be mailed, ${view.needed} must approve; check the sender in SES`,
      );
    await scheduleDue(deps, view);
    return { mailed: mailed.size };
  };
}

/** A question without its reminders is still a question: nobody is kept from deciding because a schedule could not be made. */
async function scheduleDue({ schedules, nowMs }: RequestApprovalDeps, view: ApprovalView): Promise<void> {
  for (const { name, at, call } of dueTimes(view, nowMs())) {
    try {
      await schedules.once(name, at, JSON.stringify({ due: call }));
    } catch (error) {
      const reason = error instanceof Error ? error.name : "unknown";
      logLine("error", "reminder not scheduled", { approval_id: view.approval_id, kind: call.kind, error: reason });
    }
  }
}

/** Answers with the page's address once the mail is out. The link first: a code must never be in a mail before it can be used. A mail that was sent twice has two codes, both good. */
async function ask(deps: RequestApprovalDeps, view: ApprovalView, approver: string): Promise<string | undefined> {
  const way = await openLinkFor(deps, view, approver, "approver");
  let message: string;
  try {
    message = await deps.mailer.send(approvalMail({ to: approver, view, ...way }));
  } catch (error) {
    // One address that bounces must not keep the others from being asked.
    const name = error instanceof Error ? error.name : "unknown";
    logLine("warn", "mail not sent", { approval_id: view.approval_id, error: name });
    return undefined;
  }
  const ref = { workflow: view.workflow, approvalId: view.approval_id };
  const at = isoTime(deps.nowMs());
  await deps.approvals.insertSent(ref, { channel: "mail", kind: "asked", to: approver, at, ref: message });
  return way.url;
}
