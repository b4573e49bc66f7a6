/**
 * Asks people: stores what they will see, the task token (encrypted) and a link per approver, and mails link and code. May run twice: a
 * retried state brings a new token, and only those who were not mailed yet get a mail.
 */
import { createHash } from "node:crypto";
import { firstCodeUntilMs, hashCode } from "../../lib/approval/code.js";
import { matchesHash } from "../../lib/approval/status.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { Mailer } from "../../lib/aws/mailer.js";
import type { TokenSealer } from "../../lib/aws/task-tokens.js";
import { CountersignError } from "../../lib/errors.js";
import { isSamePerson } from "../../lib/run/people.js";
import { type ApprovalView, approvalRequest } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";
import { approvalMail } from "./mail.js";

export interface RequestApprovalDeps {
  readonly workflow: string;
  readonly deskUrl: string;
  readonly approvals: Pick<
    Approvals,
    "insertRequest" | "insertToken" | "insertLink" | "insertCode" | "insertSent" | "readSent"
  >;
  readonly sealer: TokenSealer;
  readonly mailer: Mailer;
  readonly nowMs: () => number;
  /** fresh secrets: link id, code (lib/approval/code.ts) and salt (hex) */
  readonly newLink: () => { readonly linkId: string; readonly code: string; readonly salt: string };
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
  const { linkId, code, salt } = deps.newLink();
  const askedMs = deps.nowMs();
  await deps.approvals.insertLink(linkId, {
    workflow: view.workflow,
    approval_id: view.approval_id,
    approver,
    role: "approver",
    expires_at: view.deadline,
  });
  await deps.approvals.insertCode(linkId, {
    issue: 0,
    salt,
    code_hash: await hashCode(code, salt),
    issued_at: isoTime(askedMs),
    expires_at: isoTime(firstCodeUntilMs(askedMs, Date.parse(view.deadline))),
  });
  let message: string;
  try {
    message = await deps.mailer.send(
      approvalMail({ to: approver, view, url: `${deps.deskUrl}/approvals/${linkId}`, code }),
    );
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
