/** Which approvals there are: reads the approvals table's index `byWorkflow`. Needs `dynamodb:Query` on table and index. */
import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { type ApprovalView, approvalView } from "../run/protocol.js";
import { dynamoApprovals } from "./approvals.js";
import { parseJson, parseRow, type TableRef } from "./dynamo.js";

export interface ListedApproval {
  readonly approval_id: string;
  readonly workflow: string;
  readonly run_id: string;
  readonly title: string;
  readonly approvers: readonly string[];
  readonly needed: number;
  readonly approved_by: readonly string[];
  readonly requested_at: string;
  readonly deadline: string;
  readonly status: "waiting" | "approved" | "rejected" | "expired";
}

const requestRow = z.object({ pk: z.string(), view: z.string() });

/** The workflow's approvals, newest first, with what people have decided until `nowMs`. */
export async function listApprovals(ref: TableRef, workflow: string, nowMs: number): Promise<ListedApproval[]> {
  const views = await queryIndex(ref, workflow);
  return Promise.all(views.map((view) => withDecisions(ref, view, nowMs)));
}

async function queryIndex(ref: TableRef, workflow: string): Promise<ApprovalView[]> {
  const views: ApprovalView[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await ref.client.send(
      new QueryCommand({
        TableName: ref.table,
        IndexName: "byWorkflow",
        KeyConditionExpression: "workflow = :workflow",
        ExpressionAttributeValues: marshall({ ":workflow": workflow }),
        ScanIndexForward: false,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const item of page.Items ?? []) {
      const row = parseRow(ref.table, unmarshall(item), requestRow);
      views.push(parseJson(`${ref.table}: ${row.pk}`, row.view, approvalView));
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return views;
}

async function withDecisions(ref: TableRef, view: ApprovalView, nowMs: number): Promise<ListedApproval> {
  const decisions = await dynamoApprovals(ref).readDecisions({ workflow: view.workflow, approvalId: view.approval_id });
  const approvedBy = decisions.flatMap((one) => (one.decision === "approve" ? [one.approver] : []));
  const status = decisions.some((one) => one.decision === "reject")
    ? "rejected"
    : approvedBy.length >= view.needed
      ? "approved"
      : Date.parse(view.deadline) <= nowMs
        ? "expired"
        : "waiting";
  const { approval_id, workflow, run_id, title, approvers, needed, requested_at, deadline } = view;
  return {
    approval_id,
    workflow,
    run_id,
    title,
    approvers,
    needed,
    approved_by: approvedBy,
    requested_at,
    deadline,
    status,
  };
}
