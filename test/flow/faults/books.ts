/** What there is after a run, read from the tables themselves and from the book. */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { effectOutcome, failedAttempt } from "../../../lib/aws/effects.js";
import type { Cloud } from "../../../lib/local/cloud.js";
import { dayDoc } from "../../../lib/run/budget.js";
import {
  type ApprovalDecision,
  approvalDecisionSchema,
  type RecordedEvent,
  recordedEvent,
} from "../../../lib/run/events.js";
import { counterDoc } from "../../../lib/run/exposure.js";

/** What the book holds. */
export const bookState = z.object({
  entries: z.array(
    z.object({
      ref: z.string(),
      account: z.string(),
      amount_cents: z.int(),
      marker: z.string().optional(),
      atMs: z.number(),
    }),
  ),
});
export type Entry = z.output<typeof bookState>["entries"][number];

export interface World {
  /** by run id, in order of `seq` as stored */
  readonly runs: ReadonlyMap<string, readonly RecordedEvent[]>;
  readonly entries: readonly Entry[];
  readonly decisions: readonly ApprovalDecision[];
  readonly effects: readonly { readonly args_hash: string; readonly open: boolean }[];
  readonly openRuns: readonly string[];
  readonly uniqueRows: readonly string[];
  readonly days: readonly z.output<typeof dayDoc>[];
  readonly exposures: readonly { readonly name: string; readonly doc: z.output<typeof counterDoc> }[];
}

const keyed = z.object({ pk: z.string(), sk: z.string() });
const logRow = keyed.extend({ event: z.string() });
const effectRow = keyed.extend({
  args_hash: z.string(),
  outcome: z.string().optional(),
  failed: z.string().optional(),
});
const counterRow = keyed.extend({ document: z.string() });
const scanned = z.object({
  Items: z.array(z.record(z.string(), z.any())),
  LastEvaluatedKey: z.record(z.string(), z.any()).optional(),
});

/** Names of the control plane's tables, by the construct that made them. */
const TABLES = {
  log: /^RunLogTable/,
  effects: /^TablesEffects/,
  approvals: /^TablesApprovals/,
  budgets: /^TablesBudgets/,
} as const;
type TableName = keyof typeof TABLES;

export async function readRuns(cloud: Cloud): Promise<World["runs"]> {
  const runs = new Map<string, RecordedEvent[]>();
  const rows = (await scan(cloud, "log"))
    .map((row) => logRow.parse(row))
    .sort((a, b) => (a.pk + a.sk < b.pk + b.sk ? -1 : 1));
  for (const row of rows) {
    const event = recordedEvent.parse(JSON.parse(row.event));
    const events = runs.get(event.run_id);
    if (events === undefined) runs.set(event.run_id, [event]);
    else events.push(event);
  }
  return runs;
}

export async function readEffects(cloud: Cloud): Promise<World["effects"]> {
  return (await scan(cloud, "effects")).map((row) => {
    const { args_hash, outcome, failed } = effectRow.parse(row);
    if (outcome !== undefined) effectOutcome.parse(JSON.parse(outcome));
    if (failed !== undefined) failedAttempt.parse(JSON.parse(failed));
    return { args_hash, open: outcome === undefined && failed === undefined };
  });
}

export async function readOpenRuns(cloud: Cloud): Promise<readonly string[]> {
  return (await scan(cloud, "budgets")).flatMap((row) => {
    const { pk, sk } = keyed.parse(row);
    return pk.endsWith("#open") ? [sk] : [];
  });
}

export async function readWorld(cloud: Cloud, book: unknown): Promise<World> {
  const [runs, effects, approvals, budgets] = [
    await readRuns(cloud),
    await readEffects(cloud),
    await scan(cloud, "approvals"),
    await scan(cloud, "budgets"),
  ];
  const counters = budgets.filter((row) => row.sk === "counter").map((row) => counterRow.parse(row));
  const named = (part: string) => counters.filter(({ pk }) => pk.includes(part));
  return {
    runs,
    effects,
    entries: bookState.parse(book).entries,
    decisions: approvals.flatMap((row) =>
      typeof row.decision === "string" ? [approvalDecisionSchema.parse(JSON.parse(row.decision))] : [],
    ),
    openRuns: budgets.flatMap((row) => (String(row.pk).endsWith("#open") ? [String(row.sk)] : [])),
    uniqueRows: budgets.flatMap((row) => (row.sk === "unique" ? [String(row.run_id)] : [])),
    days: named("#day#").map(({ document }) => dayDoc.parse(JSON.parse(document))),
    exposures: named("#exposure#").map(({ pk, document }) => ({
      name: pk,
      doc: counterDoc.parse(JSON.parse(document)),
    })),
  };
}

/** Every row of a table, as an administrator of the account reads it. */
async function scan(cloud: Cloud, table: TableName): Promise<Record<string, unknown>[]> {
  const { accountId } = cloud.context;
  const role = `arn:aws:iam::${accountId}:role/examiner`;
  const caller = { principalArn: role, sessionArn: role, accountId };
  const rows: Record<string, unknown>[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const body = { TableName: tableName(cloud, table), ...(start === undefined ? {} : { ExclusiveStartKey: start }) };
    const reply = await cloud.dynamoDb.handle({
      service: "dynamodb",
      operation: "Scan",
      caller,
      method: "POST",
      path: "/",
      query: new URLSearchParams(),
      headers: { "x-amz-target": "DynamoDB_20120810.Scan" },
      body: Buffer.from(JSON.stringify(body)),
    });
    const page = scanned.parse(reply.body);
    for (const item of page.Items) rows.push(unmarshall(item));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return rows;
}

function tableName(cloud: Cloud, table: TableName): string {
  const resources = cloud.stacks.flatMap((stack) => stack.resources);
  const found = resources.filter(
    ({ type, logicalId }) => type.startsWith("AWS::DynamoDB::") && TABLES[table].test(logicalId),
  );
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} tables for ${table}`);
  return found[0].physicalId;
}
