/** Runs as commands and the console read them: which there are, what each recorded. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type ListedRun, listRuns } from "../aws/run-index.js";
import { dynamoRunLog } from "../aws/run-log.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import type { RunRef } from "../run/keys.js";
import type { Connection, PeopleRole } from "./connection.js";

export interface RunReader {
  /** newest first, over the given workflows */
  list(workflows: readonly string[], limit: number): Promise<ListedRun[]>;
  events(run: RunRef): Promise<readonly RecordedEvent[]>;
}

export async function runReader(connection: Connection, role: PeopleRole = "auditor"): Promise<RunReader> {
  const { RunLogTable } = await connection.controlPlane();
  const ref = { client: new DynamoDBClient(connection.client(role)), table: RunLogTable };
  const log = dynamoRunLog(ref);
  return {
    async list(workflows, limit) {
      const newest = await Promise.all(workflows.map((workflow) => take(listRuns(ref, workflow), limit)));
      return newest
        .flat()
        .sort((a, b) => b.startedAt.localeCompare(a.startedAt))
        .slice(0, limit);
    },
    events: (run) => log.read(run),
  };
}

/** The run with this id, or the newest one. */
export async function findRun(
  connection: Connection,
  reader: RunReader,
  runId: string | undefined,
  workflow: string | undefined,
): Promise<ListedRun> {
  const workflows = workflow === undefined ? await connection.workflows() : [workflow];
  const runs = await reader.list(workflows, runId === undefined ? 1 : Number.MAX_SAFE_INTEGER);
  const found = runId === undefined ? runs[0] : runs.find((run) => run.runId === runId);
  if (found !== undefined) return found;
  const fix = "see `countersign run list`";
  throw new CountersignError(
    "CS-5005",
    runId === undefined
      ? `there is no run yet in ${workflows.join(", ") || "any workflow"}; start one`
      : `run ${runId}: there is no such run; ${fix}`,
  );
}

/** `open`, `waiting for people`, or the outcome's status. */
export function runStatus(events: readonly RecordedEvent[]): string {
  const last = events.at(-1);
  if (last === undefined) return "unknown";
  if (last.type === "RunClosed") return last.data.outcome.status;
  if (last.type === "RunRefused") return "refused";
  return last.type === "ApprovalRequested" ? "waiting for people" : "open";
}

async function take<T>(source: AsyncIterable<T>, limit: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of source) {
    if (taken.length >= limit) break;
    taken.push(item);
  }
  return taken;
}
