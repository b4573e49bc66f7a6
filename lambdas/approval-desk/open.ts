/** What stands behind a link, and what a person may want of it. */
import type * as z from "zod";
import { answer, askOwner, delegate, edit, type Wish, wishCode } from "../../lib/approval/act.js";
import { type DecideDeps, decideApproval } from "../../lib/approval/decide.js";
import { editedArgs } from "../../lib/approval/fields.js";
import { withheldApprovals } from "../../lib/approval/opened.js";
import { type Question, readQuestion } from "../../lib/approval/question.js";
import { Refusal } from "../../lib/approval/refusal.js";
import type { Who } from "../../lib/approval/who.js";
import type { ApprovalLink, Approvals } from "../../lib/aws/approvals.js";
import { sha256Hex } from "../../lib/run/canonical.js";
import type { decisionForm } from "../../lib/run/protocol.js";

export interface DeskDeps extends DecideDeps {
  readonly approvals: DecideDeps["approvals"] & Pick<Approvals, "readLink">;
  /** name of the stage's approver role; absent: nobody decides with an AWS identity */
  readonly approverRole?: string;
}
export interface Opened {
  readonly linkId: string;
  readonly link: ApprovalLink;
  readonly question: Question;
}
/** Whoever looks at a question: by a link from a mail, or signed in. */
export interface Visitor {
  readonly person: string;
  readonly role: ApprovalLink["role"];
  /** of a session, for its forms; null: they came by a link, and a code shows that it is them */
  readonly csrf: string | null;
  /** IANA zone, when the issuer knows it */
  readonly timeZone: string | null;
}
export interface Form {
  readonly fields: z.output<typeof decisionForm>;
  /** `edit.…` as typed */
  readonly edited: Readonly<Record<string, string>>;
}

/** A link alone shows nothing sensitive. */
const asByLink = <D extends DeskDeps>(deps: D): D => ({ ...deps, approvals: withheldApprovals(deps.approvals) });

/** @throws Refusal CS-2101 for an unknown link, CS-2112 when the request is not what the gate hashed */
export async function openLink(deps: DeskDeps, linkId: string): Promise<Opened> {
  const link = /^[A-Za-z0-9_-]{16,64}$/.test(linkId) ? await deps.approvals.readLink(linkId) : undefined;
  if (link === undefined)
    throw new Refusal(
      "CS-2101",
      404,
      "link: there is no approval behind it; open the link of the mail as it is, to its end",
    );
  const question = await readQuestion(asByLink(deps), { workflow: link.workflow, approvalId: link.approval_id });
  return { linkId, link, question };
}

export const visitorOf = ({ link }: Opened): Visitor => ({
  person: link.approver,
  role: link.role,
  csrf: null,
  timeZone: null,
});

/** The link says who it is for; that it is them, the code must show. */
const byLink = ({ linkId, link }: Opened, channel: Who["channel"]): Who => ({
  approver: link.approver,
  channel,
  method: "code",
  subject: `link:${sha256Hex(linkId).slice(0, 32)}`,
  link: linkId,
});

/** What the holder of a link wants. @throws Refusal; nothing was done then */
export const performByLink = (deps: DeskDeps, opened: Opened, form: Form, channel: Who["channel"]): Promise<Question> =>
  perform(asByLink(deps), byLink(opened, channel), opened.question, form);

/** @throws Refusal; nothing was done then */
export async function perform(
  deps: DeskDeps,
  who: Who,
  question: Question,
  { fields, edited }: Form,
): Promise<Question> {
  const { ref, view } = question;
  const { decision, code, comment, shown, opened } = fields;
  const acting = { code, ...(shown === undefined ? {} : { shown }) };
  switch (decision) {
    case "approve":
    case "reject":
      return decideApproval(deps, who, ref, {
        ...acting,
        ...(opened === undefined ? {} : { opened }),
        decision,
        comment,
        confirmation: fields.confirmation,
      });
    case "ask":
      return askOwner(deps, who, ref, { ...acting, text: comment });
    case "answer":
      return answer(deps, who, ref, { ...acting, question: fields.question, text: comment });
    case "delegate":
      return delegate(deps, who, ref, { ...acting, to: fields.to, comment });
    case "edit":
      return edit(deps, who, ref, { ...acting, args: editedArgs(view.args, edited, Object.keys(view.nonces)) });
    case "code":
      throw new Refusal("CS-2113", 400, "form: a fresh code is sent to a link's address; open the link and ask there");
  }
}

export const freshCode = (deps: DeskDeps, { linkId, link }: Opened): Promise<Wish> => wishCode(deps, linkId, link);
