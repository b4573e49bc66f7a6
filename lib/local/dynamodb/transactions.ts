/** TransactWriteItems and TransactGetItems. */
import * as z from "zod";
import { parseRequest } from "../services/support/request.js";
import { AwsFault, type Caller } from "../types.js";
import type { Database, Operation } from "./database.js";
import { topLevelAttributes } from "./expressions.js";
import { actionOf, hasDuplicates, mapsOf, touchedByKeyed } from "./items.js";
import * as requests from "./requests.js";
import { type Item, item, itemSizeBytes } from "./values.js";
import type { Rehearsal, WriteAction } from "./writes.js";

export const transactWriteItems: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.transactWriteItems);
  for (const member of input.TransactItems) authorizeMember(db, caller, member);
  const { ClientRequestToken: token, ...request } = input;
  return db.tokens.once(token, caller, { TransactWriteItems: request }, async () => {
    await writeTransaction(
      db,
      input.TransactItems.map((member) => memberAction(db, member)),
    );
    return {};
  });
};

export const transactGetItems: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.transactGetItems);
  const gets = input.TransactItems.map((member) => member.Get);
  for (const get of gets) {
    const attributes = [...Object.keys(get.Key), ...topLevelAttributes(get.ProjectionExpression, mapsOf(get))];
    db.access.authorize(caller, "GetItem", get.TableName, {
      items: [get.Key],
      attributes,
      enclosing: "TransactGetItems",
    });
  }
  const targets = gets.map((get) => ({ table: db.tables.get(get.TableName), target: get.Key }));
  if (hasDuplicates(targets)) throw twice();
  return db.writes.exclusively(async () => {
    const responses: Found[] = [];
    for (const get of gets)
      responses.push(found.parse(await db.main().call("GetItem", { ...get, ConsistentRead: true })));
    return transactionAnswer(responses);
  });
};

/** What `GetItem` answers. */
export const found = z.looseObject({ Item: item.optional() });
type Found = z.infer<typeof found>;

/** The answer of a transaction that reads. @throws AwsFault when its items are too large together */
export function transactionAnswer(responses: readonly Found[]): object {
  assertTransactionSize(responses.map(({ Item }) => Item ?? {}));
  return { Responses: responses };
}

const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;

/** Items, or for actions that name one by its key, that key. */
function assertTransactionSize(items: readonly Item[]): void {
  const sizeBytes = items.reduce((sum, each) => sum + itemSizeBytes(each), 0);
  if (sizeBytes > MAX_TRANSACTION_BYTES)
    throw new AwsFault("ValidationException", "The aggregate size of the items in the transaction cannot exceed 4 MB");
}

type Member = z.infer<typeof requests.transactWriteItem>;

function authorizeMember(db: Database, caller: Caller, member: Member): void {
  const { Put: put, Update: update, Delete: remove, ConditionCheck: check } = member;
  const enclosing = "TransactWriteItems";
  if (put !== undefined) {
    const attributes = [...Object.keys(put.Item), ...topLevelAttributes(put.ConditionExpression, mapsOf(put))];
    db.access.authorize(caller, "PutItem", put.TableName, { items: [put.Item], attributes, enclosing });
  }
  if (update !== undefined) {
    const attributes = touchedByKeyed(update, [update.UpdateExpression, update.ConditionExpression]);
    db.access.authorize(caller, "UpdateItem", update.TableName, { items: [update.Key], attributes, enclosing });
  }
  if (remove !== undefined) {
    const attributes = touchedByKeyed(remove, [remove.ConditionExpression]);
    db.access.authorize(caller, "DeleteItem", remove.TableName, { items: [remove.Key], attributes, enclosing });
  }
  if (check !== undefined) {
    const attributes = touchedByKeyed(check, [check.ConditionExpression]);
    db.access.authorize(caller, "ConditionCheckItem", check.TableName, { items: [check.Key], attributes, enclosing });
  }
}

function memberAction(db: Database, member: Member): WriteAction {
  const { Put: put, Update: update, Delete: remove, ConditionCheck: check } = member;
  const actions = [
    ...(put === undefined ? [] : [actionOf(db, "put", put, put.Item)]),
    ...(update === undefined ? [] : [actionOf(db, "update", update, update.Key)]),
    ...(remove === undefined ? [] : [actionOf(db, "delete", remove, remove.Key)]),
    ...(check === undefined ? [] : [actionOf(db, "check", check, check.Key)]),
  ];
  const [action] = actions;
  if (action !== undefined && actions.length === 1) return action;
  throw new AwsFault("ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete");
}

/** All or none. @throws AwsFault TransactionCanceledException with the reason of each action */
export async function writeTransaction(db: Database, actions: readonly WriteAction[]): Promise<void> {
  if (hasDuplicates(actions)) throw twice();
  assertTransactionSize(actions.map((action) => action.target));
  await db.writes.writeAll(actions, cancelled);
}

export function twice(): AwsFault {
  return new AwsFault("ValidationException", "Transaction request cannot include multiple operations on one item");
}

/** Errors in an expression's text concern the request, not an item: AWS refuses it before it starts the transaction. */
const ABOUT_THE_REQUEST =
  /^(?:Invalid \w+Expression|Value provided in ExpressionAttribute|ExpressionAttribute(?:Names|Values) )/;

function cancelled(rehearsals: readonly Rehearsal[]): AwsFault {
  const faults = rehearsals.flatMap((rehearsal) => (rehearsal.ok ? [] : [rehearsal.fault]));
  const aboutRequest = faults.find((fault) => ABOUT_THE_REQUEST.test(fault.message));
  if (aboutRequest !== undefined) return aboutRequest;
  const reasons = rehearsals.map((rehearsal) => (rehearsal.ok ? { Code: "None" } : reasonOf(rehearsal.fault)));
  return new AwsFault(
    "TransactionCanceledException",
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map((reason) => reason.Code).join(", ")}]`,
    400,
    { CancellationReasons: reasons },
  );
}

const CODES: Readonly<Record<string, string>> = {
  ConditionalCheckFailedException: "ConditionalCheckFailed",
  DuplicateItemException: "DuplicateItem",
  ValidationException: "ValidationError",
};
/** The short code that reasons of transactions and batches use. */
export function shortCode(fault: AwsFault): string {
  return CODES[fault.code] ?? fault.code.replace(/Exception$/, "");
}
function reasonOf(fault: AwsFault) {
  return { Code: shortCode(fault), Message: fault.message, ...fault.members };
}
