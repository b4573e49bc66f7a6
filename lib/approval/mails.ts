/** Every mail that people get about an approval. None holds an argument beyond the title; a link never holds its code. */
import type { Mail } from "../aws/mailer.js";
import { callerName } from "../run/people.js";
import type { ApprovalView } from "../run/protocol.js";
import { showCode } from "./code.js";
import type { Question, QuestionState } from "./question.js";
import { instantText } from "./times.js";
import { drawn } from "./visible.js";
import { titleLine } from "./wording.js";

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
}

const CARE = "The page asks for the code. Do not forward this mail: whoever has it can decide in your name.";
const timeZoneOf = (view: ApprovalView, person: string) => view.time_zones[person] ?? view.time_zone;
const origin = ({ workflow, tenant, stage, requester, run_id: run, turn }: ApprovalView) =>
  `${workflow} (${tenant}, ${stage}). Asked for by ${callerName(requester)}; run ${run}, step ${turn}.`;

export function approvalMail({ to, view, url, code, handedBy }: MailParts): Mail {
  const people = view.needed === 1 ? "one person" : `${view.needed} people`;
  const asks = `${view.workflow} (${view.tenant}, ${view.stage}) asks ${people} to decide. Asked for by ${callerName(view.requester)}; run ${view.run_id}, step ${view.turn}.`;
  const deadline = `Decide by ${instantText(view.deadline, timeZoneOf(view, to))}. No answer means no.`;
  const handed = handedBy === undefined ? [] : [`${handedBy} handed this decision to you.`];
  const edited = view.edited_by === null ? [] : [`${view.edited_by} changed what the agent proposed; look at it anew.`];
  return mail(
    to,
    titleLine(view),
    [...handed, asks, ...edited, deadline],
    { url, code, label: "Look at it and decide" },
    CARE,
  );
}

export function codeMail({ to, view, url, code }: MailParts): Mail {
  const lines = [
    "A fresh code was asked for with your link. If that was not you, somebody else has the link: the code is yours alone.",
  ];
  return mail(to, titleLine(view), lines, { url, code, label: "Look at it and decide" }, CARE);
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
  return mail(to, `Question: ${titleLine(view)}`, lines, { url, code, label: "Answer" }, "The page asks for the code.");
}

export function answerMail(to: string, view: ApprovalView, by: string, text: string): Mail {
  const lines = [
    `${by} answered your question:`,
    `“${drawn(text)}”`,
    "The page of your first mail shows it too.",
    origin(view),
  ];
  return mail(to, `Answer: ${titleLine(view)}`, lines);
}

/** Who decided what, when and how; expired is not rejected. */
export function followUpMail(to: string, question: Question, state: QuestionState): Mail {
  const { view } = question;
  const words = endingWords(question, state, timeZoneOf(view, to));
  const lines = [
    ...words,
    origin(view),
    "There is nothing left to decide. The page of the first mail shows what came of it.",
  ];
  return mail(to, `${HEADS[state.kind]}: ${titleLine(view)}`, lines);
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

function endingWords(
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
  return { to, subject: subject.slice(0, 200), text: `${text}\n`, html: htmlOf(subject, lines, button, care) };
}

function htmlOf(
  subject: string,
  lines: readonly string[],
  button: Button | undefined,
  care: string | undefined,
): string {
  const paragraphs = lines.map((line) => `<p>${asHtml(line)}</p>`).join("\n");
  const way =
    button === undefined
      ? ""
      : `<p><a href="${asHtml(button.url)}">${asHtml(button.label)}</a></p>
<p>Code: <strong style="font:700 1.25rem ui-monospace,monospace;letter-spacing:.1em">${showCode(button.code)}</strong></p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${asHtml(subject)}</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:0 auto;padding:1rem">
<h1 style="font-size:1.25rem">${asHtml(subject)}</h1>
${paragraphs}
${way}
${care === undefined ? "" : `<p>${asHtml(care)}</p>`}
</body></html>
`;
}

const asHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
