/**
 * Approval rows. All are inserted and never changed (`dynamodb:PartiQLInsert`); only the count of wrong codes is updated (`dynamodb:UpdateItem`
 * on `challenge#*`). Readers need `dynamodb:GetItem` and `Query`.
 */
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import {
  type ApprovalAct,
  type ApprovalOutcome,
  type ApprovalTold,
  actSk,
  approvalAct,
  approvalOutcome,
  approvalTold,
} from "../run/acts.js";
import { type Closing, closing as closingSchema } from "../run/closing.js";
import { type ApprovalDecision, approvalDecisionSchema } from "../run/events.js";
import { approvalKey } from "../run/keys.js";
import { type ApprovalView, approvalView } from "../run/protocol.js";
import { getRow, insertRow, isNamed, jsonText, parseJson, queryRows, type RowKey, type TableRef } from "./dynamo.js";

/** What a link's opaque id stands for: one person's way to one approval. */
export const approvalLink = z.object({
  workflow: z.string(),
  approval_id: z.string(),
  approver: z.string(),
  /** `owner`: answers questions, decides nothing */
  role: z.enum(["approver", "owner"]),
  expires_at: z.iso.datetime({ precision: 3 }),
});
export type ApprovalLink = z.infer<typeof approvalLink>;

/** A code that was mailed: it is nowhere, only its salted hash. */
export const linkCode = z.object({
  /** 0 with the first mail; one more for each that was asked for */
  issue: z.int().min(0),
  /** hex */
  salt: z.string(),
  /** hex, see lib/approval/code.ts */
  code_hash: z.string(),
  issued_at: z.iso.datetime({ precision: 3 }),
  expires_at: z.iso.datetime({ precision: 3 }),
});
export type LinkCode = z.infer<typeof linkCode>;

/** A message that went out. */
export const sentMessage = z.object({
  channel: z.enum(["mail", "slack"]),
  /** `asked`, `reminder-1`, `escalated`, `code-2`, `question-…`, `decided` */
  kind: z.string(),
  /** address or Slack member or channel id */
  to: z.string(),
  at: z.iso.datetime({ precision: 3 }),
  /** what the channel calls it: SES message id, or Slack `channel/ts` */
  ref: z.string(),
});
export type SentMessage = z.infer<typeof sentMessage>;

export interface ApprovalRef {
  readonly workflow: string;
  readonly approvalId: string;
}
export type Inserted = "inserted" | "exists";

export interface Approvals {
  insertRequest(view: ApprovalView): Promise<Inserted>;
  readRequest(ref: ApprovalRef): Promise<ApprovalView | undefined>;
  /** `sealed`: the encrypted task token, base64. `tokenHash`: SHA-256 of the token, hex. */
  insertToken(ref: ApprovalRef, token: { readonly tokenHash: string; readonly sealed: string }): Promise<Inserted>;
  /** Sealed task tokens; a state that was retried has several. */
  readTokens(ref: ApprovalRef): Promise<readonly string[]>;
  /** One row per channel, kind and recipient. */
  insertSent(ref: ApprovalRef, sent: SentMessage): Promise<Inserted>;
  readSent(ref: ApprovalRef): Promise<readonly SentMessage[]>;
  insertLink(linkId: string, link: ApprovalLink): Promise<Inserted>;
  readLink(linkId: string): Promise<ApprovalLink | undefined>;
  /** Adds a code; those of before stay good until they expire. */
  insertCode(linkId: string, code: LinkCode): Promise<Inserted>;
  /** By issue. */
  readCodes(linkId: string): Promise<readonly LinkCode[]>;
  /** One decision per person: `exists` when that person has decided. */
  insertDecision(workflow: string, decision: ApprovalDecision): Promise<Inserted>;
  /** Decisions in the order they were made. */
  readDecisions(ref: ApprovalRef): Promise<readonly ApprovalDecision[]>;
  /** `exists`: the same was done before, or at the same time by somebody else. */
  insertAct(ref: ApprovalRef, act: ApprovalAct): Promise<Inserted>;
  /** Acts in the order they were made. */
  readActs(ref: ApprovalRef): Promise<readonly ApprovalAct[]>;
  /** One row per reminder or escalation and person. */
  insertTold(ref: ApprovalRef, told: ApprovalTold): Promise<Inserted>;
  /** In the order they were told. */
  readTold(ref: ApprovalRef): Promise<readonly ApprovalTold[]>;
  /** The first closing wins: `exists` when there is one. */
  insertClosing(ref: ApprovalRef, closing: Closing): Promise<Inserted>;
  readClosing(ref: ApprovalRef): Promise<Closing | undefined>;
  insertOutcome(ref: ApprovalRef, outcome: ApprovalOutcome): Promise<Inserted>;
  readOutcomes(ref: ApprovalRef): Promise<readonly ApprovalOutcome[]>;
  /** Takes one of the `limit` tries that an issue's codes have before the code is compared; how many are taken now, or `locked`. */
  takeTry(linkId: string, issue: number, limit: number): Promise<number | "locked">;
  /** Gives the try back: the code was right. */
  returnTry(linkId: string, issue: number): Promise<void>;
  readTries(linkId: string, issue: number): Promise<number>;
  /** `requestHash`: SHA-256 of a signed request's body, hex; the first answer stays. */
  insertReceipt(requestHash: string, answer: string): Promise<Inserted>;
  readReceipt(requestHash: string): Promise<string | undefined>;
}

const requestRow = z.object({ view: z.string() });
const tokenRow = z.object({ sealed: z.string() });
const decisionRow = z.object({ decision: z.string() });
const actRow = z.object({ act: z.string() });
/** With the keys beside it. */
const toldRow = z.object(approvalTold.shape);
const closingRow = z.object({ closing: z.string() });
const outcomeRow = z.object({ outcome: z.string() });
const receiptRow = z.object({ answer: z.string() });
const triesRow = z.object({ tries: z.int().min(0) });

export function dynamoApprovals(ref: TableRef): Approvals {
  return {
    ...requests(ref),
    ...links(ref),
    ...tries(ref),
    ...decisions(ref),
    ...acts(ref),
    ...tolds(ref),
    ...closings(ref),
    ...outcomes(ref),
    ...receipts(ref),
  };
}

type Requests = "insertRequest" | "readRequest" | "insertToken" | "readTokens" | "insertSent" | "readSent";
function requests(ref: TableRef): Pick<Approvals, Requests> {
  const pk = ({ workflow, approvalId }: ApprovalRef) => approvalKey.request(workflow, approvalId);
  return {
    insertRequest: (view) =>
      insertRow(ref, {
        pk: approvalKey.request(view.workflow, view.approval_id),
        sk: approvalKey.requestSk,
        view: jsonText("approvals: a row", approvalView, view),
        // the index of requests is over these two
        workflow: view.workflow,
        requested_at: view.requested_at,
        deadline: view.deadline,
      }),
    async readRequest(approval) {
      const key = { pk: pk(approval), sk: approvalKey.requestSk };
      const row = await getRow(ref, key, requestRow);
      return row === undefined ? undefined : parseJson(`${ref.table}: ${key.pk}`, row.view, approvalView);
    },
    insertToken: (approval, { tokenHash, sealed }) =>
      insertRow(ref, { pk: pk(approval), sk: approvalKey.tokenSk(tokenHash), sealed }),
    async readTokens(approval) {
      const rows = await queryRows(ref, pk(approval), { prefix: approvalKey.tokenSk("") }, tokenRow);
      return rows.map((row) => row.sealed);
    },
    insertSent: (approval, sent) =>
      insertRow(ref, { pk: pk(approval), sk: approvalKey.sentSk(sent.channel, sent.kind, sent.to), ...sent }),
    readSent: (approval) => queryRows(ref, pk(approval), { prefix: approvalKey.sent }, sentMessage),
  };
}

function links(ref: TableRef): Pick<Approvals, "insertLink" | "readLink" | "insertCode" | "readCodes"> {
  return {
    insertLink: (linkId, link) => insertRow(ref, { pk: approvalKey.link(linkId), sk: approvalKey.linkSk, ...link }),
    readLink: (linkId) => getRow(ref, { pk: approvalKey.link(linkId), sk: approvalKey.linkSk }, approvalLink),
    insertCode: (linkId, code) =>
      insertRow(ref, {
        pk: approvalKey.link(linkId),
        sk: approvalKey.codeSk(code.issue, code.code_hash.slice(0, 16)),
        ...code,
      }),
    readCodes: (linkId) => queryRows(ref, approvalKey.link(linkId), { prefix: approvalKey.codes }, linkCode),
  };
}

function tries(ref: TableRef): Pick<Approvals, "takeTry" | "returnTry" | "readTries"> {
  const challenge = (linkId: string, issue: number): RowKey => ({
    pk: approvalKey.challenge(linkId, issue),
    sk: approvalKey.challengeSk,
  });
  return {
    async takeTry(linkId, issue, limit) {
      try {
        const { Attributes } = await ref.client.send(
          new UpdateItemCommand({
            TableName: ref.table,
            Key: marshall(challenge(linkId, issue)),
            UpdateExpression: "ADD tries :one",
            ConditionExpression: "attribute_not_exists(tries) OR tries < :limit",
            ExpressionAttributeValues: marshall({ ":one": 1, ":limit": limit }),
            ReturnValues: "ALL_NEW",
          }),
        );
        return triesRow.parse(unmarshall(Attributes ?? {})).tries;
      } catch (error) {
        if (isNamed(error, "ConditionalCheckFailedException")) return "locked";
        throw error;
      }
    },
    async returnTry(linkId, issue) {
      await ref.client.send(
        new UpdateItemCommand({
          TableName: ref.table,
          Key: marshall(challenge(linkId, issue)),
          UpdateExpression: "ADD tries :back",
          ConditionExpression: "tries > :zero",
          ExpressionAttributeValues: marshall({ ":back": -1, ":zero": 0 }),
        }),
      );
    },
    async readTries(linkId, issue) {
      return (await getRow(ref, challenge(linkId, issue), triesRow))?.tries ?? 0;
    },
  };
}

function decisions(ref: TableRef): Pick<Approvals, "insertDecision" | "readDecisions"> {
  return {
    insertDecision: (workflow, decision) =>
      insertRow(ref, {
        pk: approvalKey.decision(workflow, decision.approval_id),
        sk: approvalKey.decisionSk(decision.approver),
        decision: jsonText("approvals: a row", approvalDecisionSchema, decision),
      }),
    async readDecisions({ workflow, approvalId }) {
      const pk = approvalKey.decision(workflow, approvalId);
      const rows = await queryRows(ref, pk, { prefix: approvalKey.decisionSk("") }, decisionRow);
      const found = rows.map((row) => parseJson(`${ref.table}: ${pk}`, row.decision, approvalDecisionSchema));
      return found.sort((a, b) => a.decided_at.localeCompare(b.decided_at));
    },
  };
}

function acts(ref: TableRef): Pick<Approvals, "insertAct" | "readActs"> {
  const pk = ({ workflow, approvalId }: ApprovalRef) => approvalKey.act(workflow, approvalId);
  return {
    insertAct: (approval, act) =>
      insertRow(ref, { pk: pk(approval), sk: actSk(act), act: jsonText("approvals: a row", approvalAct, act) }),
    async readActs(approval) {
      const rows = await queryRows(ref, pk(approval), {}, actRow);
      const found = rows.map((row) => parseJson(`${ref.table}: ${pk(approval)}`, row.act, approvalAct));
      return found.sort((a, b) => a.at.localeCompare(b.at));
    },
  };
}

function tolds(ref: TableRef): Pick<Approvals, "insertTold" | "readTold"> {
  const pk = ({ workflow, approvalId }: ApprovalRef) => approvalKey.told(workflow, approvalId);
  return {
    insertTold: (approval, told) =>
      insertRow(ref, { pk: pk(approval), sk: approvalKey.toldSk(told.kind, told.n, told.to), ...told }),
    async readTold(approval) {
      const found = await queryRows(ref, pk(approval), {}, toldRow);
      return found.map(({ kind, n, to, at }) => ({ kind, n, to, at })).sort((a, b) => a.at.localeCompare(b.at));
    },
  };
}

function closings(ref: TableRef): Pick<Approvals, "insertClosing" | "readClosing"> {
  const key = ({ workflow, approvalId }: ApprovalRef) => ({
    pk: approvalKey.closing(workflow, approvalId),
    sk: approvalKey.closingSk,
  });
  return {
    insertClosing: (approval, value) =>
      insertRow(ref, { ...key(approval), closing: jsonText("approvals: a row", closingSchema, value) }),
    async readClosing(approval) {
      const row = await getRow(ref, key(approval), closingRow);
      return row === undefined ? undefined : parseJson(`${ref.table}: ${key(approval).pk}`, row.closing, closingSchema);
    },
  };
}

function outcomes(ref: TableRef): Pick<Approvals, "insertOutcome" | "readOutcomes"> {
  const pk = ({ workflow, approvalId }: ApprovalRef) => approvalKey.outcome(workflow, approvalId);
  return {
    insertOutcome: (approval, outcome) =>
      insertRow(ref, {
        pk: pk(approval),
        sk: outcome.kind,
        outcome: jsonText("approvals: a row", approvalOutcome, outcome),
      }),
    async readOutcomes(approval) {
      const rows = await queryRows(ref, pk(approval), {}, outcomeRow);
      const found = rows.map((row) => parseJson(`${ref.table}: ${pk(approval)}`, row.outcome, approvalOutcome));
      return found.sort((a, b) => a.at.localeCompare(b.at));
    },
  };
}

function receipts(ref: TableRef): Pick<Approvals, "insertReceipt" | "readReceipt"> {
  const key = (requestHash: string) => ({ pk: approvalKey.receipt(requestHash), sk: approvalKey.receiptSk });
  return {
    insertReceipt: (requestHash, answer) => insertRow(ref, { ...key(requestHash), answer }),
    async readReceipt(requestHash) {
      return (await getRow(ref, key(requestHash), receiptRow))?.answer;
    },
  };
}
