/** A link with its first code, or a fresh code for a link: written down before it is mailed, so that no code is in a mail before it works. */
import type { ApprovalLink, Approvals } from "../aws/approvals.js";
import type { ApprovalView } from "../run/protocol.js";
import { isoTime } from "../run/time.js";
import { FRESH_CODE_MS, firstCodeUntilMs, hashCode } from "./code.js";
import type { Way } from "./mails.js";

/** Fresh secrets: link id, code (code.ts) and salt (hex). */
export type NewLink = () => { readonly linkId: string; readonly code: string; readonly salt: string };

export interface LinkDeps {
  readonly deskUrl: string;
  readonly approvals: Pick<Approvals, "insertLink" | "insertCode">;
  readonly newLink: NewLink;
  readonly nowMs: () => number;
}

export async function openLinkFor(
  deps: LinkDeps,
  view: ApprovalView,
  person: string,
  role: ApprovalLink["role"],
): Promise<Way> {
  const { linkId, code, salt } = deps.newLink();
  const askedMs = deps.nowMs();
  await deps.approvals.insertLink(linkId, {
    workflow: view.workflow,
    approval_id: view.approval_id,
    approver: person,
    role,
    expires_at: view.deadline,
  });
  await deps.approvals.insertCode(linkId, {
    issue: 0,
    salt,
    code_hash: await hashCode(code, salt),
    issued_at: isoTime(askedMs),
    expires_at: isoTime(firstCodeUntilMs(askedMs, Date.parse(view.deadline))),
  });
  return { url: urlOf(deps, linkId), code };
}

export async function freshCodeFor(deps: LinkDeps, linkId: string, issue: number): Promise<Way> {
  const { code, salt } = deps.newLink();
  const nowMs = deps.nowMs();
  await deps.approvals.insertCode(linkId, {
    issue,
    salt,
    code_hash: await hashCode(code, salt),
    issued_at: isoTime(nowMs),
    expires_at: isoTime(nowMs + FRESH_CODE_MS),
  });
  return { url: urlOf(deps, linkId), code };
}

const urlOf = ({ deskUrl }: LinkDeps, linkId: string) => `${deskUrl}/approvals/${linkId}`;
