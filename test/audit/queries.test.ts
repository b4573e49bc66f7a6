/** The saved queries on files that the notary really wrote, in an engine that speaks the same SQL; and where the table looks for them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ARCHIVE_COLUMNS, archiveFolder, SAVED_QUERIES } from "../../lib/audit/queries.js";
import { packLines, unpackLines } from "../../lib/audit/segment.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { archiveKey } from "../../lib/run/keys.js";
import { notarised } from "../notary/exported.js";

let folder: string;
/** what the notary wrote, and recorded runs that ended in every other way */
let files: Map<string, Uint8Array>;
let events: readonly RecordedEvent[];
let ask: (name: string) => Promise<Record<string, unknown>[]>;
beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  folder = mkdtempSync(join(tmpdir(), "countersign-queries-"));
  const lab = await notarised(40);
  files = new Map([...lab.objects].map(([key, { body }]) => [key, body]));
  for (const lines of recorded()) {
    const { workflow, tenant, run_id: runId, at } = JSON.parse(lines[0] ?? "");
    files.set(archiveKey.events({ workflow, tenant, runId, day: at.slice(0, 10) }, 1), packLines(lines));
  }
  for (const [key, body] of files) {
    mkdirSync(join(folder, dirname(key)), { recursive: true });
    writeFileSync(join(folder, key), body);
  }
  events = archived().flatMap(([, lines]) => lines.map((line): RecordedEvent => JSON.parse(line)));
  ask = await engine();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HISTORIES = join(import.meta.dirname, "../histories/v1/billing-dispute");
const recorded = (): string[][] =>
  readdirSync(HISTORIES)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => readFileSync(join(HISTORIES, name), "utf8").trimEnd().split("\n").slice(0, -1));

const runOf = ({ tenant, run_id }: { readonly tenant: string; readonly run_id: string }) => `${tenant} ${run_id}`;

const archived = (): [string, readonly string[]][] =>
  [...files].flatMap(([key, body]): [string, readonly string[]][] =>
    key.startsWith("events/") ? [[key, unpackLines(body) ?? []]] : [],
  );

/** What Athena has and DuckDB calls otherwise; and the day is the lab's. */
async function engine(): Promise<typeof ask> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const types = { int: "BIGINT", string: "VARCHAR" } as const;
  const columns = ARCHIVE_COLUMNS.map(({ name, type }) => `'${name}': '${types[type]}'`).join(", ");
  for (const sql of [
    "CREATE MACRO json_extract_scalar(value, path) AS json_extract_string(value, path)",
    "CREATE MACRO json_format(value) AS CAST(value AS VARCHAR)",
    `CREATE VIEW events AS SELECT * FROM read_json('${folder}/events/**/*.jsonl.gz', columns = {${columns}, workflow: 'VARCHAR', day: 'VARCHAR'},
      hive_partitioning = true, hive_types = {'workflow': VARCHAR, 'day': VARCHAR, 'tenant': VARCHAR})`,
  ])
    await connection.run(sql);
  return async (name) => {
    const query = SAVED_QUERIES.find((one) => one.name === name);
    if (query === undefined) throw new Error(`no query ${name}`);
    const sql = query.sql.replaceAll("current_date", "DATE '2026-05-20'");
    const rows = await connection.runAndReadAll(sql);
    return rows
      .getRowObjects()
      .map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])));
  };
}
const plain = (value: unknown): unknown =>
  typeof value === "bigint"
    ? Number(value)
    : typeof value === "object" && value !== null
      ? Number(String(value))
      : value;

const of = <T extends RecordedEvent["type"]>(type: T) =>
  events.filter((event): event is Extract<RecordedEvent, { type: T }> => event.type === type);
const sum = (rows: readonly Record<string, unknown>[], column: string) =>
  rows.reduce((total, row) => total + Number(row[column]), 0);

describe("the table", () => {
  test("has the members of an archived line, but for the workflow, which the files' names say", () => {
    for (const event of events)
      expect(Object.keys(event).sort()).toEqual(["workflow", ...ARCHIVE_COLUMNS.map(({ name }) => name)].sort());
  });
  test("finds every file of records in the folder of its workflow and day, and nothing else there", () => {
    expect(archived().length).toBeGreaterThan(40);
    for (const [key, [first = ""]] of archived()) {
      const record = JSON.parse(first);
      // a run may go on the next day, in the folder of the day it began
      const began = events.find((event) => event.seq === 1 && runOf(event) === runOf(record))?.at ?? "";
      expect(key.startsWith(archiveFolder(record.workflow, began.slice(0, 10)))).toBe(true);
    }
    for (const key of files.keys())
      if (!key.startsWith("events/"))
        expect(key.startsWith(archiveFolder("billing-dispute", "2026-11-21"))).toBe(false);
  });
});

describe("the saved queries", () => {
  test.each(SAVED_QUERIES.map(({ name }) => name))("%s runs, and its columns have names", async (name) => {
    for (const row of await ask(name)) expect(Object.keys(row).join(" ")).toMatch(/^[a-z_ ]+$/);
  });
  test("who-approved-what: every decision of a person once, with what it was about", async () => {
    const rows = await ask("who-approved-what");
    const decided = of("ApprovalDecided");
    expect(decided.length).toBeGreaterThan(10);
    expect(rows).toHaveLength(decided.length);
    expect(new Set(rows.map(({ tool }) => tool))).toContain("stripe.refund");
    expect(new Set(rows.map(({ tool }) => tool))).not.toContain(null);
    expect(rows.map(({ tenant, approver, decision }) => `${tenant} ${approver} ${decision}`).sort()).toEqual(
      decided.map(({ tenant, data }) => `${tenant} ${data.approver} ${data.decision}`).sort(),
    );
  });
  test("denied-by-policy: each denial counted, by policy, or by reason without one", async () => {
    const rows = await ask("denied-by-policy");
    const denied = of("ActionDecided").filter(({ data }) => data.decision === "deny");
    expect(denied.length).toBeGreaterThan(0);
    expect(sum(rows, "times")).toBe(denied.length);
    for (const { denied_by, reasons } of rows) {
      const found = denied.filter(
        ({ data }) =>
          JSON.stringify(data.policy?.denied_by ?? null) === (denied_by ?? "null") &&
          JSON.stringify(data.reasons) === reasons,
      );
      expect(found.length).toBeGreaterThan(0);
    }
  });
  test("spend-per-day: runs and money to the cent", async () => {
    const rows = await ask("spend-per-day");
    const closed = of("RunClosed");
    expect(sum(rows, "runs")).toBe(closed.length);
    expect(Math.round(sum(rows, "usd") * 1e6)).toBe(
      closed.reduce((total, { data }) => total + data.spent_micro_usd, 0),
    );
    expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(closed.map(({ data }) => data.outcome.status)));
  });
  test("effects-per-tool and unknown-outcomes: what was permitted and what came back", async () => {
    const rows = await ask("effects-per-tool");
    const [permits, results] = [of("ActionPermitted"), of("ToolReturned")];
    for (const row of rows) {
      const mine = results.filter(({ data }) => data.tool === row.tool);
      expect(row).toMatchObject({
        permitted: permits.filter(({ data }) => data.tool === row.tool).length,
        ok: mine.filter(({ data }) => data.status === "ok").length,
        failed: mine.filter(({ data }) => data.status === "error").length,
        outcome_unknown: mine.filter(({ data }) => data.status === "unknown").length,
      });
    }
    expect(rows.length).toBeGreaterThan(2);
    expect(sum(rows, "permitted")).toBe(permits.length);
    expect(sum(rows, "without_result")).toBe(permits.length - results.length);
    expect(await ask("unknown-outcomes")).toHaveLength(results.filter(({ data }) => data.status === "unknown").length);
  });
  test("runs-without-outcome: those that the archive saw begin and not end, with their last record", async () => {
    const ended = new Set([...of("RunClosed"), ...of("RunRefused")].map(runOf));
    const rows = await ask("runs-without-outcome");
    const open = new Map(events.filter((event) => !ended.has(runOf(event))).map((event) => [runOf(event), event]));
    expect(open.size).toBeGreaterThan(0);
    expect(rows.map((row) => `${row.tenant} ${row.run_id}`).sort()).toEqual([...open.keys()].sort());
    for (const row of rows) expect(row.last_type).toBe(open.get(`${row.tenant} ${row.run_id}`)?.type);
  });
  test("stopped-by-a-brake: refused admissions, denied actions and stopped runs", async () => {
    const rows = await ask("stopped-by-a-brake");
    const expected = events.filter(
      (event) =>
        (event.type === "RunClosed" && event.data.outcome.status === "stopped") ||
        ("checks" in event.data &&
          event.data.checks.some(({ name, result }) => name === "brake" && result === "failed")),
    );
    expect(expected.length).toBeGreaterThan(0);
    expect(rows).toHaveLength(expected.length);
  });
  test("waiting-for-people: questions by their end, and how long they waited", async () => {
    const rows = await ask("waiting-for-people");
    const ends = [...of("ApprovalDecided"), ...of("ApprovalExpired"), ...of("ApprovalVoided")];
    expect(sum(rows, "questions")).toBe(ends.length);
    for (const { average_seconds } of rows) expect(Number(average_seconds)).toBeGreaterThanOrEqual(0);
  });
  test("look only at recent days, so that a question about yesterday does not read years", () => {
    for (const { sql } of SAVED_QUERIES)
      expect(sql).toMatch(/day >= CAST\(current_date - INTERVAL '30' DAY AS VARCHAR\)/);
  });
});
