/**
 * Budgets and sums of one workflow: leases per day, exposure counters, open runs, unique inputs. Needs `dynamodb:GetItem`,
 * `Query`, `PutItem`, `UpdateItem`, `DeleteItem` on the workflow's partitions; what is taken for a run also `ConditionCheckItem` on its open rows.
 *
 * A counter is a document that the domain computes (lib/run/exposure.ts, lib/run/budget.ts). It is written only if nobody wrote
 * since it was read, and its entries carry the run's or step's name, so that a repeat finds its own and counts once.
 */
import {
  DeleteItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { budgetKey } from "../run/keys.js";
import { getRow, held, isNamed, parseJson, parseRow, queryRows, type RowKey, type TableRef } from "./dynamo.js";

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
  /** `updateCounter` of the day that the open row names, as long as that row stands: undefined once it is being given back. */
  leaseDay<S extends z.ZodType>(
    open: OpenRun,
    schema: S,
    change: (document: z.output<S> | null) => z.output<S> | null,
  ): Promise<z.output<S> | null | undefined>;
  /**
   * Writes the row, anew for a repeat, which keeps the day that the first one leased from. Answers what stands then; undefined while what an earlier try of
   * this run took is given back.
   */
  enterOpen(open: OpenRun): Promise<OpenRun | undefined>;
  /** From here on nothing more is taken for this run until its row is gone; `false` when it has been entered anew since the row was read. */
  abandonOpen(open: OpenRun): Promise<boolean>;
  readOpen(): Promise<readonly OpenRun[]>;
  readOpenRun(open: Pick<OpenRun, "tenant" | "run_id">): Promise<OpenRun | undefined>;
  deleteOpen(open: Pick<OpenRun, "tenant" | "run_id">): Promise<void>;
  /** The run that holds the unique row; undefined when it is free. */
  readUnique(tenant: string, hash: string): Promise<string | undefined>;
  /**
   * Takes the unique row that the open row names: the run that holds it, which is this one when it was free or is a repeat. As long as the open row
   * stands: undefined once it is being given back.
   */
  takeUnique(open: OpenRun, hash: string): Promise<string | undefined>;
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

const openKeyOf = (workflow: string, open: Pick<OpenRun, "tenant" | "run_id">): RowKey => ({
  pk: budgetKey.open(workflow),
  sk: budgetKey.openSk(open.tenant, open.run_id),
});

/**
 * Puts a row for a run as long as the run's open row stands. Without that, a repeat that comes late would take a lease or a unique row
 * after they were given back, and nobody would ever come for it.
 */
async function putWhileOpen(
  ref: TableRef,
  workflow: string,
  open: OpenRun,
  put: Pick<PutItemCommandInput, "Item" | "ConditionExpression" | "ExpressionAttributeValues"> & {
    Item: PutItemCommandInput["Item"];
  },
): Promise<"put" | "lost" | "given back"> {
  const check = {
    TableName: ref.table,
    Key: marshall(openKeyOf(workflow, open)),
    ConditionExpression: "attribute_exists(pk) AND attribute_not_exists(abandoned)",
  };
  try {
    await ref.client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ ConditionCheck: check }, { Put: { TableName: ref.table, ...put } }],
      }),
    );
    return "put";
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const [stands, written] = (error.CancellationReasons ?? []).map(({ Code }) => Code);
    if (stands === "ConditionalCheckFailed") return "given back";
    if (written === "ConditionalCheckFailed" || [stands, written].includes("TransactionConflict")) return "lost";
    throw error;
  }
}

function counters(ref: TableRef, workflow: string): Pick<Budgets, "readCounter" | "updateCounter" | "leaseDay"> {
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
  const putOf = (counter: CounterRef, revision: number, document: unknown) => ({
    Item: marshall({ ...keyOf(counter), revision: revision + 1, document: JSON.stringify(document) }),
    ...(revision === 0
      ? { ConditionExpression: "attribute_not_exists(pk)" }
      : { ConditionExpression: "revision = :read", ExpressionAttributeValues: marshall({ ":read": revision }) }),
  });
  type Put = ReturnType<typeof putOf>;
  const update = async <S extends z.ZodType>(
    counter: CounterRef,
    schema: S,
    change: (document: z.output<S> | null) => z.output<S> | null,
    write: (put: Put) => Promise<"put" | "lost" | "given back">,
  ) => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { revision, document } = await read(counter, schema);
      const changed = change(document);
      if (changed === null) return document;
      const written = await write(putOf(counter, revision, changed));
      if (written === "put") return changed;
      if (written === "given back") return undefined;
      // Losers step aside for different times, or they would lose to each other again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
    throw new CountersignError(
      "CS-3405",
      `${ref.table}: ${keyOf(counter).pk} was changed by others ${MAX_ATTEMPTS} times in a row; try again`,
    );
  };
  return {
    readCounter: async (counter, schema) => (await read(counter, schema)).document,
    updateCounter: async (counter, schema, change) =>
      (await update(counter, schema, change, async (put) =>
        (await held(() => ref.client.send(new PutItemCommand({ TableName: ref.table, ...put })))) ? "put" : "lost",
      )) ?? null,
    leaseDay: (open, schema, change) =>
      update({ kind: "day", tenant: open.tenant, day: open.lease_day }, schema, change, (put) =>
        putWhileOpen(ref, workflow, open, put),
      ),
  };
}

function openRuns(
  ref: TableRef,
  workflow: string,
): Pick<Budgets, "enterOpen" | "abandonOpen" | "readOpen" | "readOpenRun" | "deleteOpen"> {
  const keyOf = (open: Pick<OpenRun, "tenant" | "run_id">) => openKeyOf(workflow, open);
  return {
    async enterOpen(open) {
      const { tenant, run_id, lease_day, ...anew } = open;
      try {
        const { Attributes = {} } = await ref.client.send(
          new UpdateItemCommand({
            TableName: ref.table,
            Key: marshall(keyOf(open)),
            UpdateExpression:
              "SET tenant = :tenant, run_id = :run, execution_arn = :arn, admitted_at = :at, unique_hash = :hash, lease_day = if_not_exists(lease_day, :day)",
            ConditionExpression: "attribute_not_exists(abandoned)",
            ExpressionAttributeValues: marshall({
              ":tenant": tenant,
              ":run": run_id,
              ":arn": anew.execution_arn,
              ":at": anew.admitted_at,
              ":hash": anew.unique_hash,
              ":day": lease_day,
            }),
            ReturnValues: "ALL_NEW",
          }),
        );
        return parseRow(`${ref.table}: ${keyOf(open).sk}`, unmarshall(Attributes), openRun);
      } catch (error) {
        if (isNamed(error, "ConditionalCheckFailedException")) return undefined;
        throw error;
      }
    },
    abandonOpen: (open) =>
      held(() =>
        ref.client.send(
          new UpdateItemCommand({
            TableName: ref.table,
            Key: marshall(keyOf(open)),
            UpdateExpression: "SET abandoned = :yes",
            ConditionExpression: "admitted_at = :seen",
            ExpressionAttributeValues: marshall({ ":yes": true, ":seen": open.admitted_at }),
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
    async takeUnique(open, hash) {
      const { tenant, run_id: runId } = open;
      const taken = await putWhileOpen(ref, workflow, open, {
        Item: marshall({ ...keyOf(tenant, hash), run_id: runId }),
        ConditionExpression: "attribute_not_exists(pk) OR run_id = :run",
        ExpressionAttributeValues: marshall({ ":run": runId }),
      });
      if (taken === "put") return runId;
      if (taken === "given back") return undefined;
      const holder = await getRow(ref, keyOf(tenant, hash), uniqueRow);
      // The holder let go between the two calls: try again, it is free now.
      return holder === undefined ? this.takeUnique(open, hash) : holder.run_id;
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
