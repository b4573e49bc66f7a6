/** Every mail that people get about an approval. None holds an argument beyond the title; a link never holds its code. */
import type { Mail } from "../aws/mailer.js";
import { cut } from "../run/cut.js";
import { callerName } from "../run/people.js";
import type { ApprovalView } from "../run/protocol.js";
import { showCode } from "./code.js";
import { mailHtml } from "./mail-html.js";
import type { Question, QuestionState } from "./question.js";
import { instantText } from "./times.js";
import { drawn } from "./visible.js";
import { messageTitle, recordLine } from "./wording.js";

/** A person's way to the page. */
export interface Way {
  readonly url: string;
  readonly code: string;
}

export interface MailParts extends Way {
  readonly to: string;
  readonly view: ApprovalView;
  /** who handed the decision to them */
  readonly handedBy?: string;
  /** why they are asked now, when not from the start */
  readonly lead?: string;
}

const CARE = "The page asks for the code. Do not forward this mail: whoever has it can decide in your name.";
const timeZoneOf = (view: ApprovalView, person: string) => view.time_zones[person] ?? view.time_zone;
const origin = ({ workflow, tenant, stage, requester, run_id: run, turn }: ApprovalView) =>
  `${workflow} (${tenant}, ${stage}). Asked for by ${callerName(requester)}; run ${run}, step ${turn}.`;

export function approvalMail({ to, view, url, code, handedBy, lead }: MailParts): Mail {
  const people = view.needed === 1 ? "one person" : `${view.needed} people`;
  const asks = `${view.workflow} (${view.tenant}, ${view.stage}) asks ${people} to decide. Asked for by ${callerName(view.requester)}; run ${view.run_id}, step ${view.turn}.`;
  const deadline = `Decide by ${instantText(view.deadline, timeZoneOf(view, to))}. No answer means no.`;
  const handed = handedBy === undefined ? [] : [`${handedBy} handed this decision to you.`];
  const edited = view.edited_by === null ? [] : [`${view.edited_by} changed what the agent proposed; look at it anew.`];
  return mail(
    to,
    messageTitle(view),
    [...(lead === undefined ? [] : [lead]), ...handed, asks, ...edited, deadline],
    { url, code, label: "Look at it and decide" },
    CARE,
  );
}

export function codeMail({ to, view, url, code }: MailParts): Mail {
  const lines = [
    "A fresh code was asked for with your link. If that was not you, somebody else has the link: the code is yours alone.",
  ];
  return mail(to, messageTitle(view), lines, { url, code, label: "Look at it and decide" }, CARE);
}

export function questionMail({
  to,
  view,
  url,
  code,
  by,
  text,
}: MailParts & { readonly by: string; readonly text: string }): Mail {
  const lines = [
    `${by} has to decide about this, and asks you as the owner:`,
    `“${drawn(text)}”`,
    origin(view),
    `The time to decide goes on until ${instantText(view.deadline, timeZoneOf(view, to))}.`,
  ];
  return mail(
    to,
    `Question: ${messageTitle(view)}`,
    lines,
    { url, code, label: "Answer" },
    "The page asks for the code.",
  );
}

export function answerMail(to: string, view: ApprovalView, by: string, text: string): Mail {
  const lines = [
    `${by} answered your question:`,
    `“${drawn(text)}”`,
    "The page of your first mail shows it too.",
    origin(view),
  ];
  return mail(to, `Answer: ${messageTitle(view)}`, lines);
}

/** Who decided what, when and how; expired is not rejected. */
export function followUpMail(to: string, question: Question, state: QuestionState): Mail {
  const { view } = question;
  const words = endingWords(question, state, timeZoneOf(view, to));
  const lines = [
    ...words,
    origin(view),
    "There is nothing left to decide. The page of the first mail shows what came of it.",
    recordLine(view),
  ];
  return mail(to, `${HEADS[state.kind]}: ${messageTitle(view)}`, lines);
}

const HEADS: Readonly<Record<QuestionState["kind"], string>> = {
  open: "Open",
  approved: "Approved",
  rejected: "Rejected",
  edited: "Changed",
  expired: "Expired",
  voided: "No longer holds",
  stopped: "Over",
};
const WHERE = { page: "on the page", cli: "on the command line", slack: "in Slack" } as const;

/** Who decided what, when and how, or why it is over. */
export function endingWords(
  { view, decisions, closing }: Question,
  state: QuestionState,
  timeZone: string,
): readonly string[] {
  switch (state.kind) {
    case "approved":
    case "rejected":
      return decisions
        .filter(({ approver }) => closing?.by.includes(approver) ?? true)
        .map(({ approver, decided_at: at, channel, comment }) => {
          const said = comment === "" ? "" : `: “${drawn(comment)}”`;
          return `${HEADS[state.kind]} by ${approver}, ${instantText(at, timeZone)}, ${WHERE[channel]}${said}`;
        });
    case "expired":
      return [`Nobody decided until ${instantText(view.deadline, timeZone)}, which denies it. Nobody rejected it.`];
    case "edited":
      return [`${state.by} changed the arguments. You are sent the question that takes its place.`];
    case "voided":
      return [
        `It was decided, and no longer held when everything was checked again: nothing ran. ${drawn(state.reasons.join("; "))}`,
      ];
    case "stopped":
      return ["The run ended before anybody decided. Nothing ran."];
    case "open":
      return [];
  }
}

interface Button extends Way {
  readonly label: string;
}

function mail(to: string, subject: string, lines: readonly string[], button?: Button, care?: string): Mail {
  const way = button === undefined ? [] : [`Open: ${button.url}\nCode: ${showCode(button.code)}`];
  const text = [subject, ...lines, ...way, ...(care === undefined ? [] : [care])].join("\n\n");
  const html = mailHtml({
    title: subject,
    lines,
    foot: "Sent by Countersign because a workflow's contract names you. Sensitive values are on the page only.",
    ...(button === undefined ? {} : { button: { ...button, code: showCode(button.code) } }),
    ...(care === undefined ? {} : { care }),
  });
  return { to, subject: cut(subject, 200), text: `${text}\n`, html };
}
