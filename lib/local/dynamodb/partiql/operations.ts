/** ExecuteStatement, ExecuteTransaction and BatchExecuteStatement. */
import * as z from "zod";
import { parseRequest } from "../../services/support/request.js";
import { AwsFault, type Caller } from "../../types.js";
import type { Database, Operation } from "../database.js";
import { actionOf, hasDuplicates } from "../items.js";
import * as requests from "../requests.js";
import { readKeys } from "../tables.js";
import { found, shortCode, transactionAnswer, twice, writeTransaction } from "../transactions.js";
import { type AttributeValue, item, keyText } from "../values.js";
import type { WriteAction } from "../writes.js";
import { notModelled } from "./lexer.js";
import { parseStatement, type Statement } from "./parser.js";
import { nextToken, partitionValue, type Select, startKeyOf, toGet, toRead } from "./select.js";

interface Written {
  readonly Statement: string;
  readonly Parameters?: readonly AttributeValue[];
}
type Insert = Extract<Statement, { kind: "insert" }>;
const page = z.object({ Items: z.array(item), LastEvaluatedKey: item.optional() });
const ACTIONS = { insert: "PartiQLInsert", select: "PartiQLSelect", update: "PartiQLUpdate", delete: "PartiQLDelete" };

export const executeStatement: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.executeStatement);
  const statement = parse(input);
  authorize(db, caller, statement);
  if (statement.kind === "select") return selectPage(db, statement, input);
  if (statement.kind !== "insert") throw unmodelledWrite(statement);
  await db.writes.write(insertAction(db, statement));
  return { Items: [] };
};

export const executeTransaction: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.executeTransaction);
  const statements = input.TransactStatements.map(parse);
  for (const statement of statements) authorize(db, caller, statement, "ExecuteTransaction");
  const selects = statements.filter((statement) => statement.kind === "select");
  if (selects.length === statements.length) return selectAll(db, selects);
  const inserts = onlyInserts(statements);
  const { ClientRequestToken: token, ...request } = input;
  return db.tokens.once(token, caller, { ExecuteTransaction: request }, async () => {
    await writeTransaction(
      db,
      inserts.map((statement) => insertAction(db, statement)),
    );
    return { Responses: inserts.map(() => ({})) };
  });
};

export const batchExecuteStatement: Operation = async (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.batchExecuteStatement);
  const statements = input.Statements.map(parse);
  const reads = statements.filter((statement) => statement.kind === "select").length;
  if (reads > 0 && reads < statements.length) throw mixed();
  const responses: object[] = [];
  for (const statement of statements) responses.push(await executeOne(db, caller, statement));
  return { Responses: responses };
};

/** Statements of a batch succeed and fail one by one, refusals included. */
async function executeOne(db: Database, caller: Caller, statement: Statement): Promise<object> {
  try {
    authorize(db, caller, statement);
    if (statement.kind === "select") {
      const { input } = toGet(statement, db.tables.get(statement.table));
      return { TableName: statement.table, ...(await db.main().call("GetItem", { ...input, ConsistentRead: true })) };
    }
    if (statement.kind !== "insert") throw unmodelledWrite(statement);
    await db.writes.write(insertAction(db, statement));
    return { TableName: statement.table };
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    return { TableName: statement.table, Error: { Code: shortCode(error), Message: error.message } };
  }
}

function parse(written: Written): Statement {
  return parseStatement(written.Statement, written.Parameters ?? []);
}

function authorize(db: Database, caller: Caller, statement: Statement, enclosing?: string): void {
  const within = enclosing === undefined ? {} : { enclosing };
  const action = ACTIONS[statement.kind];
  if (statement.kind === "insert") {
    const attributes = Object.keys(statement.item);
    db.access.authorize(caller, action, statement.table, { items: [statement.item], attributes, ...within });
    return;
  }
  const index = statement.kind === "select" ? statement.index : undefined;
  const table = db.tables.find(statement.table);
  const value = table === undefined ? undefined : partitionValue(statement, readKeys(table, index));
  const partition = keyText(value);
  const conditions = statement.where.map((condition) => condition.attribute);
  const selected = statement.kind === "select" ? (statement.attributes ?? []) : [];
  db.access.authorize(caller, action, statement.table, {
    attributes: [...conditions, ...selected],
    ...(partition === undefined ? {} : { partitionValues: [partition] }),
    ...(statement.kind === "select" ? selectKeys(statement, partition === undefined) : {}),
    ...within,
  });
}

function selectKeys(statement: Select, fullTableScan: boolean) {
  const whole = statement.index === undefined ? "ALL_ATTRIBUTES" : "ALL_PROJECTED_ATTRIBUTES";
  const select = statement.attributes === undefined ? whole : "SPECIFIC_ATTRIBUTES";
  return { select, fullTableScan, ...(statement.index === undefined ? {} : { index: statement.index }) };
}

function insertAction(db: Database, statement: Insert): WriteAction {
  return actionOf(db, "insert", { TableName: statement.table, Item: statement.item }, statement.item);
}

type StatementInput = z.infer<typeof requests.executeStatement>;
async function selectPage(db: Database, statement: Select, request: StatementInput): Promise<object> {
  const parameters = request.Parameters ?? [];
  const table = db.tables.get(statement.table);
  const { operation, input } = toRead(statement, table, {
    consistent: request.ConsistentRead ?? false,
    ...(request.Limit === undefined ? {} : { limit: request.Limit }),
    ...(request.NextToken === undefined
      ? {}
      : { startKey: startKeyOf(request.NextToken, request.Statement, parameters) }),
  });
  const { Items, LastEvaluatedKey } = page.parse(await db.main().call(operation, input));
  if (LastEvaluatedKey === undefined) return { Items };
  return { Items, LastEvaluatedKey, NextToken: nextToken(request.Statement, parameters, LastEvaluatedKey) };
}

/** Reads of one transaction see one state of the tables. */
async function selectAll(db: Database, statements: readonly Select[]): Promise<object> {
  const gets = statements.map((statement) => {
    const table = db.tables.get(statement.table);
    return { table, ...toGet(statement, table) };
  });
  if (hasDuplicates(gets.map(({ table, key }) => ({ table, target: key })))) throw twice();
  return db.writes.exclusively(async () => {
    const responses: z.infer<typeof found>[] = [];
    for (const { input } of gets)
      responses.push(found.parse(await db.main().call("GetItem", { ...input, ConsistentRead: true })));
    return transactionAnswer(responses);
  });
}

function onlyInserts(statements: readonly Statement[]): readonly Insert[] {
  return statements.map((statement) => {
    if (statement.kind === "select") throw mixed();
    if (statement.kind !== "insert") throw unmodelledWrite(statement);
    return statement;
  });
}

function mixed(): AwsFault {
  return new AwsFault("ValidationException", "Statements must be either all reads or all writes");
}
function unmodelledWrite(statement: Statement): AwsFault {
  return notModelled(`${statement.kind.toUpperCase()} statements`);
}
