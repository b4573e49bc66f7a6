/** Which runs are meant, and how they come out as rows. */
import { describe, expect, test } from "vitest";
import { csvHeader, csvRow, EVENT_COLUMNS, eventRow, RECORD_COLUMNS } from "../../lib/audit/columns.js";
import { recordLines } from "../../lib/audit/export.js";
import { runRecord } from "../../lib/audit/record.js";
import { outcomeStatus, selects } from "../../lib/audit/select.js";
import { act, lookedUp, REFUND, RUN_ID } from "../run/support.js";
import { refusedRun, rejectedRun, wholeRun } from "./support.js";

const refunded = wholeRun().events;
const rejected = rejectedRun().events;
const refused = refusedRun("umbrella");
const open = lookedUp().events;
const waiting = lookedUp();
waiting.propose(act("stripe.refund", REFUND));
const all = { refunded, rejected, refused, open, waiting: waiting.events };
const selected = (filter: Parameters<typeof selects>[0]) =>
  Object.entries(all).flatMap(([name, events]) => (selects(filter, events) ? [name] : []));

describe("of a refunded, a rejected, a refused, an open and a waiting run", () => {
  test.each([
    [{}, ["refunded", "rejected", "refused", "open", "waiting"]],
    [{ tenant: "umbrella" }, ["refused"]],
    [{ tenant: "ACME" }, []],
    [{ outcome: "refunded" }, ["refunded"]],
    [{ outcome: "escalated" }, ["rejected"]],
    [{ outcome: "refused" }, ["refused"]],
    [{ outcome: "open" }, ["open", "waiting"]],
    [{ approver: "Ana@Example.com" }, ["refunded", "rejected"]],
    [{ approver: "bo@example.com" }, []],
    [{ policy: "refund_threshold" }, ["refunded", "rejected", "waiting"]],
    [{ policy: "guardrail:irreversible" }, ["refunded", "rejected", "waiting"]],
    [{ policy: "small-reads" }, ["refunded", "rejected", "open", "waiting"]],
    [{ policy: "small" }, []],
    [{ approver: "ana@example.com", outcome: "escalated", tenant: "acme", policy: "refund_threshold" }, ["rejected"]],
    [{ approver: "ana@example.com", outcome: "open" }, []],
  ])("%j means %j", (filter, names) => expect(selected(filter)).toEqual(names));

  test("nothing is no run", () => {
    expect(selects({}, [])).toBe(false);
    expect(outcomeStatus([])).toBe("open");
  });

  test("each is one line of records, and nothing is none", async () => {
    const lines: string[] = [];
    for await (const line of recordLines([refunded, [], refused])) lines.push(line);
    expect(lines.map((line) => JSON.parse(line).outcome.status)).toEqual(["refunded", "refused"]);
  });
});

describe("as comma-separated values", () => {
  const row = (index: number) => eventRow.parse(refunded[index]);

  test("an event has its place, turn and tool; what has none is empty", () => {
    expect(csvHeader(EVENT_COLUMNS)).toBe("workflow,tenant,run_id,seq,at,step,type,turn,tool,data,prev,hash");
    expect(csvRow(EVENT_COLUMNS, row(0))).toMatch(
      new RegExp(`^billing-dispute,acme,${RUN_ID},1,2026-11-21T12:00:00.000Z,0.admit,RunStarted,,,"\\{""`),
    );
    expect(csvRow(EVENT_COLUMNS, row(1))).toMatch(/,2,[^,]+,1\.proposal,ActionProposed,1,stripe\.lookup_charge,"\{""/);
  });

  test.each([
    ["plain", "plain"],
    ["=1+1", "'=1+1"],
    ["+49", "'+49"],
    ["-1", "'-1"],
    ["@sum", "'@sum"],
    ["\tx", "'\tx"],
    ["\r=1", `"'\r=1"`],
    ["a,b", `"a,b"`],
    [`say "hi"`, `"say ""hi"""`],
    ["two\nlines", `"two\nlines"`],
    ['=cmd|"x",1', `"'=cmd|""x"",1"`],
    ["", ""],
    ["a=1", "a=1"],
  ])("%j is written %j, so that a spreadsheet reads text and no formula", (value, written) => {
    const column = { name: "c", type: "text", cell: () => value } as const;
    expect(csvRow([column], null)).toBe(written);
  });

  test("a run's record has numbers as numbers, and nothing where nothing is", () => {
    const cells = (events: typeof refunded) =>
      Object.fromEntries(RECORD_COLUMNS.map((column) => [column.name, column.cell(runRecord(events))]));
    expect(cells(refunded)).toMatchObject({ cost_usd: 0.004, outcome_status: "refunded", records: refunded.length });
    expect(cells(open)).toMatchObject({ outcome_status: null, closed_at: null });
    expect(csvRow(RECORD_COLUMNS, runRecord(open))).toMatch(/,,,/);
  });
});
