/** People act as they do by hand: with the link and code of their mail, or signed with an AWS identity where a code is not enough. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { fieldsOf } from "../approval/fields.js";
import { type ApprovalRef, dynamoApprovals } from "../aws/approvals.js";
import type { Connection } from "../client/connection.js";
import { act, decideSigned, type MailedChallenge, readChallenge } from "../client/desk.js";
import { CountersignError } from "../errors.js";
import type { EventOf } from "../run/events.js";
import { signInOf } from "../run/withheld.js";
import type { Person } from "./format.js";
import type { Session } from "./session.js";
import { clientAs } from "./session-connection.js";

/** @throws CountersignError CS-5010 where the scenario cannot be played; what the desk answers (CS-21xx) when it refuses */
export async function actAs(
  session: Session,
  connection: Connection,
  asked: EventOf<"ApprovalRequested">,
  person: Person,
): Promise<void> {
  const { approval_id: approvalId, typed_confirmation: typed } = asked.data;
  const ref = { workflow: asked.workflow, approvalId };
  const view = await (await approvalsOf(connection)).readRequest(ref);
  // A link does not show all of what is sensitive: then a code is not enough, whatever the contract says.
  const signIn = view === undefined ? asked.data.sign_in : signInOf(view);
  const { link, code } = challengeOf(session, asked, person.by);
  const fields = {
    decision: person.decision,
    ...(await fieldsFor(connection, ref, person)),
    ...(typed && person.decision === "approve" ? { confirmation: view?.typed_confirmation ?? "" } : {}),
  };
  // The owner is no approver, has no role, and decides nothing.
  if (signIn !== "required" || person.decision === "answer") {
    await act(link, { ...fields, code });
    return;
  }
  const { ApiEndpoint: endpoint } = await connection.controlPlane();
  await decideSigned({ endpoint, ...ref, client: clientAs(session, "approver", person.by) }, fields);
}

/** Of the person's newest mail that has one. */
function challengeOf(session: Session, asked: EventOf<"ApprovalRequested">, by: string): MailedChallenge {
  const mails = session.cloud.ses.mailbox.list().filter((mail) => mail.to.includes(by));
  const challenge = mails.flatMap((mail) => readChallenge(mail.text ?? "") ?? []).at(-1);
  if (challenge !== undefined) return challenge;
  throw new CountersignError(
    "CS-5010",
    `scenario: ${by} has no approval mail; the contract's approvers are ${asked.data.approvers.join(", ")}`,
  );
}

async function fieldsFor(
  connection: Connection,
  ref: ApprovalRef,
  person: Person,
): Promise<Readonly<Record<string, string>>> {
  switch (person.decision) {
    case "approve":
    case "reject":
    case "ask":
      return { comment: person.comment };
    case "delegate":
      return { comment: person.comment, to: person.to };
    case "answer":
      return { comment: person.comment, question: await newestQuestion(connection, ref) };
    case "edit":
      return editFields(connection, ref, person.args);
  }
}

async function approvalsOf(connection: Connection) {
  const { ApprovalsTable: table } = await connection.controlPlane();
  return dynamoApprovals({ client: new DynamoDBClient(connection.client("approver")), table });
}

async function newestQuestion(connection: Connection, ref: ApprovalRef): Promise<string> {
  const asked = (await (await approvalsOf(connection)).readActs(ref)).findLast(({ kind }) => kind === "question");
  if (asked?.kind === "question") return asked.id;
  throw new CountersignError("CS-5010", "scenario: nobody asked the owner anything; put an answer after a question");
}

/** The page's fields by their labels. */
async function editFields(
  connection: Connection,
  ref: ApprovalRef,
  args: Readonly<Record<string, string | number | boolean>>,
): Promise<Readonly<Record<string, string>>> {
  const view = await (await approvalsOf(connection)).readRequest(ref);
  const fields = view === undefined ? [] : fieldsOf(view.args, Object.keys(view.nonces));
  return Object.fromEntries(
    Object.entries(args).map(([label, value]) => {
      const field = fields.find((one) => one.label === label);
      if (field !== undefined) return [field.name, String(value)];
      const allowed = fields.map((one) => one.label).join(", ") || "none";
      throw new CountersignError("CS-5010", `scenario: ${label} is no field that can be edited; there are ${allowed}`);
    }),
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

/** What the page asks an approver to type, read off the page as a person reads it; empty when it asks for nothing. */
export async function wantedConfirmation(link: string): Promise<string> {
  const page = await (await fetch(link)).text();
  const shown = /Type\s+<code>([^<]*)<\/code>\s+to approve/.exec(page)?.[1] ?? "";
  return shown.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);
}
