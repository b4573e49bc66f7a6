/**
 * Approval rows. Requests, links, tokens and decisions are inserted and never changed (`dynamodb:PartiQLInsert`); only the
 * count of wrong codes is updated (`dynamodb:UpdateItem` on `challenge#*`). Readers need `dynamodb:GetItem` and `Query`.
 */
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { type ApprovalDecision, approvalDecisionSchema } from "../run/events.js";
import { approvalKey } from "../run/keys.js";
import { type ApprovalView, approvalView } from "../run/protocol.js";
import { getRow, insertRow, isNamed, parseJson, queryRows, type RowKey, type TableRef } from "./dynamo.js";

/** What a link's opaque id stands for. The code itself is nowhere, only its salted hash. */
export const approvalLink = z.object({
  workflow: z.string(),
  approval_id: z.string(),
  approver: z.string(),
  /** hex */
  salt: z.string(),
  /** hex, see lib/approval/code.ts */
  code_hash: z.string(),
  expires_at: z.iso.datetime({ precision: 3 }),
});
export type ApprovalLink = z.infer<typeof approvalLink>;

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
  insertLink(linkId: string, link: ApprovalLink): Promise<Inserted>;
  readLink(linkId: string): Promise<ApprovalLink | undefined>;
  insertMailed(ref: ApprovalRef, approver: string, at: string): Promise<Inserted>;
  /** Approvers who were sent a mail. */
  readMailed(ref: ApprovalRef): Promise<readonly string[]>;
  /** One decision per person: `exists` when that person has decided. */
  insertDecision(workflow: string, decision: ApprovalDecision): Promise<Inserted>;
  /** Decisions in the order they were made. */
  readDecisions(ref: ApprovalRef): Promise<readonly ApprovalDecision[]>;
  /** Takes one of a link's `limit` tries before the code is compared; how many are taken now, or `locked`. */
  takeTry(linkId: string, limit: number): Promise<number | "locked">;
  /** Gives the try back: the code was right. */
  returnTry(linkId: string): Promise<void>;
  readTries(linkId: string): Promise<number>;
}

const requestRow = z.object({ view: z.string() });
const tokenRow = z.object({ sealed: z.string() });
const mailedRow = z.object({ approver: z.string() });
const decisionRow = z.object({ decision: z.string() });
const triesRow = z.object({ tries: z.int().min(0) });

export function dynamoApprovals(ref: TableRef): Approvals {
  return { ...requests(ref), ...links(ref), ...decisions(ref) };
}

type Requests = "insertRequest" | "readRequest" | "insertToken" | "readTokens" | "insertMailed" | "readMailed";
function requests(ref: TableRef): Pick<Approvals, Requests> {
  const pk = ({ workflow, approvalId }: ApprovalRef) => approvalKey.request(workflow, approvalId);
  return {
    insertRequest: (view) =>
      insertRow(ref, {
        pk: approvalKey.request(view.workflow, view.approval_id),
        sk: approvalKey.requestSk,
        view: JSON.stringify(view),
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
    insertMailed: (approval, approver, at) =>
      insertRow(ref, { pk: pk(approval), sk: approvalKey.mailedSk(approver), approver, at }),
    async readMailed(approval) {
      const rows = await queryRows(ref, pk(approval), { prefix: approvalKey.mailedSk("") }, mailedRow);
      return rows.map((row) => row.approver);
    },
  };
}

type Links = "insertLink" | "readLink" | "takeTry" | "returnTry" | "readTries";
function links(ref: TableRef): Pick<Approvals, Links> {
  const challenge = (linkId: string): RowKey => ({ pk: approvalKey.challenge(linkId), sk: approvalKey.challengeSk });
  return {
    insertLink: (linkId, link) => insertRow(ref, { pk: approvalKey.link(linkId), sk: approvalKey.linkSk, ...link }),
    readLink: (linkId) => getRow(ref, { pk: approvalKey.link(linkId), sk: approvalKey.linkSk }, approvalLink),
    async takeTry(linkId, limit) {
      try {
        const { Attributes } = await ref.client.send(
          new UpdateItemCommand({
            TableName: ref.table,
            Key: marshall(challenge(linkId)),
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
    async returnTry(linkId) {
      await ref.client.send(
        new UpdateItemCommand({
          TableName: ref.table,
          Key: marshall(challenge(linkId)),
          UpdateExpression: "ADD tries :back",
          ConditionExpression: "tries > :zero",
          ExpressionAttributeValues: marshall({ ":back": -1, ":zero": 0 }),
        }),
      );
    },
    async readTries(linkId) {
      return (await getRow(ref, challenge(linkId), triesRow))?.tries ?? 0;
    },
  };
}

function decisions(ref: TableRef): Pick<Approvals, "insertDecision" | "readDecisions"> {
  return {
    insertDecision: (workflow, decision) =>
      insertRow(ref, {
        pk: approvalKey.decision(workflow, decision.approval_id),
        sk: approvalKey.decisionSk(decision.approver),
        decision: JSON.stringify(decision),
      }),
    async readDecisions({ workflow, approvalId }) {
      const pk = approvalKey.decision(workflow, approvalId);
      const rows = await queryRows(ref, pk, { prefix: approvalKey.decisionSk("") }, decisionRow);
      const found = rows.map((row) => parseJson(`${ref.table}: ${pk}`, row.decision, approvalDecisionSchema));
      return found.sort((a, b) => a.decided_at.localeCompare(b.decided_at));
    },
  };
}
