/**
 * Budgets and sums of one workflow: leases per day, exposure counters, open runs, unique inputs. Needs `dynamodb:GetItem`,
 * `Query`, `PutItem`, `UpdateItem`, `DeleteItem` on the workflow's partitions.
 *
 * A lease and a reservation are entries in their counter's row, named by the run or the step, so that a repeat finds its own
 * and counts once. Entries are removed when they are settled, which keeps a row small: it holds what is open now.
 */
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { budgetKey } from "../run/keys.js";
import { getRow, held, queryRows, type RowKey, type TableRef } from "./dynamo.js";

/** One sum: money or an exposure, of one tenant and day. */
export type CounterRef =
  | { readonly kind: "day"; readonly tenant: string; readonly day: string }
  | { readonly kind: "exposure"; readonly tenant: string; readonly scope: string; readonly day: string };

export interface Counter {
  /** everything counted: settled amounts and open entries */
  readonly sum: number;
  /** changes with every write; 0 when the row does not exist */
  readonly revision: number;
  /** open entries and their amounts */
  readonly entries: Readonly<Record<string, number>>;
}

export const openRun = z.object({
  tenant: z.string(),
  run_id: z.string(),
  execution_arn: z.string(),
  admitted_at: z.iso.datetime({ precision: 3 }),
  /** day whose budget holds the run's lease */
  lease_day: z.string(),
  /** of the unique row, when the contract names unique inputs */
  unique_hash: z.string().nullable(),
});
export type OpenRun = z.infer<typeof openRun>;

export interface Budgets {
  readCounter(ref: CounterRef): Promise<Counter>;
  /** Adds an entry unless the sum would exceed `limit`. Repeating an entry changes nothing and holds. */
  reserve(ref: CounterRef, entry: string, amount: number, limit: number): Promise<"reserved" | "over">;
  /** Replaces an entry's amount by what it really was (0: it did not happen) and closes it; `false` when it is not open. */
  settle(ref: CounterRef, entry: string, amount: number): Promise<boolean>;
  insertOpen(open: OpenRun): Promise<void>;
  readOpen(): Promise<readonly OpenRun[]>;
  deleteOpen(open: Pick<OpenRun, "tenant" | "run_id">): Promise<void>;
  /** Takes the unique row for a run: the run that holds it, which is `runId` when it was free or is a repeat. */
  takeUnique(tenant: string, hash: string, runId: string): Promise<string>;
  /** Frees the unique row if this run holds it. */
  freeUnique(tenant: string, hash: string, runId: string): Promise<void>;
}

const counterRow = z.object({
  counted: z.int(),
  revision: z.int(),
  entries: z.record(z.string(), z.int()),
});
const uniqueRow = z.object({ run_id: z.string() });
const EMPTY: Counter = { sum: 0, revision: 0, entries: {} };

export function dynamoBudgets(ref: TableRef, workflow: string): Budgets {
  return { ...counters(ref, workflow), ...openRuns(ref, workflow), ...uniqueInputs(ref, workflow) };
}

function counters(ref: TableRef, workflow: string): Pick<Budgets, "readCounter" | "reserve" | "settle"> {
  const keyOf = (counter: CounterRef): RowKey => ({
    pk:
      counter.kind === "day"
        ? budgetKey.day(workflow, counter.tenant, counter.day)
        : budgetKey.exposure(workflow, counter.tenant, counter.scope, counter.day),
    sk: budgetKey.counterSk,
  });
  const read = async (counter: CounterRef): Promise<Counter> => {
    const row = await getRow(ref, keyOf(counter), counterRow);
    return row === undefined ? EMPTY : { sum: row.counted, revision: row.revision, entries: row.entries };
  };
  const update = (counter: CounterRef, entry: string, expression: string, condition: string, values: object) =>
    held(() =>
      ref.client.send(
        new UpdateItemCommand({
          TableName: ref.table,
          Key: marshall(keyOf(counter)),
          UpdateExpression: expression,
          ConditionExpression: condition,
          ExpressionAttributeNames: { "#entry": entry },
          ExpressionAttributeValues: marshall({ ":one": 1, ...values }),
        }),
      ),
    );
  return {
    readCounter: read,
    async reserve(counter, entry, amount, limit) {
      if (amount > limit) return (await read(counter)).entries[entry] === undefined ? "over" : "reserved";
      await held(() =>
        ref.client.send(
          new PutItemCommand({
            TableName: ref.table,
            Item: marshall({ ...keyOf(counter), counted: 0, revision: 0, entries: {} }),
            ConditionExpression: "attribute_not_exists(pk)",
          }),
        ),
      );
      const added = await update(
        counter,
        entry,
        "SET entries.#entry = :amount, counted = counted + :amount, revision = revision + :one",
        "attribute_not_exists(entries.#entry) AND counted <= :room",
        { ":amount": amount, ":room": limit - amount },
      );
      if (added) return "reserved";
      return (await read(counter)).entries[entry] === undefined ? "over" : "reserved";
    },
    async settle(counter, entry, amount) {
      const reserved = (await read(counter)).entries[entry];
      if (reserved === undefined) return false;
      // An entry's amount never changes, so what was read is what is taken off.
      return update(
        counter,
        entry,
        "REMOVE entries.#entry SET counted = counted + :difference, revision = revision + :one",
        "attribute_exists(entries.#entry)",
        { ":difference": amount - reserved },
      );
    },
  };
}

function openRuns(ref: TableRef, workflow: string): Pick<Budgets, "insertOpen" | "readOpen" | "deleteOpen"> {
  const keyOf = (open: Pick<OpenRun, "tenant" | "run_id">): RowKey => ({
    pk: budgetKey.open(workflow),
    sk: budgetKey.openSk(open.tenant, open.run_id),
  });
  return {
    async insertOpen(open) {
      await ref.client.send(new PutItemCommand({ TableName: ref.table, Item: marshall({ ...keyOf(open), ...open }) }));
    },
    readOpen: () => queryRows(ref, budgetKey.open(workflow), {}, openRun),
    async deleteOpen(open) {
      await ref.client.send(new DeleteItemCommand({ TableName: ref.table, Key: marshall(keyOf(open)) }));
    },
  };
}

function uniqueInputs(ref: TableRef, workflow: string): Pick<Budgets, "takeUnique" | "freeUnique"> {
  const keyOf = (tenant: string, hash: string): RowKey => ({
    pk: budgetKey.unique(workflow, tenant, hash),
    sk: budgetKey.uniqueSk,
  });
  return {
    async takeUnique(tenant, hash, runId) {
      const taken = await held(() =>
        ref.client.send(
          new PutItemCommand({
            TableName: ref.table,
            Item: marshall({ ...keyOf(tenant, hash), run_id: runId }),
            ConditionExpression: "attribute_not_exists(pk) OR run_id = :run",
            ExpressionAttributeValues: marshall({ ":run": runId }),
          }),
        ),
      );
      if (taken) return runId;
      const holder = await getRow(ref, keyOf(tenant, hash), uniqueRow);
      // The holder let go between the two calls: try again, it is free now.
      return holder === undefined ? this.takeUnique(tenant, hash, runId) : holder.run_id;
    },
    async freeUnique(tenant, hash, runId) {
      await held(() =>
        ref.client.send(
          new DeleteItemCommand({
            TableName: ref.table,
            Key: marshall(keyOf(tenant, hash)),
            ConditionExpression: "run_id = :run",
            ExpressionAttributeValues: marshall({ ":run": runId }),
          }),
        ),
      );
    },
  };
}
