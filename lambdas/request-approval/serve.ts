/**
 * Asks people: stores what they will see, the task token (encrypted) and a link per approver, and mails link and code. May run twice: a
 * retried state brings a new token, and only those who were not mailed yet get a mail.
 */
import { createHash } from "node:crypto";
import { type LinkDeps, openLinkFor } from "../../lib/approval/links.js";
import { approvalMail } from "../../lib/approval/mails.js";
import { matchesHash } from "../../lib/approval/status.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { Mailer } from "../../lib/aws/mailer.js";
import type { TokenSealer } from "../../lib/aws/task-tokens.js";
import { CountersignError } from "../../lib/errors.js";
import { isSamePerson } from "../../lib/run/people.js";
import { type ApprovalView, approvalRequest } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";

export interface RequestApprovalDeps extends LinkDeps {
  readonly workflow: string;
  readonly approvals: LinkDeps["approvals"] &
    Pick<Approvals, "insertRequest" | "insertToken" | "insertSent" | "readSent">;
  readonly sealer: TokenSealer;
  readonly mailer: Mailer;
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
    for (const approver of approvers) {
      if (!mailed.has(approver) && (await ask(deps, view, approver))) mailed.add(approver);
    }
    logLine("info", "approval requested", {
      workflow: view.workflow,
      run_id: view.run_id,
      approval_id: view.approval_id,
      mailed: mailed.size,
    });
    if (mailed.size < view.needed)
      throw new CountersignError(
        "CS-2115",
        `approval ${view.approval_id}: ${mailed.size} of ${approvers.length} approvers could be mailed, ${view.needed} must approve; check the sender in SES`,
      );
    return { mailed: mailed.size };
  };
}

/** The link first: a code must never be in a mail before it can be used. A mail that was sent twice has two codes, both good. */
async function ask(deps: RequestApprovalDeps, view: ApprovalView, approver: string): Promise<boolean> {
  const way = await openLinkFor(deps, view, approver, "approver");
  let message: string;
  try {
    message = await deps.mailer.send(approvalMail({ to: approver, view, ...way }));
  } catch (error) {
    // One address that bounces must not keep the others from being asked.
    const name = error instanceof Error ? error.name : "unknown";
    logLine("warn", "mail not sent", { approval_id: view.approval_id, error: name });
    return false;
  }
  const ref = { workflow: view.workflow, approvalId: view.approval_id };
  const at = isoTime(deps.nowMs());
  await deps.approvals.insertSent(ref, { channel: "mail", kind: "asked", to: approver, at, ref: message });
  return true;
}
