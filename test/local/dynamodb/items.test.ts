import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AwsFault } from "../../../lib/local/types.js";
import { type Cloud, COUNTERS_TABLE, faultOf, key, LOG_TABLE, startCloud } from "./fixtures.js";

let cloud: Cloud;
let db: DynamoDBClient;
beforeAll(async () => {
  cloud = await startCloud();
  db = cloud.as("admin");
  await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
  await cloud.create("AWS::DynamoDB::Table", "Counters", COUNTERS_TABLE);
});
afterAll(() => cloud.close());
beforeEach(async () => {
  await cloud.engine.reset();
  cloud.changes.length = 0;
});

const put = (pk: string, sk: string, more = {}) =>
  db.send(new PutItemCommand({ TableName: "log", Item: { ...key(pk, sk), ...more } }));
const get = async (pk: string, sk: string) =>
  (await db.send(new GetItemCommand({ TableName: "log", Key: key(pk, sk), ConsistentRead: true }))).Item;

describe("one item", () => {
  it("is put, read, updated and deleted, with return values", async () => {
    await put("a", "1", { n: { N: "1" }, kind: { S: "k" } });
    const updated = await db.send(
      new UpdateItemCommand({
        TableName: "log",
        Key: key("a", "1"),
        UpdateExpression: "SET #n = #n + :one",
        ExpressionAttributeNames: { "#n": "n" },
        ExpressionAttributeValues: { ":one": { N: "1" } },
        ReturnValues: "UPDATED_NEW",
      }),
    );
    expect(updated.Attributes).toEqual({ n: { N: "2" } });
    expect(await get("a", "1")).toEqual({ ...key("a", "1"), n: { N: "2" }, kind: { S: "k" } });
    const deleted = await db.send(
      new DeleteItemCommand({ TableName: "log", Key: key("a", "1"), ReturnValues: "ALL_OLD" }),
    );
    expect(deleted.Attributes?.n).toEqual({ N: "2" });
    expect(await get("a", "1")).toBeUndefined();
  });

  it("honours conditions and hands out the old item on request", async () => {
    await put("a", "1", { n: { N: "1" } });
    const again = await faultOf(
      db.send(
        new PutItemCommand({
          TableName: "log",
          Item: { ...key("a", "1"), n: { N: "9" } },
          ConditionExpression: "attribute_not_exists(pk)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      ),
    );
    expect(again).toMatchObject({
      name: "ConditionalCheckFailedException",
      message: "The conditional request failed",
      Item: { n: { N: "1" } },
    });
    expect(await get("a", "1")).toMatchObject({ n: { N: "1" } });
  });

  it("refuses items over 400 KB, also by way of an update", async () => {
    const large = { S: "x".repeat(400 * 1024) };
    expect(await faultOf(put("a", "1", { large }))).toMatchObject({
      name: "ValidationException",
      message: "Item size has exceeded the maximum allowed size",
    });
    const update = new UpdateItemCommand({
      TableName: "log",
      Key: key("a", "1"),
      UpdateExpression: "SET v = :v",
      ExpressionAttributeValues: { ":v": large },
    });
    expect((await faultOf(db.send(update))).name).toBe("ValidationException");
    expect(await get("a", "1")).toBeUndefined();
    await put("a", "1", { large: { S: "x".repeat(399 * 1024) } });
    expect((await get("a", "1"))?.large?.S).toHaveLength(399 * 1024);
  });

  it("says what is wrong with a key", async () => {
    const wrong = new GetItemCommand({ TableName: "log", Key: { pk: { S: "a" } } });
    expect((await faultOf(db.send(wrong))).message).toBe("The provided key element does not match the schema");
    const missing = new PutItemCommand({ TableName: "log", Item: { pk: { S: "a" } } });
    expect((await faultOf(db.send(missing))).message).toBe(
      "One or more parameter values were invalid: Missing the key sk in the item",
    );
    const type = new PutItemCommand({ TableName: "log", Item: { pk: { S: "a" }, sk: { N: "1" } } });
    expect((await faultOf(db.send(type))).message).toMatch(
      /^One or more parameter values were invalid: Type mismatch for key sk/,
    );
    const table = new GetItemCommand({ TableName: "ghost", Key: key("a", "1") });
    expect((await faultOf(db.send(table))).name).toBe("ResourceNotFoundException");
  });

  it("keeps equal numbers apart from nothing: 1.0 is 1", async () => {
    await db.send(new PutItemCommand({ TableName: "counters", Item: { id: { N: "1.0" }, v: { S: "x" } } }));
    const found = await db.send(new GetItemCommand({ TableName: "counters", Key: { id: { N: "1" } } }));
    expect(found.Item).toEqual({ id: { N: "1" }, v: { S: "x" } });
  });

  it("lets a hundred conditional increments at once all count", async () => {
    await put("a", "1", { n: { N: "0" } });
    const add = () =>
      db.send(
        new UpdateItemCommand({
          TableName: "log",
          Key: key("a", "1"),
          UpdateExpression: "ADD n :one",
          ExpressionAttributeValues: { ":one": { N: "1" } },
        }),
      );
    await Promise.all(Array.from({ length: 100 }, add));
    expect(await get("a", "1")).toMatchObject({ n: { N: "100" } });
  });
});

describe("queries", () => {
  beforeEach(async () => {
    for (const sk of ["1", "2", "3"]) await put("a", sk, { kind: { S: sk === "2" ? "even" : "odd" } });
    await put("b", "1", { kind: { S: "odd" } });
  });
  const sks = (items: readonly Record<string, { S?: string }>[] | undefined) => items?.map((item) => item.sk?.S);

  it("page through a partition in order", async () => {
    const page = {
      TableName: "log",
      KeyConditionExpression: "pk = :p",
      ExpressionAttributeValues: { ":p": { S: "a" } },
      Limit: 2,
    };
    const first = await db.send(new QueryCommand(page));
    expect(sks(first.Items)).toEqual(["1", "2"]);
    const rest = await db.send(new QueryCommand({ ...page, ExclusiveStartKey: first.LastEvaluatedKey }));
    expect(sks(rest.Items)).toEqual(["3"]);
    expect(rest.LastEvaluatedKey).toBeUndefined();
  });

  it("go by an index, and see only what is left of it", async () => {
    const odd = new QueryCommand({
      TableName: "log",
      IndexName: "by-kind",
      KeyConditionExpression: "kind = :k",
      ExpressionAttributeValues: { ":k": { S: "odd" } },
    });
    expect((await db.send(odd)).Count).toBe(3);
    await db.send(new DeleteItemCommand({ TableName: "log", Key: key("b", "1") }));
    expect((await db.send(odd)).Count).toBe(2);
  });

  it("need the partition key in a form that the IAM check can see", async () => {
    const ask = (KeyConditionExpression: string) =>
      faultOf(
        db.send(
          new QueryCommand({
            TableName: "log",
            KeyConditionExpression,
            ExpressionAttributeValues: { ":p": { S: "a" } },
          }),
        ),
      );
    expect((await ask("sk = :p")).message).toBe("Query condition missed key schema element: pk");
    expect((await ask("begins_with(pk, :p)")).message).toBe("Query condition missed key schema element: pk");
  });

  it("scan the whole table", async () => {
    expect((await db.send(new ScanCommand({ TableName: "log" }))).Count).toBe(4);
  });
});

describe("batches", () => {
  it("write and read up to their limits", async () => {
    const requests = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: key("a", String(n)) } }));
    const written = await db.send(new BatchWriteItemCommand({ RequestItems: { log: requests } }));
    expect(written.UnprocessedItems).toEqual({});
    const Keys = [key("a", "3"), key("a", "99")];
    const found = await db.send(new BatchGetItemCommand({ RequestItems: { log: { Keys } } }));
    expect(found.Responses?.log).toEqual([key("a", "3")]);
    const more = [...requests, { DeleteRequest: { Key: key("a", "x") } }];
    expect((await faultOf(db.send(new BatchWriteItemCommand({ RequestItems: { log: more } })))).name).toBe(
      "ValidationException",
    );
  });

  it("refuse an item twice, and write nothing then", async () => {
    const log = [{ PutRequest: { Item: key("a", "1") } }, { DeleteRequest: { Key: key("a", "1") } }];
    const fault = await faultOf(db.send(new BatchWriteItemCommand({ RequestItems: { log } })));
    expect(fault.message).toBe("Provided list of item keys contains duplicates");
    expect(cloud.changes).toEqual([]);
  });
});

describe("the stream hook", () => {
  it("sees every change with both images, and nothing that failed", async () => {
    await put("a", "1", { n: { N: "1" } });
    await put("a", "1", { n: { N: "2" } });
    await db.send(new DeleteItemCommand({ TableName: "log", Key: key("a", "1") }));
    await db.send(new DeleteItemCommand({ TableName: "log", Key: key("a", "nothing") }));
    await faultOf(
      db.send(
        new DeleteItemCommand({ TableName: "log", Key: key("a", "1"), ConditionExpression: "attribute_exists(pk)" }),
      ),
    );
    expect(cloud.changes.map(({ before, after }) => [before?.n, after?.n])).toEqual([
      [undefined, { N: "1" }],
      [{ N: "1" }, { N: "2" }],
      [{ N: "2" }, undefined],
    ]);
  });
});

describe("hostile input", () => {
  const caller = { principalArn: "arn:aws:iam::111111111111:role/x", sessionArn: "s", accountId: "111111111111" };
  const raw = (operation: string, body: string) =>
    faultOf(
      cloud.engine.handle({
        service: "dynamodb",
        caller,
        method: "POST",
        path: "/",
        query: new URLSearchParams(),
        headers: {},
        body: Buffer.from(body),
        operation,
      }),
    );
  const nested = (depth: number) => `${'{"M":{"a":'.repeat(depth)}{"S":"x"}${"}}".repeat(depth)}`;

  it.each([
    ["no JSON", "GetItem", "{"],
    ["a list", "GetItem", "[]"],
    ["null as a value", "GetItem", '{"TableName":"log","Key":{"pk":null}}'],
    ["two types in a value", "GetItem", '{"TableName":"log","Key":{"pk":{"S":"a","N":"1"}}}'],
    [
      "an attribute __proto__",
      "PutItem",
      '{"TableName":"log","Item":{"pk":{"S":"a"},"sk":{"S":"a"},"__proto__":{"S":"x"}}}',
    ],
    ["nesting beyond 32", "PutItem", `{"TableName":"log","Item":{"pk":{"S":"a"},"sk":{"S":"a"},"d":${nested(40)}}}`],
    ["nesting made to overflow", "PutItem", `{"TableName":"log","Item":{"d":${nested(3000)}}}`],
    [
      "a legacy condition",
      "PutItem",
      '{"TableName":"log","Item":{"pk":{"S":"a"},"sk":{"S":"a"}},"Expected":{"pk":{"Exists":false}}}',
    ],
    ["an unknown operation", "CreateBackup", "{}"],
    ["an empty statement", "ExecuteStatement", '{"Statement":""}'],
  ])("%s is a fault of the caller", async (_name, operation, body) => {
    const fault = await raw(operation, body);
    expect(fault).toBeInstanceOf(AwsFault);
    expect(fault).toMatchObject({ status: 400 });
  });
});

it("has nothing left after a reset", async () => {
  await put("a", "1", { v: { S: "x" } });
  await cloud.engine.reset();
  expect(await get("a", "1")).toBeUndefined();
});
