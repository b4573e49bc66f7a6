/** Decides as approvers do: the approval page's own POST, with the code from the mail. */
import * as z from "zod";
import { CountersignError } from "../errors.js";
import type { ClientOptions } from "./connection.js";
import { refusal, signedPost } from "./front-door.js";

export interface DeskDecision {
  readonly decision: "approve" | "reject";
  readonly code: string;
  /** what an irreversible action wants typed */
  readonly confirmation?: string;
  readonly comment?: string;
}

const deskAnswer = z.looseObject({ message: z.string() });

/** Posts a decision to the link; answers with the desk's message. A refusal keeps the desk's code (CS-21xx). */
export const decide = (link: string, decision: DeskDecision): Promise<string> => act(link, { ...decision });

/** The same for everything that the page's form can do: `decision` says what, the other fields are the form's. */
export async function act(link: string, fields: Readonly<Record<string, string>>): Promise<string> {
  const url = approvalLink(link);
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(fields),
    redirect: "error",
  });
  const body: unknown = await answer.json().catch(() => undefined);
  const decided = deskAnswer.safeParse(body);
  if (answer.ok && decided.success) return decided.data.message;
  throw refusal("approval", answer.status, body);
}

export interface SignedTarget {
  /** base URL of the stage's HTTP API */
  readonly endpoint: string;
  readonly workflow: string;
  readonly approvalId: string;
  /** of a session of the approver role, named after the person */
  readonly client: ClientOptions;
}

/** The same with an AWS identity in the place of link and code: it counts where two people must decide, too. */
export async function decideSigned(
  { endpoint, workflow, approvalId, client }: SignedTarget,
  act: Readonly<Record<string, string>>,
): Promise<string> {
  const path = `/approver/approvals/${encodeURIComponent(workflow)}/${encodeURIComponent(approvalId)}`;
  const answer = await signedPost(new URL(path, endpoint), act, client);
  const body: unknown = await answer.json().catch(() => undefined);
  const decided = deskAnswer.safeParse(body);
  if (answer.ok && decided.success) return decided.data.message;
  throw refusal("approval", answer.status, body);
}

function approvalLink(link: string): URL {
  const url = URL.parse(link);
  if (url === null || !/^\/approvals\/[A-Za-z0-9_-]{8,}$/.test(url.pathname))
    throw new CountersignError(
      "CS-5006",
      `approval decide: '${link}' is no approval link; give the whole link from the mail (https://…/approvals/…)`,
    );
  return url;
}

/** What an approval mail carries. */
export interface MailedChallenge {
  readonly link: string;
  readonly code: string;
}

/** Finds the link and the code in the text of an approval mail. */
export function readChallenge(text: string): MailedChallenge | undefined {
  const link = /https?:\/\/\S+\/approvals\/[A-Za-z0-9_-]+/.exec(text)?.[0];
  const code = /^Code: (\S+)$/m.exec(text)?.[1];
  return link === undefined || code === undefined ? undefined : { link, code };
}
