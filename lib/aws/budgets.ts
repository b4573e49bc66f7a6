/**
 * Budgets and sums of one workflow: leases per day, exposure counters, open runs, unique inputs. Needs `dynamodb:GetItem`,
 * `Query`, `PutItem`, `DeleteItem` on the workflow's partitions.
 *
 * A counter is a document that the domain computes (lib/run/exposure.ts, lib/run/budget.ts). It is written only if nobody wrote
 * since it was read, and its entries carry the run's or step's name, so that a repeat finds its own and counts once.
 */
import { DeleteItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { budgetKey } from "../run/keys.js";
import { getRow, held, parseJson, queryRows, type RowKey, type TableRef } from "./dynamo.js";

/** One document: the leases of a tenant's day, or an exposure's sum of a tenant's day. */
export type CounterRef =
  | { readonly kind: "day"; readonly tenant: string; readonly day: string }
  | { readonly kind: "exposure"; readonly tenant: string; readonly scope: string; readonly day: string };

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
  /** The document as it stands; null when there is none yet. */
  readCounter<S extends z.ZodType>(ref: CounterRef, schema: S): Promise<z.output<S> | null>;
  /**
   * Reads, computes and writes, again from the start when someone else wrote in between. `change` answers the new document, or
   * null to leave it. Answers what is stored then. Throws CS-3405 when it keeps losing.
   */
  updateCounter<S extends z.ZodType>(
    ref: CounterRef,
    schema: S,
    change: (document: z.output<S> | null) => z.output<S> | null,
  ): Promise<z.output<S> | null>;
  /** Writes the row, anew for a repeat; `false` while what an earlier try of this run took is given back. */
  insertOpen(open: OpenRun): Promise<boolean>;
  /** Keeps the run from being admitted until its row is gone; `false` when it has been admitted anew since the row was read. */
  abandonOpen(open: OpenRun): Promise<boolean>;
  readOpen(): Promise<readonly OpenRun[]>;
  readOpenRun(open: Pick<OpenRun, "tenant" | "run_id">): Promise<OpenRun | undefined>;
  deleteOpen(open: Pick<OpenRun, "tenant" | "run_id">): Promise<void>;
  /** The run that holds the unique row; undefined when it is free. */
  readUnique(tenant: string, hash: string): Promise<string | undefined>;
  /** Takes the unique row for a run: the run that holds it, which is `runId` when it was free or is a repeat. */
  takeUnique(tenant: string, hash: string, runId: string): Promise<string>;
  /** Frees the unique row if this run holds it. */
  freeUnique(tenant: string, hash: string, runId: string): Promise<void>;
}

/** Enough for two dozen writers at once, a few seconds at most. */
const MAX_ATTEMPTS = 20;
const counterRow = z.object({ revision: z.int().min(1), document: z.string() });
const uniqueRow = z.object({ run_id: z.string() });

export function dynamoBudgets(ref: TableRef, workflow: string): Budgets {
  return { ...counters(ref, workflow), ...openRuns(ref, workflow), ...uniqueInputs(ref, workflow) };
}

function counters(ref: TableRef, workflow: string): Pick<Budgets, "readCounter" | "updateCounter"> {
  const keyOf = (counter: CounterRef): RowKey => ({
    pk:
      counter.kind === "day"
        ? budgetKey.day(workflow, counter.tenant, counter.day)
        : budgetKey.exposure(workflow, counter.tenant, counter.scope, counter.day),
    sk: budgetKey.counterSk,
  });
  const read = async <S extends z.ZodType>(counter: CounterRef, schema: S) => {
    const key = keyOf(counter);
    const row = await getRow(ref, key, counterRow);
    return row === undefined
      ? { revision: 0, document: null }
      : { revision: row.revision, document: parseJson(`${ref.table}: ${key.pk}`, row.document, schema) };
  };
  const write = (counter: CounterRef, revision: number, document: unknown) =>
    held(() =>
      ref.client.send(
        new PutItemCommand({
          TableName: ref.table,
          Item: marshall({ ...keyOf(counter), revision: revision + 1, document: JSON.stringify(document) }),
          ...(revision === 0
            ? { ConditionExpression: "attribute_not_exists(pk)" }
            : {
                ConditionExpression: "revision = :read",
                ExpressionAttributeValues: marshall({ ":read": revision }),
              }),
        }),
      ),
    );
  return {
    readCounter: async (counter, schema) => (await read(counter, schema)).document,
    async updateCounter(counter, schema, change) {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const { revision, document } = await read(counter, schema);
        const changed = change(document);
        if (changed === null) return document;
        if (await write(counter, revision, changed)) return changed;
        // Losers step aside for different times, or they would lose to each other again.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
      }
      throw new CountersignError(
        "CS-3405",
        `${ref.table}: ${keyOf(counter).pk} was changed by others ${MAX_ATTEMPTS} times in a row; try again`,
      );
    },
  };
}

function openRuns(
  ref: TableRef,
  workflow: string,
): Pick<Budgets, "insertOpen" | "abandonOpen" | "readOpen" | "readOpenRun" | "deleteOpen"> {
  const keyOf = (open: Pick<OpenRun, "tenant" | "run_id">): RowKey => ({
    pk: budgetKey.open(workflow),
    sk: budgetKey.openSk(open.tenant, open.run_id),
  });
  return {
    insertOpen: (open) =>
      held(() =>
        ref.client.send(
          new PutItemCommand({
            TableName: ref.table,
            Item: marshall({ ...keyOf(open), ...open }),
            ConditionExpression: "attribute_not_exists(abandoned)",
          }),
        ),
      ),
    abandonOpen: (open) =>
      held(() =>
        ref.client.send(
          new PutItemCommand({
            TableName: ref.table,
            Item: marshall({ ...keyOf(open), ...open, abandoned: true }),
            ConditionExpression: "admitted_at = :seen",
            ExpressionAttributeValues: marshall({ ":seen": open.admitted_at }),
          }),
        ),
      ),
    readOpen: () => queryRows(ref, budgetKey.open(workflow), {}, openRun),
    readOpenRun: (open) => getRow(ref, keyOf(open), openRun),
    async deleteOpen(open) {
      await ref.client.send(new DeleteItemCommand({ TableName: ref.table, Key: marshall(keyOf(open)) }));
    },
  };
}

function uniqueInputs(ref: TableRef, workflow: string): Pick<Budgets, "readUnique" | "takeUnique" | "freeUnique"> {
  const keyOf = (tenant: string, hash: string): RowKey => ({
    pk: budgetKey.unique(workflow, tenant, hash),
    sk: budgetKey.uniqueSk,
  });
  return {
    readUnique: async (tenant, hash) => (await getRow(ref, keyOf(tenant, hash), uniqueRow))?.run_id,
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
