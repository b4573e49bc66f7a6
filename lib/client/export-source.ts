/** Runs out of the log, for an export: oldest first, one after the other, however many there are. Uses the auditor's role. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { selects } from "../audit/select.js";
import { type ListedRun, listRuns } from "../aws/run-index.js";
import { dynamoRunLog } from "../aws/run-log.js";
import type { RecordedEvent } from "../run/events.js";
import type { Connection } from "./connection.js";

/** What is exported: kept beside a file that is being written, so that it can be continued. */
export const selection = z.strictObject({
  workflows: z.array(z.string()),
  /** this run alone */
  run: z.strictObject({ workflow: z.string(), tenant: z.string(), runId: z.string() }).optional(),
  /** UTC ISO, of the runs' starts */
  from: z.iso.datetime({ precision: 3 }).optional(),
  until: z.iso.datetime({ precision: 3 }).optional(),
  filter: z.strictObject({
    tenant: z.string().exactOptional(),
    outcome: z.string().exactOptional(),
    approver: z.string().exactOptional(),
    policy: z.string().exactOptional(),
  }),
  /** runs */
  limit: z.int().positive().optional(),
});
export type Selection = z.output<typeof selection>;

/** Where a cut-off export goes on. */
export interface Continuation {
  /** the last run that the file holds whole */
  readonly after: ListedRun;
  /** runs that it holds */
  readonly runs: number;
}

/** Read at the same time; the log answers one run in some milliseconds, mostly waiting. */
const READ_AHEAD = 8;

/** The selected runs' events, workflow by workflow in the order of their starts. */
export async function* selectedRuns(
  connection: Connection,
  chosen: Selection,
  continued?: Continuation,
): AsyncGenerator<readonly RecordedEvent[]> {
  const { RunLogTable } = await connection.controlPlane();
  const ref = { client: new DynamoDBClient(connection.client("auditor")), table: RunLogTable };
  const log = dynamoRunLog(ref);
  if (chosen.run !== undefined) {
    if (continued === undefined) yield await log.read(chosen.run);
    return;
  }
  let left = (chosen.limit ?? Number.POSITIVE_INFINITY) - (continued?.runs ?? 0);
  if (left <= 0) return;
  for await (const events of inOrder(listed(ref, chosen, continued?.after), (run) => log.read(run))) {
    if (!selects(chosen.filter, events)) continue;
    yield events;
    left -= 1;
    if (left <= 0) return;
  }
}

async function* listed(
  ref: Parameters<typeof listRuns>[0],
  { workflows, from, until, filter }: Selection,
  after: ListedRun | undefined,
): AsyncGenerator<ListedRun> {
  const bounds = {
    oldestFirst: true,
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
  };
  for (const workflow of [...workflows].sort()) {
    if (after !== undefined && workflow < after.workflow) continue;
    const past = after?.workflow === workflow ? { after } : {};
    for await (const run of listRuns(ref, workflow, { ...bounds, ...past }))
      if (filter.tenant === undefined || run.tenant === filter.tenant) yield run;
  }
}

/** Works on some items ahead, and answers in their order. */
async function* inOrder<T, R>(items: AsyncIterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  for await (const item of items) {
    const begun = work(item);
    begun.catch(() => {}); // told when its turn comes
    ahead.push(begun);
    const first = ahead.length >= READ_AHEAD ? ahead.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const rest of ahead) yield await rest;
}
