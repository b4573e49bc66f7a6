/** The mail to one approver. It holds the link and the code, and none of the action's arguments beyond the title. */

import { showCode } from "../../lib/approval/code.js";
import { instantText } from "../../lib/approval/times.js";
import { titleLine } from "../../lib/approval/wording.js";
import type { Mail } from "../../lib/aws/mailer.js";
import { callerName } from "../../lib/run/people.js";
import type { ApprovalView } from "../../lib/run/protocol.js";

export interface MailParts {
  readonly to: string;
  readonly view: ApprovalView;
  readonly url: string;
  readonly code: string;
}

export function approvalMail({ to, view, url, code }: MailParts): Mail {
  const subject = titleLine(view);
  const people = view.needed === 1 ? "one person" : `${view.needed} people`;
  const asks = `${view.workflow} (${view.tenant}, ${view.stage}) asks ${people} to decide. Asked for by ${callerName(view.requester)}; run ${view.run_id}, step ${view.turn}.`;
  const deadline = `Decide by ${instantText(view.deadline, view.time_zone)}. No answer means no.`;
  const care = "The page asks for the code. Do not forward this mail: whoever has it can decide in your name.";
  const text = [subject, asks, deadline, `Open: ${url}\nCode: ${showCode(code)}`, care].join("\n\n");
  return {
    to,
    subject: subject.slice(0, 200),
    text: `${text}\n`,
    html: htmlOf({ subject, asks, deadline, url, code, care }),
  };
}

interface HtmlParts {
  readonly subject: string;
  readonly asks: string;
  readonly deadline: string;
  readonly url: string;
  readonly code: string;
  readonly care: string;
}

function htmlOf({ subject, asks, deadline, url, code, care }: HtmlParts): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${asHtml(subject)}</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:0 auto;padding:1rem">
<h1 style="font-size:1.25rem">${asHtml(subject)}</h1>
<p>${asHtml(asks)}</p>
<p><strong>${asHtml(deadline)}</strong></p>
<p><a href="${asHtml(url)}">Look at it and decide</a></p>
<p>Code: <strong style="font:700 1.25rem ui-monospace,monospace;letter-spacing:.1em">${showCode(code)}</strong></p>
<p>${asHtml(care)}</p>
</body></html>
`;
}

const asHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
