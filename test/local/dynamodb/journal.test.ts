import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteItemCommand,
  DeleteTableCommand,
  ExecuteTransactionCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../lib/local/dynamodb/journal.js";
import { type Cloud, COUNTERS_TABLE, faultOf, key, LOG_TABLE, startCloud } from "./fixtures.js";

let dataDir: string;
const clouds: Cloud[] = [];
beforeEach(() => {
  dataDir = fs.mkdtempSync(join(tmpdir(), "countersign-dynamodb-"));
});
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

const file = () => join(dataDir, "dynamodb", "journal.jsonl");
const lockFile = () => join(dataDir, "dynamodb", "lock");
async function start(): Promise<Cloud> {
  const cloud = await startCloud({ dataDir });
  clouds.push(cloud);
  await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
  await cloud.create("AWS::DynamoDB::Table", "Counters", COUNTERS_TABLE);
  return cloud;
}
async function restart(cloud: Cloud): Promise<Cloud> {
  await cloud.close();
  clouds.splice(clouds.indexOf(cloud), 1);
  return start();
}
const put = (cloud: Cloud, sk: string, more = {}) =>
  cloud.as("admin").send(new PutItemCommand({ TableName: "log", Item: { ...key("a", sk), ...more } }));
const all = async (cloud: Cloud, TableName = "log") =>
  (await cloud.as("admin").send(new ScanCommand({ TableName }))).Items;

describe("items on disk", () => {
  it("survive a restart as they last were, indexes included", async () => {
    const first = await start();
    await put(first, "1", { kind: { S: "k" }, n: { N: "1.50" } });
    await put(first, "2");
    await first.as("admin").send(new DeleteItemCommand({ TableName: "log", Key: key("a", "2") }));
    const add = { UpdateExpression: "ADD n :one", ExpressionAttributeValues: { ":one": { N: "1" } } };
    await first.as("admin").send(new UpdateItemCommand({ TableName: "log", Key: key("a", "1"), ...add }));
    await first.as("admin").send(new UpdateItemCommand({ TableName: "counters", Key: { id: { N: "7.0" } }, ...add }));
    const second = await restart(first);
    expect(await all(second)).toEqual([{ ...key("a", "1"), kind: { S: "k" }, n: { N: "2.5" } }]);
    expect(await all(second, "counters")).toEqual([{ id: { N: "7" }, n: { N: "1" } }]);
    const byKind = new QueryCommand({
      TableName: "log",
      IndexName: "by-kind",
      KeyConditionExpression: "kind = :k",
      ExpressionAttributeValues: { ":k": { S: "k" } },
    });
    expect((await second.as("admin").send(byKind)).Count).toBe(1);
  });

  it("lose their history at the next start, not their state", async () => {
    const first = await start();
    for (let n = 0; n < 50; n++) await put(first, "1", { n: { N: String(n) } });
    const before = fs.statSync(file()).size;
    const second = await restart(first);
    expect(fs.statSync(file()).size).toBeLessThan(before / 10);
    expect(await all(second)).toEqual([{ ...key("a", "1"), n: { N: "49" } }]);
  });

  it("are one line per transaction, and a line without its end never happened", async () => {
    const first = await start();
    await put(first, "0");
    const insert = (sk: string) => ({
      Statement: `INSERT INTO "log" VALUE {'pk': 'a', 'sk': ?}`,
      Parameters: [{ S: sk }],
    });
    await first
      .as("admin")
      .send(new ExecuteTransactionCommand({ TransactStatements: [insert("1"), insert("2"), insert("3")] }));
    await first.close();
    clouds.length = 0;
    const whole = fs.readFileSync(file(), "utf8");
    expect(whole.trimEnd().split("\n")).toHaveLength(2);
    fs.writeFileSync(file(), whole.slice(0, -10));
    expect(await all(await start())).toEqual([key("a", "0")]);
  });

  it("are gone after a reset and after their table's deletion", async () => {
    const first = await start();
    await put(first, "1");
    await first.engine.reset();
    await first.as("admin").send(new PutItemCommand({ TableName: "counters", Item: { id: { N: "1" } } }));
    await first.as("admin").send(new DeleteTableCommand({ TableName: "counters" }));
    const second = await restart(first);
    expect(await all(second)).toEqual([]);
    expect(await all(second, "counters")).toEqual([]);
  });

  it("are kept while no template makes their table", async () => {
    const first = await start();
    await put(first, "1");
    await first.close();
    clouds.length = 0;
    await (await startCloud({ dataDir })).close();
    expect(await all(await start())).toEqual([key("a", "1")]);
  });
});

describe("what can go wrong", () => {
  it("a damaged line is named", async () => {
    const first = await start();
    await put(first, "1");
    await first.close();
    clouds.length = 0;
    fs.writeFileSync(file(), `{"w":[["log","k",{"pk":{"S":1}}]]}\n${fs.readFileSync(file(), "utf8")}`);
    expect(String(await faultOf(startCloud({ dataDir })))).toMatch(/^CS-4024 .*line 1/);
    expect(fs.existsSync(lockFile())).toBe(false);
  });

  it("a second process is kept out while the first lives", async () => {
    const holder = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    try {
      fs.mkdirSync(join(dataDir, "dynamodb"));
      fs.writeFileSync(lockFile(), String(holder.pid));
      expect(String(await faultOf(startCloud({ dataDir })))).toMatch(new RegExp(`^CS-4025 .*process ${holder.pid}`));
    } finally {
      const gone = new Promise((resolve) => holder.once("exit", resolve));
      holder.kill("SIGKILL");
      await gone;
    }
    // Killed, it left its lock behind: that holds nobody up.
    await start();
  });

  it("changed keys are said to be changed", async () => {
    const first = await start();
    await first.as("admin").send(new PutItemCommand({ TableName: "counters", Item: { id: { N: "1" } } }));
    await first.close();
    clouds.length = 0;
    const second = await startCloud({ dataDir });
    clouds.push(second);
    const changed = { ...COUNTERS_TABLE, AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }] };
    const fault = await faultOf(second.create("AWS::DynamoDB::Table", "Counters", changed));
    expect(String(fault)).toMatch(/^CS-4026 .*Counters.*--fresh/);
  });

  it("a disk that refuses is the system's fault", () => {
    const journal = openJournal(join(dataDir, "dynamodb"));
    journal.close();
    const append = () => journal.append([{ table: "log", key: "k", item: {} }]);
    for (let tries = 0; tries < 2; tries++)
      expect(append).toThrowError(expect.objectContaining({ code: "InternalServerError" }));
  });
});

describe("kill -9", () => {
  it("loses nothing that was answered, and no half of a transaction", async () => {
    const writer = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, "writer.ts"), dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise((resolve) => writer.once("exit", resolve));
    let answered = 0;
    await new Promise<void>((resolve) => {
      writer.stdout.on("data", (chunk: Buffer) => {
        answered += chunk.length;
        if (answered >= 100) resolve();
      });
      writer.once("exit", () => resolve());
    });
    writer.kill("SIGKILL");
    await gone;
    expect(answered).toBeGreaterThanOrEqual(100);
    const items = await all(await start());
    // Each transaction wrote one item to either partition.
    const sks = (pk: string) => items?.filter((item) => item.pk?.S === pk).map((item) => Number(item.sk?.S));
    expect(sks("left")?.length).toBeGreaterThanOrEqual(answered);
    expect(sks("left")).toEqual(sks("right"));
  });
});
