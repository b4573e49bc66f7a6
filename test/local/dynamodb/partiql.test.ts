import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
} from "@aws-sdk/client-dynamodb";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseStatement } from "../../../lib/local/dynamodb/partiql/parser.js";
import { AwsFault } from "../../../lib/local/types.js";
import { type Cloud, faultOf, key, LOG_TABLE, startCloud } from "./fixtures.js";

let cloud: Cloud;
let db: DynamoDBClient;
beforeAll(async () => {
  cloud = await startCloud();
  db = cloud.as("admin");
  await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
});
afterAll(() => cloud.close());
beforeEach(async () => {
  await cloud.engine.reset();
  cloud.changes.length = 0;
});

const run = (Statement: string, Parameters: AttributeValue[] = [], more = {}) =>
  db.send(new ExecuteStatementCommand({ Statement, ...(Parameters.length > 0 ? { Parameters } : {}), ...more }));
const INSERT = `INSERT INTO "log" VALUE {'pk': ?, 'sk': ?}`;

describe("INSERT", () => {
  it("stores literals of every kind and parameters anywhere", async () => {
    await run(
      `insert into log value {'pk': 'it''s', 'sk': ?, 'n': -1.5e3, 'yes': true, 'no': false, 'none': null,
        'list': [1, [?], {'deep': 'x'}], 'map': {'a': {'b': ?}}, 'ns': <<1, 2>>, 'ss': <<'a'>>, 'empty': {}, 'void': []}`,
      [{ S: "1" }, { BOOL: true }, { L: [] }],
    );
    const { Item } = await db.send(new GetItemCommand({ TableName: "log", Key: key("it's", "1") }));
    expect(Item).toEqual({
      ...key("it's", "1"),
      n: { N: "-1500" },
      yes: { BOOL: true },
      no: { BOOL: false },
      none: { NULL: true },
      list: { L: [{ N: "1" }, { L: [{ BOOL: true }] }, { M: { deep: { S: "x" } } }] },
      map: { M: { a: { M: { b: { L: [] } } } } },
      ns: { NS: ["1", "2"] },
      ss: { SS: ["a"] },
      empty: { M: {} },
      void: { L: [] },
    });
  });

  it("fails on an existing key and leaves the item as it was", async () => {
    await run(`INSERT INTO "log" VALUE {'pk': 'a', 'sk': '1', 'v': 'first'}`);
    const fault = await faultOf(run(`INSERT INTO "log" VALUE {'pk': 'a', 'sk': '1', 'v': 'second'}`));
    expect(fault).toMatchObject({ name: "DuplicateItemException", message: "Duplicate primary key exists in table" });
    const { Item } = await db.send(new GetItemCommand({ TableName: "log", Key: key("a", "1") }));
    expect(Item?.v).toEqual({ S: "first" });
  });

  it("lets one of many at once through", async () => {
    const tries = Array.from({ length: 20 }, () => run(INSERT, [{ S: "a" }, { S: "1" }]));
    const results = await Promise.allSettled(tries);
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  });

  it.each([
    ["the key is missing", `INSERT INTO "log" VALUE {'pk': 'a'}`, []],
    ["a parameter is missing", INSERT, [{ S: "a" }]],
    ["a parameter is left over", INSERT, [{ S: "a" }, { S: "b" }, { S: "c" }]],
    ["an attribute comes twice", `INSERT INTO "log" VALUE {'pk': 'a', 'sk': 'b', 'sk': 'c'}`, []],
    ["names are in double quotes", `INSERT INTO "log" VALUE {"pk": 'a', "sk": 'b'}`, []],
    ["a second statement follows", `${INSERT}; DELETE FROM "log"`, [{ S: "a" }, { S: "b" }]],
    ["a quote is open", `INSERT INTO "log" VALUE {'pk': 'a`, []],
    ["a set mixes types", `INSERT INTO "log" VALUE {'pk': 'a', 'sk': 'b', 's': <<1, 'a'>>}`, []],
    [
      "it is nested too deep",
      `INSERT INTO "log" VALUE {'pk': 'a', 'sk': 'b', 'd': ${"[".repeat(60)}${"]".repeat(60)}}`,
      [],
    ],
    ["it is longer than 8,192 characters", `INSERT INTO "log" VALUE {'pk': 'a', 'sk': '${"x".repeat(8192)}'}`, []],
    ["it is something else", "DROP TABLE log", []],
  ])("is refused when %s", async (_name, statement, parameters) => {
    expect((await faultOf(run(statement, parameters))).name).toBe("ValidationException");
    expect(cloud.changes).toEqual([]);
  });

  it("says when there is no such table", async () => {
    expect((await faultOf(run(`INSERT INTO "ghost" VALUE {'pk': 'a', 'sk': 'b'}`))).name).toBe(
      "ResourceNotFoundException",
    );
  });
});

describe("SELECT", () => {
  beforeEach(async () => {
    for (const [sk, kind, n] of [
      ["1", "odd", "10"],
      ["2", "even", "20"],
      ["3", "odd", "30"],
    ] as const) {
      await run(`INSERT INTO "log" VALUE {'pk': 'a', 'sk': ?, 'kind': ?, 'n': ?}`, [{ S: sk }, { S: kind }, { N: n }]);
    }
    await run(`INSERT INTO "log" VALUE {'pk': 'b', 'sk': '1', 'kind': 'odd'}`);
  });
  const sks = async (where: string, parameters: AttributeValue[] = [], from = '"log"') =>
    (await run(`SELECT * FROM ${from} WHERE ${where}`, parameters)).Items?.map((item) => `${item.pk?.S}${item.sk?.S}`);

  it("reads by key, range, filter and index", async () => {
    expect(await sks("pk = ?", [{ S: "a" }])).toEqual(["a1", "a2", "a3"]);
    expect(await sks("pk = 'a' AND sk >= '2'")).toEqual(["a2", "a3"]);
    expect(await sks("sk BETWEEN ? AND '2' AND pk = ?", [{ S: "1" }, { S: "a" }])).toEqual(["a1", "a2"]);
    expect(await sks("pk = 'a' AND begins_with(sk, '3')")).toEqual(["a3"]);
    expect(await sks("pk = 'a' AND n > 10 AND kind != 'even'")).toEqual(["a3"]);
    expect(await sks("kind = 'odd' AND pk = 'b'", [], '"log"."by-kind"')).toEqual(["b1"]);
    expect(await sks("n IS MISSING")).toEqual(["b1"]);
    expect(await sks("n IS NOT MISSING AND contains(kind, 'v')")).toEqual(["a2"]);
  });

  it("projects attributes", async () => {
    const { Items } = await run(`SELECT n, "kind" FROM "log" WHERE pk = 'a' AND sk = '1'`);
    expect(Items).toEqual([{ n: { N: "10" }, kind: { S: "odd" } }]);
  });

  it("pages with a token that is good for its own statement", async () => {
    const all = `SELECT * FROM "log" WHERE pk = ?`;
    const first = await run(all, [{ S: "a" }], { Limit: 2 });
    expect(first.Items).toHaveLength(2);
    const rest = await run(all, [{ S: "a" }], { NextToken: first.NextToken });
    expect(rest.Items?.map((item) => item.sk?.S)).toEqual(["3"]);
    expect(rest.NextToken).toBeUndefined();
    expect((await faultOf(run(all, [{ S: "b" }], { NextToken: first.NextToken }))).message).toMatch(/NextToken/);
    expect((await faultOf(run(all, [{ S: "a" }], { NextToken: "e30" }))).message).toMatch(/NextToken/);
  });

  it.each([
    "pk = 'a' OR pk = 'b'",
    "NOT pk = 'a'",
    "(pk = 'a')",
    "pk IN ['a']",
    "m.a = 1",
    "pk = 'a' AND pk = 'b'",
    "pk = 'a' ORDER BY sk",
  ])("refuses what it does not model: %s", async (where) => {
    const fault = await faultOf(run(`SELECT * FROM "log" WHERE ${where}`));
    expect(fault).toMatchObject({ name: "ValidationException", message: expect.stringContaining("does not model") });
  });
});

describe("UPDATE and DELETE", () => {
  it.each([
    `UPDATE "log" SET a = ? WHERE pk = 'a' AND sk = 'b'`,
    `DELETE FROM "log" WHERE pk = ? AND sk = 'b' RETURNING ALL OLD *`,
  ])("are named as not modelled: %s", async (statement) => {
    const fault = await faultOf(run(statement, [{ S: "x" }]));
    expect(fault).toMatchObject({
      name: "ValidationException",
      message: expect.stringMatching(/does not model (UPDATE|DELETE) statements/),
    });
  });
});

describe("BatchExecuteStatement", () => {
  it("answers each statement for itself", async () => {
    const insert = (sk: string) => ({ Statement: INSERT, Parameters: [{ S: "a" }, { S: sk }] });
    const written = await db.send(
      new BatchExecuteStatementCommand({ Statements: [insert("1"), insert("1"), insert("2")] }),
    );
    expect(written.Responses).toEqual([
      { TableName: "log" },
      { TableName: "log", Error: { Code: "DuplicateItem", Message: "Duplicate primary key exists in table" } },
      { TableName: "log" },
    ]);
    const select = { Statement: `SELECT sk FROM "log" WHERE pk = 'a' AND sk = ?`, Parameters: [{ S: "2" }] };
    const read = await db.send(new BatchExecuteStatementCommand({ Statements: [select] }));
    expect(read.Responses).toEqual([{ TableName: "log", Item: { sk: { S: "2" } } }]);
    expect((await faultOf(db.send(new BatchExecuteStatementCommand({ Statements: [select, insert("3")] })))).name).toBe(
      "ValidationException",
    );
  });
});

describe("the parser", () => {
  it("property: takes any text as a string literal and gives it back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", minLength: 1 }), (value, name) => {
        fc.pre(name !== "__proto__");
        const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
        const statement = parseStatement(`INSERT INTO "t" VALUE {${quote(name)}: ${quote(value)}}`, []);
        expect(statement).toEqual({ kind: "insert", table: "t", item: { [name]: { S: value } } });
      }),
    );
  });

  it("property: answers any text with a statement or a ValidationException", () => {
    const word = fc.constantFrom(
      "INSERT",
      "INTO",
      "VALUE",
      "SELECT",
      "FROM",
      "WHERE",
      "AND",
      '"t"',
      "'a'",
      "{",
      "}",
      ":",
      "?",
      ",",
      "*",
      "=",
      "[",
      "<<",
      "-",
      "1",
      "x",
      ".",
      "IS",
      ";",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 14 }).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (statement) => {
        try {
          expect(["insert", "select", "update", "delete"]).toContain(parseStatement(statement, []).kind);
        } catch (error) {
          expect(error).toBeInstanceOf(AwsFault);
          expect(error).toMatchObject({ code: "ValidationException" });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
