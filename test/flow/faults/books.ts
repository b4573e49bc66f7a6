/** What there is after a run, read from the tables themselves and from the book. */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { effectOutcome, failedAttempt } from "../../../lib/aws/effects.js";
import type { Cloud } from "../../../lib/local/cloud.js";
import { dayDoc } from "../../../lib/run/budget.js";
import { type Closing, closing } from "../../../lib/run/closing.js";
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
  /** approval id → how its question ended, for those that rows ended */
  readonly closings: ReadonlyMap<string, Closing>;
  readonly effects: readonly { readonly args_hash: string; readonly open: boolean }[];
  readonly openRuns: readonly string[];
  readonly uniqueRows: readonly string[];
  readonly days: readonly z.output<typeof dayDoc>[];
  readonly exposures: readonly { readonly name: string; readonly doc: z.output<typeof counterDoc> }[];
  /** runs that the front door said are started */
  readonly admitted: readonly string[];
  /** decisions that the desk said are recorded */
  readonly acknowledged: readonly Acknowledged[];
  readonly executions: readonly { readonly runId: string; readonly status: string; readonly last: string }[];
  /** the most that was spent and leased of one day at once, micro-USD */
  readonly mostHeld: number;
}
export interface Acknowledged {
  readonly approval_id: string;
  readonly approver: string;
  readonly decision: "approve" | "reject";
}
/** What the laboratory saw on the way. */
export type Witnessed = Pick<World, "admitted" | "acknowledged" | "mostHeld">;

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

/** Events by their text: what is in the log stays as it is, and is read at every step. */
const parsed = new Map<string, RecordedEvent>();
const MAX_PARSED = 5_000;

function eventOf(text: string): RecordedEvent {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  const event = recordedEvent.parse(JSON.parse(text));
  parsed.set(text, event);
  return event;
}

export async function readRuns(cloud: Cloud): Promise<World["runs"]> {
  const runs = new Map<string, RecordedEvent[]>();
  const rows = (await scan(cloud, "log"))
    .map((row) => logRow.parse(row))
    .sort((a, b) => (a.pk + a.sk < b.pk + b.sk ? -1 : 1));
  for (const row of rows) {
    const event = eventOf(row.event);
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

/** Which runs are open, and the most that is spent and leased of one day, micro-USD. */
export async function readBudgets(cloud: Cloud): Promise<{ readonly open: readonly string[]; readonly held: number }> {
  const rows = await scan(cloud, "budgets");
  const held = daysIn(rows).map(({ spent, leases }) =>
    Object.values(leases).reduce((sum, lease) => sum + lease, spent),
  );
  return { open: openIn(rows), held: Math.max(0, ...held) };
}

const openIn = (rows: readonly Record<string, unknown>[]): string[] =>
  rows.flatMap((row) => (String(row.pk).endsWith("#open") ? [String(row.sk)] : []));

const countersIn = (rows: readonly Record<string, unknown>[], part: string) =>
  rows
    .filter((row) => row.sk === "counter")
    .map((row) => counterRow.parse(row))
    .filter(({ pk }) => pk.includes(part));

const daysIn = (rows: readonly Record<string, unknown>[]) =>
  countersIn(rows, "#day#").map(({ document }) => dayDoc.parse(JSON.parse(document)));

export async function readWorld(cloud: Cloud, book: unknown, witnessed: Witnessed): Promise<World> {
  const [runs, effects, approvals, budgets] = [
    await readRuns(cloud),
    await readEffects(cloud),
    await scan(cloud, "approvals"),
    await scan(cloud, "budgets"),
  ];
  return {
    ...witnessed,
    runs,
    effects,
    entries: bookState.parse(book).entries,
    decisions: approvals.flatMap((row) =>
      typeof row.decision === "string" ? [approvalDecisionSchema.parse(JSON.parse(row.decision))] : [],
    ),
    closings: new Map(
      approvals.flatMap((row) =>
        typeof row.closing === "string"
          ? [[String(row.pk).split("#").at(-1) ?? "", closing.parse(JSON.parse(row.closing))] as const]
          : [],
      ),
    ),
    openRuns: openIn(budgets),
    uniqueRows: budgets.flatMap((row) => (row.sk === "unique" ? [String(row.run_id)] : [])),
    days: daysIn(budgets),
    exposures: countersIn(budgets, "#exposure#").map(({ pk, document }) => ({
      name: pk,
      doc: counterDoc.parse(JSON.parse(document)),
    })),
    executions: executionsOf(cloud),
  };
}

/** `last` is the state entered last, and what happened last of all. */
function executionsOf({ states: { executions } }: Cloud): World["executions"] {
  return executions.list().map(({ name, status, executionArn }) => {
    const history = executions.history(executionArn);
    const state = history.findLast(({ type }) => type.endsWith("StateEntered"));
    const last = `${state?.details?.name ?? "no state"}, ${history.at(-1)?.type ?? "no event"}`;
    return { runId: name, status, last };
  });
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
