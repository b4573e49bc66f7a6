/**
 * The run log. Writers hold `dynamodb:PartiQLInsert` alone, and an insert on an existing key fails, so an entry can be
 * added but not changed. Readers need `dynamodb:Query`.
 */
import { ExecuteTransactionCommand, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import canonicalize from "canonicalize";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { type RecordedEvent, recordedEvent } from "../run/events.js";
import { logIndex, logKey, type RunRef } from "../run/keys.js";
import { checkForm, insertStatement, isNamed, parseJson, queryRows, type Row, type TableRef } from "./dynamo.js";

/** What one transaction takes. */
export const MAX_EVENTS_PER_APPEND = 100;

export interface ReadOptions {
  /** @default 1 */
  readonly fromSeq?: number;
  /** @default all */
  readonly limit?: number;
}
export interface RunLog {
  /** The run's events in order of `seq`, read consistently. */
  read(run: RunRef, options?: ReadOptions): Promise<readonly RecordedEvent[]>;
  /** Adds one run's next events, all or none. `conflict`: one of these places is taken, or someone writes there now. */
  append(events: readonly RecordedEvent[]): Promise<"appended" | "conflict">;
}

const storedRow = z.object({ pk: z.string(), sk: z.string(), event: z.string() });
const CONFLICT_REASONS = new Set(["DuplicateItem", "ConditionalCheckFailed", "TransactionConflict"]);

export function dynamoRunLog(ref: TableRef): RunLog {
  return {
    async read(run, options = {}) {
      const from = options.fromSeq === undefined ? {} : { from: logKey.sk(options.fromSeq) };
      const rows = await queryRows(ref, logKey.pk(run), from, storedRow, options.limit);
      return rows.map((row) => parseStored(ref.table, row));
    },
    async append(events) {
      checkAppend(events);
      try {
        await ref.client.send(
          new ExecuteTransactionCommand({
            TransactStatements: events.map((event) => insertStatement(ref.table, toRow(event))),
          }),
        );
        return "appended";
      } catch (error) {
        if (isConflict(error)) return "conflict";
        throw error;
      }
    },
  };
}

function runOf(event: RecordedEvent): RunRef {
  return { workflow: event.workflow, tenant: event.tenant, runId: event.run_id };
}

function toRow(event: RecordedEvent): Row {
  const text = canonicalize(event);
  if (text === undefined) throw new CountersignError("CS-3403", "run log: the event cannot be written as JSON");
  const index =
    event.seq === 1
      ? { [logIndex.pk]: event.workflow, [logIndex.sk]: logIndex.started(event.at, event.tenant, event.run_id) }
      : {};
  return {
    pk: logKey.pk(runOf(event)),
    sk: logKey.sk(event.seq),
    event: text,
    type: event.type,
    at: event.at,
    ...index,
  };
}

/** A row whose event belongs elsewhere was not written by us. */
function parseStored(table: string, row: z.output<typeof storedRow>): RecordedEvent {
  const place = `${table}: ${row.pk}/${row.sk}`;
  const event = parseJson(place, row.event, recordedEvent);
  if (row.pk !== logKey.pk(runOf(event)) || row.sk !== logKey.sk(event.seq))
    throw new CountersignError("CS-3402", `${place}: holds an event of another place; restore it from a backup`);
  return event;
}

function checkAppend(events: readonly RecordedEvent[]): void {
  const [first] = events;
  if (first === undefined || events.length > MAX_EVENTS_PER_APPEND)
    throw new CountersignError(
      "CS-3403",
      `run log: ${events.length} events to append; 1 to ${MAX_EVENTS_PER_APPEND} go in one transaction`,
    );
  const pk = logKey.pk(runOf(first));
  const wrong = events.find((event, index) => logKey.pk(runOf(event)) !== pk || event.seq !== first.seq + index);
  if (wrong !== undefined)
    throw new CountersignError("CS-3403", `run log: event ${wrong.seq} does not follow within run ${first.run_id}`);
  for (const event of events) checkForm(`run log: event ${event.seq} of run ${event.run_id}`, recordedEvent, event);
}

function isConflict(error: unknown): boolean {
  if (isNamed(error, "DuplicateItemException") || isNamed(error, "TransactionConflictException")) return true;
  if (!(error instanceof TransactionCanceledException)) return false;
  const reasons = (error.CancellationReasons ?? []).flatMap(({ Code }) =>
    Code === undefined || Code === "None" ? [] : [Code],
  );
  return reasons.length > 0 && reasons.every((reason) => CONFLICT_REASONS.has(reason));
}
