import {
  type DynamoDBClient,
  ExecuteTransactionCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

const write = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
  db.send(new TransactWriteItemsCommand({ TransactItems, ...(ClientRequestToken ? { ClientRequestToken } : {}) }));
const putOf = (pk: string, sk: string, more = {}): TransactWriteItem => ({
  Put: { TableName: "log", Item: { ...key(pk, sk), ...more }, ConditionExpression: "attribute_not_exists(pk)" },
});
const count = async () => (await db.send(new ScanCommand({ TableName: "log" }))).Count;

describe("TransactWriteItems", () => {
  it("does all of several actions over several tables", async () => {
    await db.send(new PutItemCommand({ TableName: "log", Item: key("old", "1") }));
    await write([
      putOf("a", "1"),
      {
        Update: {
          TableName: "counters",
          Key: { id: { N: "7" } },
          UpdateExpression: "ADD n :one",
          ExpressionAttributeValues: { ":one": { N: "1" } },
        },
      },
      { Delete: { TableName: "log", Key: key("old", "1") } },
      { ConditionCheck: { TableName: "log", Key: key("x", "1"), ConditionExpression: "attribute_not_exists(pk)" } },
    ]);
    const counter = await db.send(new GetItemCommand({ TableName: "counters", Key: { id: { N: "7" } } }));
    expect(counter.Item).toEqual({ id: { N: "7" }, n: { N: "1" } });
    // The check wrote nothing.
    expect(await count()).toBe(1);
  });

  it("does none when one fails, and names each reason", async () => {
    await write([putOf("a", "1", { n: { N: "1" } })]);
    cloud.changes.length = 0;
    const fault = await faultOf(
      write([
        putOf("a", "0"),
        {
          Put: {
            ...putOf("a", "1").Put,
            TableName: "log",
            Item: key("a", "1"),
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        },
        { ConditionCheck: { TableName: "log", Key: key("x", "1"), ConditionExpression: "attribute_exists(pk)" } },
      ]),
    );
    expect(fault).toMatchObject({
      name: "TransactionCanceledException",
      message:
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]",
      CancellationReasons: [
        { Code: "None" },
        { Code: "ConditionalCheckFailed", Message: "The conditional request failed", Item: { n: { N: "1" } } },
        { Code: "ConditionalCheckFailed", Message: "The conditional request failed" },
      ],
    });
    expect(await count()).toBe(1);
    expect(cloud.changes).toEqual([]);
  });

  it("cancels for an action that its item does not bear", async () => {
    await db.send(new PutItemCommand({ TableName: "log", Item: { ...key("a", "1"), n: { S: "no number" } } }));
    const add = { UpdateExpression: "SET n = n + :one", ExpressionAttributeValues: { ":one": { N: "1" } } };
    const fault = await faultOf(write([putOf("a", "2"), { Update: { TableName: "log", Key: key("a", "1"), ...add } }]));
    expect(fault).toMatchObject({
      name: "TransactionCanceledException",
      CancellationReasons: [{ Code: "None" }, { Code: "ValidationError" }],
    });
    expect(await count()).toBe(1);
  });

  it("refuses a malformed expression as a whole", async () => {
    const bad = { Delete: { TableName: "log", Key: key("a", "1"), ConditionExpression: "pk ===" } };
    expect(await faultOf(write([putOf("a", "2"), bad]))).toMatchObject({ name: "ValidationException" });
  });

  it("refuses two actions on one item, and more than a hundred", async () => {
    const twice = [putOf("a", "1"), { Delete: { TableName: "log", Key: key("a", "1") } }];
    expect((await faultOf(write(twice))).message).toBe(
      "Transaction request cannot include multiple operations on one item",
    );
    const number = (N: string): TransactWriteItem => ({ Delete: { TableName: "counters", Key: { id: { N } } } });
    expect((await faultOf(write([number("10"), number("1e1")]))).message).toMatch(/multiple operations/);
    const many = Array.from({ length: 101 }, (_, n) => putOf("a", String(n)));
    expect((await faultOf(write(many))).message).toMatch(/less than or equal to 100/);
    await write(many.slice(1));
    expect(await count()).toBe(100);
  });

  it("wants exactly one action per member", async () => {
    const both = { ...putOf("a", "1"), Delete: { TableName: "log", Key: key("b", "1") } };
    expect((await faultOf(write([both]))).message).toMatch(/one of Check, Put, Update or Delete/);
    expect((await faultOf(write([{}]))).message).toMatch(/one of Check, Put, Update or Delete/);
  });

  it("repeats its answer for ten minutes when the token comes again", async () => {
    await write([putOf("a", "1")], "token-1");
    await write([putOf("a", "1")], "token-1");
    const other = await faultOf(write([putOf("a", "2")], "token-1"));
    expect(other.name).toBe("IdempotentParameterMismatchException");
    cloud.nowMs += 10 * 60 * 1000 - 1;
    await write([putOf("a", "1")], "token-1");
    cloud.nowMs += 1;
    expect((await faultOf(write([putOf("a", "1")], "token-1"))).name).toBe("TransactionCanceledException");
    expect(await count()).toBe(1);
  });

  it("does not remember a failure", async () => {
    await db.send(new PutItemCommand({ TableName: "log", Item: key("a", "1") }));
    expect((await faultOf(write([putOf("a", "1")], "token-2"))).name).toBe("TransactionCanceledException");
    await cloud.engine.reset();
    await write([putOf("a", "1")], "token-2");
    expect(await count()).toBe(1);
  });

  it("is one of two that race for the same item", async () => {
    const results = await Promise.allSettled([
      write([putOf("race", "1"), putOf("mine", "1")]),
      write([putOf("race", "1"), putOf("yours", "1")]),
    ]);
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    expect(await count()).toBe(2);
  });

  it("property: leaves everything or nothing", async () => {
    const sks = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(sks, sks, async (existing, wanted) => {
        await cloud.engine.reset();
        await write(existing.map((sk) => putOf("a", String(sk))));
        const clash = wanted.some((sk) => existing.includes(sk));
        const result = await write(wanted.map((sk) => putOf("a", String(sk)))).then(
          () => "done",
          (error: Error) => error.name,
        );
        expect(result).toBe(clash ? "TransactionCanceledException" : "done");
        expect(await count()).toBe(existing.length + (clash ? 0 : wanted.length));
      }),
      { numRuns: 30 },
    );
  });
});

describe("TransactGetItems", () => {
  it("reads in order, with gaps for what is not there", async () => {
    await write([putOf("a", "1", { v: { S: "x" } }), putOf("a", "2")]);
    const Get = (sk: string, more = {}) => ({ Get: { TableName: "log", Key: key("a", sk), ...more } });
    const found = await db.send(
      new TransactGetItemsCommand({ TransactItems: [Get("1", { ProjectionExpression: "v" }), Get("9"), Get("2")] }),
    );
    expect(found.Responses).toEqual([{ Item: { v: { S: "x" } } }, {}, { Item: key("a", "2") }]);
    expect((await faultOf(db.send(new TransactGetItemsCommand({ TransactItems: [Get("1"), Get("1")] })))).name).toBe(
      "ValidationException",
    );
  });
});

describe("ExecuteTransaction", () => {
  const insert = (pk: string, sk: string, n: string) => ({
    Statement: `INSERT INTO "log" VALUE {'pk': ?, 'sk': ?, 'n': ?}`,
    Parameters: [{ S: pk }, { S: sk }, { N: n }],
  });
  const execute = (...TransactStatements: ReturnType<typeof insert>[]) =>
    db.send(new ExecuteTransactionCommand({ TransactStatements }));

  it("appends events together or not at all", async () => {
    await execute(insert("run", "00000001", "1"), insert("run", "00000002", "2"));
    const fault = await faultOf(execute(insert("run", "00000003", "3"), insert("run", "00000002", "x2".slice(1))));
    expect(fault).toMatchObject({
      name: "TransactionCanceledException",
      CancellationReasons: [
        { Code: "None" },
        { Code: "DuplicateItem", Message: "Duplicate primary key exists in table" },
      ],
    });
    expect(await count()).toBe(2);
  });

  it("refuses the same key twice, and reads among writes", async () => {
    expect((await faultOf(execute(insert("run", "1", "1"), insert("run", "1", "2")))).message).toMatch(
      /multiple operations/,
    );
    const select = { Statement: `SELECT * FROM "log" WHERE pk = ? AND sk = ?`, Parameters: [{ S: "run" }, { S: "1" }] };
    expect((await faultOf(execute(insert("run", "1", "1"), select))).message).toBe(
      "Statements must be either all reads or all writes",
    );
    await execute(insert("run", "1", "1"));
    const read = await db.send(new ExecuteTransactionCommand({ TransactStatements: [select] }));
    expect(read.Responses).toEqual([{ Item: { ...key("run", "1"), n: { N: "1" } } }]);
  });

  it("takes 4 MB and no more, written or read", async () => {
    const large = (n: number, kilobytes: number) => ({
      Statement: `INSERT INTO "log" VALUE {'pk': ?, 'sk': ?, 'v': ?}`,
      Parameters: [{ S: "large" }, { S: String(n) }, { S: "x".repeat(kilobytes * 1024) }],
    });
    const ten = Array.from({ length: 10 }, (_, n) => large(n, 390));
    const refused = { name: "ValidationException", message: expect.stringMatching(/cannot exceed 4 MB/) };
    expect(await faultOf(execute(...ten, large(10, 390)))).toMatchObject(refused);
    expect(await count()).toBe(0);
    await execute(...ten);
    await execute(large(10, 390));
    const selects = Array.from({ length: 11 }, (_, n) => ({
      Statement: `SELECT * FROM "log" WHERE pk = ? AND sk = ?`,
      Parameters: [{ S: "large" }, { S: String(n) }],
    }));
    expect(await faultOf(db.send(new ExecuteTransactionCommand({ TransactStatements: selects })))).toMatchObject(
      refused,
    );
    const gets = Array.from({ length: 11 }, (_, n) => ({ Get: { TableName: "log", Key: key("large", String(n)) } }));
    expect(await faultOf(db.send(new TransactGetItemsCommand({ TransactItems: gets })))).toMatchObject(refused);
    const some = await db.send(new TransactGetItemsCommand({ TransactItems: gets.slice(1) }));
    expect(some.Responses).toHaveLength(10);
  });

  it("is cancelled for an item over 400 KB, which is named", async () => {
    const over = {
      Statement: `INSERT INTO "log" VALUE {'pk': ?, 'sk': ?, 'v': ?}`,
      Parameters: [{ S: "over" }, { S: "2" }, { S: "x".repeat(400 * 1024) }],
    };
    expect(await faultOf(execute(insert("over", "1", "1"), over))).toMatchObject({
      name: "TransactionCanceledException",
      CancellationReasons: [
        { Code: "None" },
        { Code: "ValidationError", Message: "Item size has exceeded the maximum allowed size" },
      ],
    });
    expect(await count()).toBe(0);
  });

  it("takes a hundred statements and no more", async () => {
    const many = Array.from({ length: 101 }, (_, n) => insert("run", String(n), "1"));
    expect((await faultOf(execute(...many))).message).toMatch(/less than or equal to 100/);
    await execute(...many.slice(1));
    expect(await count()).toBe(100);
  });
});
