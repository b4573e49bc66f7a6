/** Which approvals there are: reads the approvals table's index `byWorkflow`. Needs `dynamodb:Query` on table and index. */
import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import type { ApprovalOutcome } from "../run/acts.js";
import type { Closing } from "../run/closing.js";
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
  /** ISO times */
  readonly remind_at: readonly string[];
  readonly escalate_at: readonly string[];
  readonly status: "waiting" | Closing["kind"] | ApprovalOutcome["kind"];
}

const requestRow = z.object({ pk: z.string(), view: z.string() });

const EPOCH = "1970-01-01T00:00:00.000Z";
/** As many are read at once. */
const READS = 32;

/** The workflow's approvals, newest first, with what people have decided until `nowMs`. `waiting`: only those that still may be decided. */
export async function listApprovals(
  ref: TableRef,
  workflow: string,
  nowMs: number,
  which: "waiting" | "all",
): Promise<ListedApproval[]> {
  const views = (await askedViews(ref, workflow)).filter(
    (view) => which === "all" || Date.parse(view.deadline) > nowMs,
  );
  const listed: ListedApproval[] = [];
  for (let at = 0; at < views.length; at += READS)
    listed.push(...(await Promise.all(views.slice(at, at + READS).map((view) => withState(ref, view, nowMs)))));
  return which === "all" ? listed : listed.filter(({ status }) => status === "waiting");
}

/** What was asked then (ISO) or later, newest first. */
export async function askedViews(ref: TableRef, workflow: string, since = EPOCH): Promise<ApprovalView[]> {
  const views: ApprovalView[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await ref.client.send(
      new QueryCommand({
        TableName: ref.table,
        IndexName: "byWorkflow",
        KeyConditionExpression: "workflow = :workflow AND requested_at >= :since",
        ExpressionAttributeValues: marshall({ ":workflow": workflow, ":since": since }),
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

/** What became of it, or the closing row decides; without them the time. */
async function withState(ref: TableRef, view: ApprovalView, nowMs: number): Promise<ListedApproval> {
  const approvals = dynamoApprovals(ref);
  const at = { workflow: view.workflow, approvalId: view.approval_id };
  const [closing, decisions, outcomes] = await Promise.all([
    approvals.readClosing(at),
    approvals.readDecisions(at),
    approvals.readOutcomes(at),
  ]);
  const became = outcomes.find(({ kind }) => kind === "voided" || kind === "stopped");
  const approvedBy = decisions.flatMap((one) => (one.decision === "approve" ? [one.approver] : []));
  const over = Date.parse(view.deadline) <= nowMs ? "expired" : "waiting";
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
    remind_at: view.remind_at,
    escalate_at: view.escalation.map(({ at }) => at),
    status: became?.kind ?? closing?.kind ?? over,
  };
}
