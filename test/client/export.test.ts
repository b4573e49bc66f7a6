import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, describe, expect, test } from "vitest";
import { csvRow, EVENT_COLUMNS } from "../../lib/audit/columns.js";
import { selects } from "../../lib/audit/select.js";
import { verifyText } from "../../lib/audit/verify.js";
import { cutOffJob, type ExportJob, exportToFile } from "../../lib/client/export-file.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { rechained, refusedRun, rejectedRun, wholeRun } from "../audit/support.js";

const folder = mkdtempSync(join(tmpdir(), "countersign-export-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs in the order of their starts, as the log lists them. */
const runs: readonly (readonly RecordedEvent[])[] = [wholeRun().events, rejectedRun().events, refusedRun("zeta")].map(
  (events, index) => {
    const tenant = ["acme", "beta", "zeta"][index] ?? "";
    return rechained(events.map((event) => ({ ...event, tenant, at: `2026-11-2${index + 1}${event.at.slice(10)}` })));
  },
);
const total = runs.flat().length;

const job = (shape: ExportJob["shape"], format: ExportJob["format"]): ExportJob => ({
  v: 1,
  shape,
  format,
  selection: { workflows: ["billing-dispute"], filter: {} },
});
/** The log: goes on after a run, as the index does. */
const source: Parameters<typeof exportToFile>[2] = (continued) => {
  const passed = runs.findIndex((events) => events[0]?.at === continued?.after.startedAt);
  return runs.slice(passed + 1);
};
const at = (name: string) => join(folder, name);
const text = (name: string) => readFileSync(at(name), "utf8");

describe("an export in each form", () => {
  test("events as lines verify; nothing else is left behind", async () => {
    const written = await exportToFile(at("a.jsonl"), job("events", "jsonl"), source, { resume: false });
    expect(written).toEqual({ runs: 3, lines: total + 1 });
    expect(verifyText(text("a.jsonl"))).toMatchObject({ ok: true, runs: 3, records: total });
    expect(existsSync(at("a.jsonl.part"))).toBe(false);
    expect(existsSync(at("a.jsonl.part.json"))).toBe(false);
  });
  test("events as CSV: a row each, with nested parts as JSON", async () => {
    await exportToFile(at("a.csv"), job("events", "csv"), source, { resume: false });
    const rows = text("a.csv").trimEnd().split("\r\n");
    expect(rows).toHaveLength(total + 1);
    expect(rows[0]).toBe("workflow,tenant,run_id,seq,at,step,type,turn,tool,data,prev,hash");
    expect(rows.at(-1)).toMatch(/^billing-dispute,zeta,.*RunRefused/);
  });
  test("events as Parquet: read back by another reader, with numbers and times as such", async () => {
    await exportToFile(at("a.parquet"), job("events", "parquet"), source, { resume: false });
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(at("a.parquet")) });
    const events = runs.flat();
    expect(rows).toHaveLength(total);
    expect(rows.map((row) => row.hash)).toEqual(events.map(({ hash }) => hash));
    expect(rows.map((row) => JSON.parse(String(row.data)))).toEqual(events.map(({ data }) => data));
    expect(rows[0]).toMatchObject({ seq: 1, at: new Date(events[0]?.at ?? ""), turn: null });
  });
  test("records as lines, CSV and Parquet", async () => {
    await exportToFile(at("r.jsonl"), job("records", "jsonl"), source, { resume: false });
    expect(
      text("r.jsonl")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).outcome.status),
    ).toEqual(["refunded", "escalated", "refused"]);
    await exportToFile(at("r.csv"), job("records", "csv"), source, { resume: false });
    expect(text("r.csv").trimEnd().split("\r\n")).toHaveLength(4);
    await exportToFile(at("r.parquet"), job("records", "parquet"), source, { resume: false });
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(at("r.parquet")) });
    expect(rows.map((row) => row.outcome_status)).toEqual(["refunded", "escalated", "refused"]);
  });
});

describe("a cut-off export is continued exactly", () => {
  for (const [shape, format] of [
    ["events", "jsonl"],
    ["records", "jsonl"],
    ["events", "csv"],
  ] as const) {
    test(`${shape} as ${format}, cut at every 997th byte and in the last line`, async () => {
      const name = `cut-${shape}.${format}`;
      await exportToFile(at(name), job(shape, format), source, { resume: false });
      const whole = text(name);
      await exportToFile(at("lines"), job(shape, "jsonl"), source, { resume: false });
      const size = Buffer.byteLength(text("lines"));
      for (const cut of [
        ...Array.from({ length: Math.ceil(size / 997) }, (_, index) => index * 997),
        size - 5,
        size - 1,
        size,
      ]) {
        copyFileSync(at("lines"), at(`${name}.part`));
        truncateSync(at(`${name}.part`), cut);
        writeFileSync(at(`${name}.part.json`), JSON.stringify(job(shape, format)));
        rmSync(at(name));
        await exportToFile(at(name), await cutOffJob(at(name)), source, { resume: true });
        expect(text(name)).toBe(whole);
      }
    });
  }
  test("an export that fails in the middle leaves what it has, and no file that looks whole", async () => {
    const failing = async function* () {
      yield* runs.slice(0, 2);
      throw new Error("the network went away");
    };
    await expect(exportToFile(at("f.jsonl"), job("events", "jsonl"), failing, { resume: false })).rejects.toThrow(
      "network",
    );
    expect(existsSync(at("f.jsonl"))).toBe(false);
    await exportToFile(at("f.jsonl"), await cutOffJob(at("f.jsonl")), source, { resume: true });
    expect(verifyText(text("f.jsonl"))).toMatchObject({ ok: true, runs: 3 });
  });
  test("there is nothing to continue", async () => {
    await expect(cutOffJob(at("none.jsonl"))).rejects.toThrow(/there is no cut-off export to continue/);
    writeFileSync(at("odd.jsonl.part.json"), "{}");
    await expect(cutOffJob(at("odd.jsonl"))).rejects.toThrow(/damaged/);
  });
});

test("filters look at outcome, approver, policy and tenant", () => {
  const chosen = (filter: Parameters<typeof selects>[0]) => runs.map((events) => selects(filter, events));
  expect(chosen({})).toEqual([true, true, true]);
  expect(chosen({ outcome: "refunded" })).toEqual([true, false, false]);
  expect(chosen({ outcome: "refused" })).toEqual([false, false, true]);
  expect(chosen({ approver: "ANA@example.com" })).toEqual([true, true, false]);
  expect(chosen({ policy: "nobody-wrote-this" })).toEqual([false, false, false]);
  expect(chosen({ tenant: "zeta" })).toEqual([false, false, true]);
  expect(selects({}, [])).toBe(false);
  expect(selects({ outcome: "open" }, runs[0]?.slice(0, 3) ?? [])).toBe(true);
});

test("a spreadsheet takes no cell for a formula", () => {
  const [event] = runs[0] ?? [];
  if (event === undefined) throw new Error("no event");
  expect(csvRow(EVENT_COLUMNS, { ...event, tenant: '=cmd|"/c calc"!A1' })).toContain(`"'=cmd|""/c calc""!A1"`);
});
