/** GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan and the batches. */
import type * as z from "zod";
import { parseRequest } from "../services/support/request.js";
import { AwsFault } from "../types.js";
import type { Database, Operation } from "./database.js";
import { type ExpressionMaps, equalValues, topLevelAttributes } from "./expressions.js";
import * as requests from "./requests.js";
import { readKeys } from "./tables.js";
import { type AttributeValue, type Item, keyId, keyOf, keyText } from "./values.js";
import type { WriteAction } from "./writes.js";

export const getItem: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.getItem);
  const attributes = [...Object.keys(input.Key), ...topLevelAttributes(input.ProjectionExpression, mapsOf(input))];
  db.access.authorize(caller, "GetItem", input.TableName, { items: [input.Key], attributes });
  return db.main().call("GetItem", input);
};

export const putItem: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.putItem);
  const attributes = [...Object.keys(input.Item), ...topLevelAttributes(input.ConditionExpression, mapsOf(input))];
  const returnValues = input.ReturnValues ?? "NONE";
  db.access.authorize(caller, "PutItem", input.TableName, { items: [input.Item], attributes, returnValues });
  return db.writes.write(actionOf(db, "put", input, input.Item));
};

export const updateItem: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.updateItem);
  const attributes = touchedByKeyed(input, [input.UpdateExpression, input.ConditionExpression]);
  const returnValues = input.ReturnValues ?? "NONE";
  db.access.authorize(caller, "UpdateItem", input.TableName, { items: [input.Key], attributes, returnValues });
  return db.writes.write(actionOf(db, "update", input, input.Key));
};

export const deleteItem: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.deleteItem);
  const attributes = touchedByKeyed(input, [input.ConditionExpression]);
  const returnValues = input.ReturnValues ?? "NONE";
  db.access.authorize(caller, "DeleteItem", input.TableName, { items: [input.Key], attributes, returnValues });
  return db.writes.write(actionOf(db, "delete", input, input.Key));
};

export const query: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.query);
  const maps = mapsOf(input);
  const table = db.tables.find(input.TableName);
  const partition = table === undefined ? undefined : readKeys(table, input.IndexName).partition;
  const values = partition === undefined ? [] : equalValues(input.KeyConditionExpression, partition, maps);
  db.access.authorize(caller, "Query", input.TableName, {
    ...touchedByRead(input, [input.KeyConditionExpression]),
    partitionValues: values.flatMap((value) => keyText(value) ?? []),
  });
  // The check must have seen the partition that is read.
  if (partition !== undefined && values.length === 0) {
    throw new AwsFault("ValidationException", `Query condition missed key schema element: ${partition}`);
  }
  return db.main().call("Query", input);
};

export const scan: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.scan);
  db.access.authorize(caller, "Scan", input.TableName, touchedByRead(input, []));
  return db.main().call("Scan", input);
};

export const batchGetItem: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.batchGetItem);
  for (const [name, request] of Object.entries(input.RequestItems)) {
    const keyNames = request.Keys.flatMap((key) => Object.keys(key));
    const attributes = [...keyNames, ...topLevelAttributes(request.ProjectionExpression, mapsOf(request))];
    db.access.authorize(caller, "BatchGetItem", name, { items: request.Keys, attributes });
  }
  return db.main().call("BatchGetItem", input);
};

type WriteRequest = z.infer<typeof requests.batchWriteItem>["RequestItems"][string][number];
const targetOf = (request: WriteRequest): Item =>
  "PutRequest" in request ? request.PutRequest.Item : request.DeleteRequest.Key;

export const batchWriteItem: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.batchWriteItem);
  for (const [name, list] of Object.entries(input.RequestItems)) {
    const items = list.map(targetOf);
    db.access.authorize(caller, "BatchWriteItem", name, {
      items,
      attributes: items.flatMap((item) => Object.keys(item)),
    });
  }
  const actions = Object.entries(input.RequestItems).flatMap(([name, list]) =>
    list.map((request) => batchAction(db, name, request)),
  );
  if (actions.length > 25) {
    throw new AwsFault("ValidationException", "Too many items requested for the BatchWriteItem call");
  }
  if (hasDuplicates(actions))
    throw new AwsFault("ValidationException", "Provided list of item keys contains duplicates");
  await db.writes.writeAll(actions, (rehearsals) => {
    for (const rehearsal of rehearsals) if (!rehearsal.ok) return rehearsal.fault;
    return new AwsFault("InternalServerError", "a batch failed without a reason", 500);
  });
  return { UnprocessedItems: {} };
};

function batchAction(db: Database, name: string, request: WriteRequest): WriteAction {
  const target = targetOf(request);
  return "PutRequest" in request
    ? actionOf(db, "put", { TableName: name, Item: target }, target)
    : actionOf(db, "delete", { TableName: name, Key: target }, target);
}

/** Whether two actions go for one item. Keys that are incomplete are somebody else's error. */
export function hasDuplicates(
  actions: readonly { readonly table: WriteAction["table"]; readonly target: Item }[],
): boolean {
  const ids = actions.flatMap(({ table, target }) => {
    const key = keyOf(table.keys, target);
    return key === undefined ? [] : [`${table.name} ${keyId(table.keys, key)}`];
  });
  return new Set(ids).size < ids.length;
}

interface WriteInput {
  readonly TableName: string;
  readonly ReturnValuesOnConditionCheckFailure?: "ALL_OLD" | "NONE";
}

/** The action of an input. @throws AwsFault ResourceNotFoundException */
export function actionOf<Input extends WriteInput>(
  db: Database,
  kind: WriteAction["kind"],
  request: Input,
  target: Item,
): WriteAction {
  const { ReturnValuesOnConditionCheckFailure: onFailure, ...input } = request;
  return { kind, table: db.tables.get(request.TableName), target, input, returnOldOnFailure: onFailure === "ALL_OLD" };
}

interface WithMaps {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>>;
}
export function mapsOf(input: WithMaps): ExpressionMaps {
  return { names: input.ExpressionAttributeNames ?? {}, values: input.ExpressionAttributeValues ?? {} };
}

/** The attributes of a request that names an item by its key. */
export function touchedByKeyed(input: WithMaps & { readonly Key: Item }, expressions: readonly (string | undefined)[]) {
  const maps = mapsOf(input);
  return [...Object.keys(input.Key), ...expressions.flatMap((expression) => topLevelAttributes(expression, maps))];
}

interface ReadInput extends WithMaps {
  readonly IndexName?: string;
  readonly ProjectionExpression?: string;
  readonly FilterExpression?: string;
  readonly Select?: string;
}
function touchedByRead(input: ReadInput, expressions: readonly string[]) {
  const maps = mapsOf(input);
  const all = [input.ProjectionExpression, input.FilterExpression, ...expressions];
  const whole = input.IndexName === undefined ? "ALL_ATTRIBUTES" : "ALL_PROJECTED_ATTRIBUTES";
  return {
    attributes: all.flatMap((expression) => topLevelAttributes(expression, maps)),
    select: input.Select ?? (input.ProjectionExpression === undefined ? whole : "SPECIFIC_ATTRIBUTES"),
    ...(input.IndexName === undefined ? {} : { index: input.IndexName }),
  };
}
