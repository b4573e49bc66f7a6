/**
 * DynamoDB of the embedded cloud: dynalite, and in front of it what dynalite lacks: IAM, transactions, PartiQL, resource
 * policies, deletion protection, table settings and durable items.
 *
 * Not modelled: capacity, backups to restore from, TTL deletion, the use of a table's KMS key.
 */
import { join } from "node:path";
import { CountersignError } from "../../errors.js";
import { where } from "../services/support/properties.js";
import { unknownOperation } from "../services/support/request.js";
import type { CloudContext, CreatedResource, Engine, ResourceRequest } from "../types.js";
import { createAccess } from "./access.js";
import type { Database, Operation } from "./database.js";
import * as items from "./items.js";
import { openJournal } from "./journal.js";
import { batchExecuteStatement, executeStatement, executeTransaction } from "./partiql/operations.js";
import * as settings from "./settings.js";
import { openStore, type Store } from "./store.js";
import type { Streams } from "./streams.js";
import { type Table, type TableDefinition, Tables } from "./tables.js";
import { fromGlobalTable, fromTable, type Place } from "./template.js";
import { IdempotencyTokens } from "./tokens.js";
import { transactGetItems, transactWriteItems } from "./transactions.js";
import { createWrites, type ItemChange } from "./writes.js";

export type { ItemChange } from "./writes.js";

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ["GetItem", items.getItem],
  ["PutItem", items.putItem],
  ["UpdateItem", items.updateItem],
  ["DeleteItem", items.deleteItem],
  ["Query", items.query],
  ["Scan", items.scan],
  ["BatchGetItem", items.batchGetItem],
  ["BatchWriteItem", items.batchWriteItem],
  ["TransactGetItems", transactGetItems],
  ["TransactWriteItems", transactWriteItems],
  ["ExecuteStatement", executeStatement],
  ["ExecuteTransaction", executeTransaction],
  ["BatchExecuteStatement", batchExecuteStatement],
  ["DescribeTable", settings.describeTable],
  ["ListTables", settings.listTables],
  ["CreateTable", settings.createTable],
  ["UpdateTable", settings.updateTable],
  ["DeleteTable", settings.deleteTable],
  ["DescribeTimeToLive", settings.describeTimeToLive],
  ["UpdateTimeToLive", settings.updateTimeToLive],
  ["DescribeContinuousBackups", settings.describeContinuousBackups],
  ["UpdateContinuousBackups", settings.updateContinuousBackups],
  ["GetResourcePolicy", settings.getResourcePolicy],
  ["PutResourcePolicy", settings.putResourcePolicy],
  ["DeleteResourcePolicy", settings.deleteResourcePolicy],
  ["ListTagsOfResource", settings.listTagsOfResource],
]);

export interface DynamoDbOptions {
  /** every committed change, in order; an observer must not throw */
  readonly onCommit?: (changes: readonly ItemChange[]) => void;
  /** takes the changes of tables with a stream */
  readonly streams?: Streams;
}

/**
 * The `dynamodb` engine. With `ctx.dataDir` items outlive the process in `<dataDir>/dynamodb`.
 * @throws CountersignError CS-4024 (damaged journal), CS-4025 (data folder in use)
 */
export async function createDynamoDbEngine(ctx: CloudContext, options: DynamoDbOptions = {}): Promise<Engine> {
  const tables = new Tables();
  const journal = ctx.dataDir === undefined ? undefined : openJournal(join(ctx.dataDir, "dynamodb"));
  const tokens = new IdempotencyTokens(() => ctx.clock.now());
  const arnOf = (name: string) => `arn:aws:dynamodb:${ctx.region}:${ctx.accountId}:table/${name}`;
  const place = (): Place => ({ region: ctx.region, nowMs: ctx.clock.now(), arnOf });
  let stores = { main: openStore(), rehearsal: openStore() };
  const writes = createWrites({
    main: () => stores.main,
    rehearsal: () => stores.rehearsal,
    journal,
    onCommit: (changes) => {
      options.streams?.add(changes);
      options.onCommit?.(changes);
    },
  });
  const db: Database = {
    ctx,
    tables,
    access: createAccess(ctx.iam, tables, arnOf),
    writes,
    tokens,
    main: () => stores.main,
    createTable: (name, properties) =>
      writes.exclusively(async () => {
        const request = { ...BY_CALL, logicalId: name, defaultName: name, properties };
        const table = tables.define(fromTable(request, place()), "call");
        // Such a table lives as long as the process: an earlier one's items are not its own.
        journal?.drop(name);
        await createIn(stores, table);
        return table;
      }),
    dropTable: (name) =>
      writes.exclusively(async () => {
        journal?.drop(name);
        tables.drop(name);
        await Promise.all(
          [stores.main, stores.rehearsal].map((store) => store.call("DeleteTable", { TableName: name })),
        );
      }),
  };

  async function create(
    request: ResourceRequest,
    read: (request: ResourceRequest, place: Place) => TableDefinition,
  ): Promise<CreatedResource> {
    const definition = read(request, place());
    if (tables.find(definition.name) !== undefined) {
      throw new CountersignError(
        "CS-4021",
        `${where(request)}: the table name ${definition.name} is taken by another resource; give one of them another name`,
        { logicalId: request.logicalId, property: "TableName" },
      );
    }
    const table = tables.define(definition);
    await createIn(stores, table);
    await restore(stores.main, table, journal?.takeItems(table.name) ?? [], request);
    const { streamArn } = table;
    if (streamArn !== undefined) options.streams?.open(streamArn);
    const stream = streamArn === undefined ? {} : { StreamArn: streamArn };
    return { ref: table.name, attributes: { Arn: table.arn, TableId: table.id, ...stream } };
  }

  return {
    service: "dynamodb",
    async handle(call) {
      const operation = OPERATIONS.get(call.operation ?? "");
      if (operation === undefined) throw unknownOperation("dynamodb", call.operation ?? "", [...OPERATIONS.keys()]);
      return { status: 200, body: await operation(db, call.body, call.caller) };
    },
    resources: {
      "AWS::DynamoDB::GlobalTable": (request) => create(request, fromGlobalTable),
      "AWS::DynamoDB::Table": (request) => create(request, fromTable),
    },
    reset: () =>
      writes.exclusively(async () => {
        const fresh = { main: openStore(), rehearsal: openStore() };
        await Promise.all(tables.restoreDefinitions().map((table) => createIn(fresh, table)));
        journal?.clear();
        tokens.clear();
        options.streams?.clear();
        stores = fresh;
      }),
    async close() {
      await writes.exclusively(async () => journal?.close());
    },
  };
}

/** A table that no template makes, as messages name it. */
const BY_CALL = { type: "AWS::DynamoDB::Table", stackName: "(CreateTable)", metadata: {} };

async function createIn(stores: Readonly<Record<string, Store>>, table: Table): Promise<void> {
  await Promise.all(Object.values(stores).map((store) => store.createTable(table.name, table.schema)));
}

/** Puts back what the journal held. @throws CountersignError CS-4026 when it does not fit the table any more */
async function restore(store: Store, table: Table, found: readonly object[], request: ResourceRequest): Promise<void> {
  for (const Item of found) {
    await store.call("PutItem", { TableName: table.name, Item }).catch((cause: unknown) => {
      throw new CountersignError(
        "CS-4026",
        `${where(request)}: an item kept from the last start does not fit the table ${table.name}: ${String(cause)}; start with --fresh to begin empty, or undo the change of its keys`,
        { logicalId: request.logicalId, table: table.name },
      );
    });
  }
}
