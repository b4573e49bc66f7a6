/** Attacks on the tables. See isolation-attacks.ts. */
import { randomUUID } from "node:crypto";
import * as ddb from "@aws-sdk/client-dynamodb";
import { type Attack, type Clients, type Targets, WORKFLOW } from "./isolation-targets.js";

const s = (value: string) => ({ S: value });

export function onLog(config: Clients, { tables: { log }, runId, logArn }: Targets): Record<string, Attack> {
  const client = new ddb.DynamoDBClient(config);
  const pk = `${WORKFLOW}#acme#${runId}`;
  const key = { pk: s(pk), sk: s("00000001") };
  const query = (value: string, index = {}, attribute = "pk") =>
    client.send(
      new ddb.QueryCommand({
        TableName: log,
        ...index,
        KeyConditionExpression: "#k = :k",
        ExpressionAttributeNames: { "#k": attribute },
        ExpressionAttributeValues: { ":k": s(value) },
      }),
    );
  const partiql = (Statement: string, ...values: string[]) => ({ Statement, Parameters: values.map(s) });
  const insert = (owner: string) =>
    partiql(`INSERT INTO "${log}" VALUE {'pk': ?, 'sk': ?, 'event': ?}`, `${owner}#acme#hostile`, randomUUID(), "{}");
  return {
    "log: query own run": () => query(pk),
    "log: query another workflow": () => query(`loan-review#acme#${runId}`),
    "log: list runs": () => query(WORKFLOW, { IndexName: "runs" }, "runs_of"),
    "log: get": () => client.send(new ddb.GetItemCommand({ TableName: log, Key: key })),
    "log: batch get": () => client.send(new ddb.BatchGetItemCommand({ RequestItems: { [log]: { Keys: [key] } } })),
    "log: scan": () => client.send(new ddb.ScanCommand({ TableName: log })),
    "log: select": () =>
      client.send(new ddb.ExecuteStatementCommand(partiql(`SELECT * FROM "${log}" WHERE pk = ?`, pk))),
    "log: insert": () => client.send(new ddb.ExecuteStatementCommand(insert(WORKFLOW))),
    "log: insert for another workflow": () => client.send(new ddb.ExecuteStatementCommand(insert("loan-review"))),
    "log: insert in a transaction": () =>
      client.send(new ddb.ExecuteTransactionCommand({ TransactStatements: [insert("loan-review"), insert(WORKFLOW)] })),
    "log: insert in a batch": () =>
      client.send(new ddb.BatchExecuteStatementCommand({ Statements: [insert("loan-review")] })),
    "log: put": () => client.send(new ddb.PutItemCommand({ TableName: log, Item: { ...key, event: s("{}") } })),
    "log: update": () =>
      client.send(new ddb.UpdateItemCommand({ TableName: log, Key: key, UpdateExpression: "REMOVE event" })),
    "log: delete": () => client.send(new ddb.DeleteItemCommand({ TableName: log, Key: key })),
    "log: batch write": () =>
      client.send(new ddb.BatchWriteItemCommand({ RequestItems: { [log]: [{ DeleteRequest: { Key: key } }] } })),
    "log: transact write": () =>
      client.send(new ddb.TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName: log, Key: key } }] })),
    "log: update by statement": () =>
      client.send(
        new ddb.ExecuteStatementCommand(
          partiql(`UPDATE "${log}" SET event = ? WHERE pk = ? AND sk = ?`, "{}", pk, "00000001"),
        ),
      ),
    "log: delete by statement": () =>
      client.send(
        new ddb.ExecuteStatementCommand(partiql(`DELETE FROM "${log}" WHERE pk = ? AND sk = ?`, pk, "00000001")),
      ),
    "log: drop its policy": () => client.send(new ddb.DeleteResourcePolicyCommand({ ResourceArn: logArn })),
    "log: let entries expire": () =>
      client.send(
        new ddb.UpdateTimeToLiveCommand({
          TableName: log,
          TimeToLiveSpecification: { Enabled: true, AttributeName: "at" },
        }),
      ),
    "log: unprotect": () =>
      client.send(new ddb.UpdateTableCommand({ TableName: log, DeletionProtectionEnabled: false })),
    "log: delete the table": () => client.send(new ddb.DeleteTableCommand({ TableName: log })),
  };
}

export function onTables(config: Clients, { tables, runId }: Targets): Record<string, Attack> {
  const client = new ddb.DynamoDBClient(config);
  const get = (table: keyof Targets["tables"], pk: string, sk: string) => () =>
    client.send(new ddb.GetItemCommand({ TableName: tables[table], Key: { pk: s(pk), sk: s(sk) } }));
  const put = (table: keyof Targets["tables"], pk: string, sk: string) => () =>
    client.send(new ddb.PutItemCommand({ TableName: tables[table], Item: { pk: s(pk), sk: s(sk) } }));
  const row = (tool: string) => `${WORKFLOW}#${tool}#acme#${runId}`;
  const decision = {
    Statement: `INSERT INTO "${tables.approvals}" VALUE {'pk': ?, 'sk': ?}`,
    Parameters: [s(`decision#${WORKFLOW}#hostile`), s(`by#${randomUUID()}`)],
  };
  const query = (pk: string) => () =>
    client.send(
      new ddb.QueryCommand({
        TableName: tables.approvals,
        KeyConditionExpression: "pk = :k",
        ExpressionAttributeValues: { ":k": s(pk) },
      }),
    );
  const mixed = [
    { Put: { TableName: tables.effects, Item: { pk: s(row("stripe.refund")), sk: s("m") } } },
    { Put: { TableName: tables.effects, Item: { pk: s(row("zendesk.reply")), sk: s("m") } } },
  ];
  return {
    "effects: read refund's": get("effects", row("stripe.refund"), "00000009"),
    "effects: read reply's": get("effects", row("zendesk.reply"), "00000009"),
    "effects: claim refund's": put("effects", row("stripe.refund"), "00000099"),
    "effects: claim reply's": put("effects", row("zendesk.reply"), "00000099"),
    "effects: claim both at once": () => client.send(new ddb.TransactWriteItemsCommand({ TransactItems: mixed })),
    "approvals: read a request and its token": query(`request#${WORKFLOW}#x`),
    "approvals: read decisions": query(`decision#${WORKFLOW}#x`),
    "approvals: read a link": query("link#x"),
    "approvals: decide": () => client.send(new ddb.ExecuteStatementCommand(decision)),
    "approvals: overwrite a decision": put("approvals", `decision#${WORKFLOW}#x`, "by#ana@example.com"),
    "approvals: forget wrong tries": put("approvals", "challenge#x", "tries"),
    "budgets: read": get("budgets", `${WORKFLOW}#acme#day#2026-05-02`, "counter"),
    "budgets: reset": put("budgets", `${WORKFLOW}#acme#hostile`, "counter"),
    "control: read the brake": get("control", `brake#${WORKFLOW}`, "brake"),
    "control: lift the brake": put("control", `brake#${WORKFLOW}`, "brake"),
    "tables: list": () => client.send(new ddb.ListTablesCommand({})),
  };
}

/** Who read sealed values, what was shredded, what was reviewed. */
export function onOversight(config: Clients, { tables: { oversight }, runId }: Targets): Record<string, Attack> {
  const client = new ddb.DynamoDBClient(config);
  const reviews = `review#${WORKFLOW}#acme#${runId}`;
  const insert = (pk: string) => () =>
    client.send(
      new ddb.ExecuteStatementCommand({
        Statement: `INSERT INTO "${oversight}" VALUE {'pk': ?, 'sk': ?}`,
        Parameters: [s(pk), s(`hostile-${randomUUID()}`)],
      }),
    );
  const query = (pk: string) => () =>
    client.send(
      new ddb.QueryCommand({
        TableName: oversight,
        KeyConditionExpression: "pk = :k",
        ExpressionAttributeValues: { ":k": s(pk) },
      }),
    );
  const Key = { pk: s("reading"), sk: s("00000001") };
  return {
    "oversight: read readings": query("reading"),
    "oversight: record a reading": insert("reading"),
    "oversight: read shreddings": query("shredding"),
    "oversight: record a shredding": insert("shredding"),
    "oversight: read reviews": query(reviews),
    "oversight: record a review": insert(reviews),
    "oversight: put": () => client.send(new ddb.PutItemCommand({ TableName: oversight, Item: Key })),
    "oversight: change": () =>
      client.send(new ddb.UpdateItemCommand({ TableName: oversight, Key, UpdateExpression: "REMOVE note" })),
    "oversight: delete": () => client.send(new ddb.DeleteItemCommand({ TableName: oversight, Key })),
    "oversight: scan": () => client.send(new ddb.ScanCommand({ TableName: oversight })),
  };
}
