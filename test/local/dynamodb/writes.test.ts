import { beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../../lib/local/dynamodb/journal.js";
import { openStore, type Store } from "../../../lib/local/dynamodb/store.js";
import { type Table, Tables } from "../../../lib/local/dynamodb/tables.js";
import { createWrites, type ItemChange, type WriteAction, type Writes } from "../../../lib/local/dynamodb/writes.js";
import { AwsFault } from "../../../lib/local/types.js";

const definition = {
  name: "counters",
  arn: "arn:aws:dynamodb:eu-west-1:111111111111:table/counters",
  id: "1",
  createdAtMs: 0,
  schema: {
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" as const }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" as const }],
  },
  tableClass: "STANDARD" as const,
  tags: [],
  settings: { deletionProtection: false, pointInTimeRecovery: false, recoveryPeriodDays: 35 },
};

let main: Store;
let rehearsal: Store;
let table: Table;
let writes: Writes;
let full: boolean;
const told: ItemChange[] = [];

beforeEach(async () => {
  [main, rehearsal] = [openStore(), openStore()];
  table = new Tables().define(definition);
  for (const store of [main, rehearsal]) await store.createTable(table.name, table.schema);
  full = false;
  told.length = 0;
  const append = () => {
    if (full) throw new AwsFault("InternalServerError", "no space left", 500);
  };
  const journal: Journal = { append, drop() {}, takeItems: () => [], clear() {}, close() {} };
  writes = createWrites({
    main: () => main,
    rehearsal: () => rehearsal,
    journal,
    onCommit: (changes) => told.push(...changes),
  });
});

const put = (id: string, v: string): WriteAction => {
  const Item = { id: { S: id }, v: { S: v } };
  return { kind: "put", table, target: Item, input: { TableName: table.name, Item } };
};
const count = async (store: Store) => (await store.call("Scan", { TableName: table.name })).Count;

describe("a write", () => {
  it("leaves nothing behind in the rehearsal", async () => {
    await writes.write(put("a", "1"));
    await writes.write(put("a", "2"));
    expect(await count(main)).toBe(1);
    expect(await count(rehearsal)).toBe(0);
  });

  it("that the journal cannot take does not happen", async () => {
    await writes.write(put("a", "1"));
    full = true;
    await expect(writes.write(put("a", "2"))).rejects.toMatchObject({ code: "InternalServerError" });
    const both = writes.writeAll([put("a", "3"), put("b", "3")], () => new AwsFault("Unexpected", ""));
    await expect(both).rejects.toMatchObject({ code: "InternalServerError" });
    expect(await main.get(table.name, { id: { S: "a" } })).toMatchObject({ v: { S: "1" } });
    expect(await count(main)).toBe(1);
    expect(told).toHaveLength(1);
  });

  it("that fails holds up nobody after it", async () => {
    const conditional: WriteAction = {
      ...put("a", "1"),
      input: { ...put("a", "1").input, ConditionExpression: "attribute_exists(id)" },
    };
    const results = await Promise.allSettled([writes.write(conditional), writes.write(put("b", "1"))]);
    expect(results.map((result) => result.status)).toEqual(["rejected", "fulfilled"]);
  });
});
