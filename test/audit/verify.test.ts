import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { manifestOf } from "../../lib/audit/manifest.js";
import { createVerifier, reportLines, type VerifyReport, verifyText } from "../../lib/audit/verify.js";
import { jcs } from "../../lib/run/canonical.js";
import type { NewEvent, RecordedEvent } from "../../lib/run/events.js";
import { idempotencyKey } from "../../lib/run/hash.js";
import { lookedUp, RUN_ID, wholeRun } from "../run/support.js";
import { corpus, HOSTILE_JSON, naughtyJson, naughtyText } from "../support/hostile.js";
import { linesOf, rechained, refusedRun, rejectedRun } from "./support.js";

const verify = (lines: readonly string[]): VerifyReport => verifyText(lines.map((line) => `${line}\n`).join(""));
const messages = (lines: readonly string[]) => verify(lines).faults.map(({ message }) => message);

let lines: string[] = [];
const runs: (readonly RecordedEvent[])[] = [
  wholeRun().events,
  refusedRun("t1"),
  refusedRun("t2"),
  renamed(rejectedRun().events),
];
function renamed(events: readonly RecordedEvent[]): RecordedEvent[] {
  // another tenant is another run: hashes inside name run and step only
  return rechained(events.map((event) => ({ ...event, tenant: "umbrella" })));
}
beforeAll(async () => {
  lines = await linesOf(...runs);
});

test("a good export is valid, with and without a line end at the end", () => {
  const report = verify(lines);
  expect(report).toMatchObject({
    ok: true,
    runs: 4,
    validRuns: 4,
    records: lines.length - 1,
    validRecords: lines.length - 1,
    open: [],
    faults: [],
  });
  expect(verifyText(lines.join("\n"))).toEqual(report);
  expect(reportLines(report)).toEqual([`4 of 4 runs, ${lines.length - 1} of ${lines.length - 1} records valid`]);
});

test("an open run is valid and named as open", async () => {
  const report = verify(await linesOf(lookedUp().events));
  expect(report).toMatchObject({ ok: true, open: [RUN_ID] });
  expect(reportLines(report).at(-1)).toBe(`1 of 1 runs, 4 of 4 records valid; 1 still open: ${RUN_ID}`);
});

test("an empty export is valid, an empty file is not", async () => {
  expect(verify(await linesOf([]))).toMatchObject({ ok: true, runs: 0, records: 0 });
  expect(verifyText("").faults).toMatchObject([{ code: "CS-5108" }]);
});

test("names out of a file do nothing to the terminal that the verdict is shown on", async () => {
  const forged = `x\u001b[2K\r15 of 15 runs, 412 of 412 records valid\u202e\n`;
  const [first = "", ...others] = await linesOf(wholeRun().events);
  const line = first.replace(`"run_id":"${RUN_ID}"`, () => `"run_id":${JSON.stringify(forged)}`);
  expect(line).not.toBe(first);
  const report = verify([line, ...others]);
  expect(report.ok).toBe(false);
  expect(report.faults.some(({ message }) => message.includes(forged))).toBe(true);
  for (const shown of reportLines(report)) expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

describe("every tampered line is named", () => {
  const edited = (index: number, change: (line: string) => string) =>
    lines.map((line, at) => (at === index ? change(line) : line));

  test("edited", () => {
    expect(messages(edited(4, (line) => line.replace('"attempts":1', '"attempts":2')))).toEqual([
      `run ${RUN_ID}, record 5: hash differs from the content (edited); everything after it is unproven`,
    ]);
    expect(verify(edited(4, (line) => line.replace('"attempts":1', '"attempts":2')))).toMatchObject({
      runs: 4,
      validRuns: 3,
      records: lines.length - 1,
      validRecords: lines.length - 1 - (runs[0]?.length ?? 0) + 4,
    });
  });
  test("rewritten with another order of keys or more spaces", () => {
    const spaced = (line: string) => line.replace('"v":1', '"v": 1');
    expect(messages(edited(4, spaced))[0]).toMatch(/record 5: is not written canonically \(edited\)/);
    const reordered = (line: string) => jcs({ ...JSON.parse(line), at: undefined }).replace("{", `{"zz":0,`);
    expect(messages(edited(4, reordered))[0]).toMatch(/line 5: is not an event of this format/);
  });
  test("edited with its own hash made anew", () => {
    const forged = rechained(runs[0] ?? [], (event, seq) =>
      seq === 1 && event.type === "RunStarted" ? { ...event, data: { ...event.data, requester: "eve" } } : event,
    );
    expect(messages(edited(0, () => jcs(forged[0])))).toEqual([
      `run ${RUN_ID}, record 2: does not continue record 1 (replaced); everything after it is unproven`,
    ]);
  });
  test("the last record of a run replaced, hash and all", () => {
    const events = runs[0] ?? [];
    const forged = rechained(events, (event) =>
      event.type === "RunClosed"
        ? { ...event, data: { ...event.data, outcome: { status: "explained", reason: "x" } } }
        : event,
    );
    expect(messages(edited(events.length - 1, () => jcs(forged.at(-1))))).toEqual([
      `run ${RUN_ID}, record ${events.length}: is not the last record that the manifest names (replaced)`,
    ]);
  });
  test("removed", () => {
    expect(messages(lines.filter((_, index) => index !== 4))[0]).toBe(
      `run ${RUN_ID}, record 5: is missing here (removed or moved); everything after it is unproven`,
    );
    expect(messages(lines.filter((_, index) => index !== 4 && index !== 5))[0]).toMatch(
      /record 5: and 1 more are missing here/,
    );
    const events = runs[0] ?? [];
    expect(messages(lines.filter((_, index) => index !== events.length - 1))).toEqual([
      `run ${RUN_ID}, record ${events.length}: is missing: the manifest says ${events.length} records (truncated)`,
    ]);
    expect(messages(lines.filter((_, index) => index !== events.length))).toEqual([
      `run ${RUN_ID}: all 1 records are missing (removed)`,
    ]);
  });
  test("swapped", () => {
    const swapped = lines.with(4, lines[5] ?? "").with(5, lines[4] ?? "");
    expect(messages(swapped)).toEqual([
      `run ${RUN_ID}, record 5: is missing here (removed or moved); everything after it is unproven`,
      `run ${RUN_ID}, record 5: stands after a later record (swapped)`,
    ]);
    const border = runs[0]?.length ?? 0;
    expect(messages(lines.with(border - 1, lines[border] ?? "").with(border, lines[border - 1] ?? ""))).toEqual([
      `run ${RUN_ID}, record ${border}: stands among the records of another run (moved)`,
    ]);
    expect(messages(lines.with(border, lines[border + 1] ?? "").with(border + 1, lines[border] ?? ""))).toEqual([
      `run ${RUN_ID}: is not at the manifest's place (swapped)`,
    ]);
  });
  test("repeated", () => {
    expect(messages(lines.toSpliced(5, 0, lines[4] ?? ""))).toEqual([
      `run ${RUN_ID}, record 5: comes twice (repeated)`,
      `run ${RUN_ID}: has ${(runs[0]?.length ?? 0) + 1} records, the manifest says ${runs[0]?.length}`,
    ]);
  });
  test("cut off", () => {
    expect(messages(lines.slice(0, -1))).toEqual([
      `line ${lines.length - 1}: the manifest should follow (truncated); lines may be missing`,
    ]);
    expect(messages(edited(4, (line) => line.slice(0, 80)))[0]).toBe("line 5: is not JSON (changed or cut off)");
    expect(messages(lines.toSpliced(3, 0, ""))[0]).toBe("line 4: is not JSON (changed or cut off)");
  });
  test("the manifest", () => {
    const last = lines.length - 1;
    expect(messages(edited(last, (line) => line.replace('"events":1', '"events":2')))).toEqual([
      `line ${last + 1}: the manifest's hash differs from its content (edited)`,
    ]);
    expect(messages([...lines, lines[last] ?? ""])).toEqual([
      `line ${last + 2}: follows the manifest, which is an export's last line`,
    ]);
    const short = manifestOf(JSON.parse(lines[last] ?? "").runs.slice(1));
    expect(messages(edited(last, () => jcs(short)))).toEqual([
      `run ${RUN_ID}: is not in the manifest (added, or its lines were edited)`,
    ]);
  });
  test("forged sequence numbers do not fill the memory", () => {
    const event = { ...runs[0]?.[0], seq: 1_000_000_000 };
    expect(messages([jcs(event)])[0]).toMatch(/record 1: and 999999998 more are missing/);
  });

  test("any change, removal, swap, repetition or truncation anywhere is found", () => {
    const at = fc.nat({ max: 10_000 }).map((n) => n % lines.length);
    const tampering = fc.oneof(
      fc.tuple(fc.constant("change"), at, fc.nat(2000), fc.string({ minLength: 1, maxLength: 2 })),
      fc.tuple(fc.constant("cut"), at, fc.nat(2000), fc.constant("")),
      fc.tuple(fc.constantFrom("remove", "repeat", "truncate"), at, fc.nat(0), fc.constant("")),
      fc.tuple(fc.constant("swap"), at, fc.nat(10_000), fc.constant("")),
    );
    fc.assert(
      fc.property(tampering, ([how, index, number, text]) => {
        const line = lines[index] ?? "";
        const place = number % line.length;
        const other = number % lines.length;
        const tampered =
          {
            change: () => lines.with(index, line.slice(0, place) + text + line.slice(place + text.length)),
            cut: () => lines.with(index, line.slice(0, place)),
            remove: () => lines.toSpliced(index, 1),
            repeat: () => lines.toSpliced(index, 0, line),
            truncate: () => lines.slice(0, index),
            swap: () => lines.with(index, lines[other] ?? "").with(other, line),
          }[how]?.() ?? lines;
        fc.pre(tampered.join("\n") !== lines.join("\n"));
        const report = verify(tampered);
        expect(report.ok).toBe(false);
        expect(report.faults.length).toBeGreaterThan(0);
      }),
      { numRuns: 400 },
    );
  });
});

/** Who can write a chain of their own still cannot break the rules unseen. */
describe("a forged chain that breaks the rules is named", () => {
  type Change = (event: NewEvent, seq: number) => NewEvent;
  const forge = async (change: Change, from = runs[0] ?? []) => messages(await linesOf(rechained(from, change)));
  const where = (seq: number) => `run ${RUN_ID}, record ${seq}: `;
  const edit =
    <T extends NewEvent["type"]>(
      type: T,
      data: (data: Extract<NewEvent, { type: T }>["data"]) => object,
      only?: number,
    ): Change =>
    (event, seq) =>
      event.type === type && (only === undefined || only === seq)
        ? ({ ...event, data: { ...event.data, ...data(event.data as never) } } as NewEvent)
        : event;
  const withoutTypes = async (...types: string[]) =>
    messages(await linesOf(rechained((runs[0] ?? []).filter(({ type }) => !types.includes(type)))));
  const zeros = "0".repeat(64);

  test("a permit whose decision does not permit, or is about something else", async () => {
    expect(await forge(edit("ActionDecided", () => ({ decision: "deny" }), 3))).toEqual([
      `${where(4)}permits stripe.lookup_charge of turn 1, and no decision before it does`,
    ]);
    expect(await forge(edit("ActionPermitted", () => ({ args_hash: zeros }), 4))).toContain(
      `${where(4)}permits stripe.lookup_charge of turn 1, and no decision before it does`,
    );
    expect(await forge(edit("ActionDecided", () => ({ tier: null }), 3))).toEqual([
      `${where(4)}permits what a check or a policy denied`,
    ]);
    expect(
      await forge(
        edit("ActionDecided", ({ checks }) => ({ checks: checks.map((check) => ({ ...check, result: "failed" })) }), 3),
      ),
    ).toHaveLength(1);
    expect(await forge(edit("ActionDecided", () => ({ policy: null }), 3))).toHaveLength(1);
    expect((await withoutTypes("ActionDecided"))[0]).toMatch(/record 3: permits .*no decision before it does/);
  });
  test("a permit without the people it needs", async () => {
    expect(await withoutTypes("ApprovalDecided")).toEqual([`${where(10)}permitted with 0 of 1 approvals`]);
    expect((await withoutTypes("ApprovalRequested", "ApprovalDecided"))[0]).toMatch(/permitted with 0 of 1 approvals/);
    const approver = (name: string) => forge(edit("ApprovalDecided", () => ({ approver: name })));
    expect(await approver("dana@example.com")).toContain(`${where(9)}dana@example.com is not an approver`);
    expect(await approver("eve@example.com")).toHaveLength(2);
    expect(await forge(edit("ApprovalDecided", () => ({ decision: "reject" })))).toEqual([
      `${where(11)}permitted with 0 of 1 approvals`,
    ]);
    expect(await forge(edit("ApprovalDecided", () => ({ action_hash: zeros })))).toContain(
      `${where(9)}ana@example.com decided about something that was not asked`,
    );
    expect(await forge(edit("ApprovalDecided", () => ({ decided_at: "2026-11-22T00:00:00.000Z" })))).toContain(
      `${where(9)}ana@example.com decided after the deadline`,
    );
    expect(
      await forge(edit("ApprovalRequested", () => ({ approvers: ["dana@example.com", "ana@example.com"] }), 8)),
    ).toEqual([]);
    const requesterDecides: Change = (event, seq) =>
      edit("ApprovalDecided", () => ({ approver: "Dana@example.com" }))(
        edit("ApprovalRequested", () => ({ approvers: ["dana@example.com"] }))(event, seq),
        seq,
      );
    expect(await forge(requesterDecides)).toContain(`${where(9)}Dana@example.com asked for the run and decided`);
  });
  test("an approval that was void, or counted twice", async () => {
    const events = runs[0] ?? [];
    const requested = events.findIndex(({ type }) => type === "ApprovalRequested");
    const decision = events[requested + 1];
    if (decision === undefined) throw new Error();
    const twice = messages(await linesOf(rechained(events.toSpliced(requested + 2, 0, decision))));
    expect(twice).toEqual([`${where(10)}ana@example.com decided twice`]);
    const voided = {
      ...decision,
      type: "ApprovalVoided",
      data: { turn: 2, approval_id: "x", reason: "r" },
    } as RecordedEvent;
    expect(messages(await linesOf(rechained(events.toSpliced(requested + 2, 0, voided))))).toEqual([
      `${where(12)}permitted after the approval was rejected, expired or void`,
    ]);
  });
  test("an action hash or idempotency key of something else", async () => {
    expect(await forge(edit("ApprovalRequested", () => ({ action_hash: zeros })))).toContain(
      `${where(8)}action_hash is not the hash of the action that was proposed`,
    );
    expect(
      await forge(edit("ApprovalRequested", () => ({ needed: 1, deadline: "2026-11-21T17:00:00.000Z" }))),
    ).toContain(`${where(8)}action_hash is not the hash of the action that was proposed`);
    expect(await forge(edit("ActionPermitted", () => ({ action_hash: zeros }), 4))).toEqual([
      `${where(4)}action_hash is not the hash of the action that was proposed`,
    ]);
    expect(
      await forge(edit("ActionPermitted", () => ({ idempotency_key: idempotencyKey(RUN_ID, 9, zeros) }), 4)),
    ).toEqual([`${where(4)}the idempotency key does not belong to the action`]);
    expect(await forge(edit("ActionProposed", () => ({ contract_hash: zeros }), 6))).toContain(
      `${where(8)}action_hash is not the hash of the action that was proposed`,
    );
    expect(await forge(edit("ApprovalRequested", () => ({ turn: 7 })))).toContain(
      `${where(8)}asks 1 for turn 7, which was not decided so`,
    );
  });
  test("values that are not what their hash says", async () => {
    expect((await forge(edit("RunStarted", () => ({ input: {} }))))[0]).toBe(
      `${where(1)}input_hash is not the hash of the value beside it`,
    );
    expect((await forge(edit("ActionProposed", () => ({ args: {} }), 2)))[0]).toBe(
      `${where(2)}args_hash is not the hash of the value beside it`,
    );
    expect(await forge(edit("ToolReturned", () => ({ output: {} }), 5))).toEqual([
      `${where(5)}output_hash is not the hash of the value beside it`,
    ]);
    expect(await forge(edit("ActionDecided", () => ({ tool: "zendesk.reply" }), 3))).toContain(
      `${where(3)}decides about zendesk.reply of turn 1 with arguments that were not proposed`,
    );
  });
  test("a result without a permit, a second permit, sums that do not agree", async () => {
    expect((await withoutTypes("ActionPermitted"))[0]).toMatch(
      /the result of stripe.lookup_charge in turn 1 has no permit/,
    );
    expect((await withoutTypes("ToolReturned"))[0]).toMatch(/permits a second call before the first has an outcome/);
    expect(await forge(edit("RunClosed", () => ({ spent_micro_usd: 1 })))).toEqual([
      `${where(18)}turns, tool calls or cost are not those of the run's records`,
    ]);
  });
  test("a run that begins in the middle, begins twice or goes on after its end", async () => {
    expect((await withoutTypes("RunStarted"))[0]).toMatch(/record 1: the run begins with ActionProposed/);
    const events = runs[0] ?? [];
    const first = events[0];
    const finish = events.at(-2);
    if (first === undefined || finish === undefined) throw new Error();
    expect((await forge((event) => event, events.toSpliced(1, 0, first)))[0]).toBe(
      `${where(2)}RunStarted in the middle of a run`,
    );
    expect(await forge((event) => event, [...events, finish])).toEqual([
      `${where(19)}FinishProposed follows RunClosed, the end of the run`,
    ]);
    expect(await forge((event) => event, [...refusedRun("acme"), first])).toEqual([
      `${where(2)}RunStarted follows RunRefused, the end of the run`,
    ]);
  });
});

test("hostile lines are faults, never exceptions", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.constantFrom('{"type":"ExportManifest"}', "null", "[]", '"x"', '{"\\ud800":1}'),
        ),
      ),
      (hostile) => {
        const verifier = createVerifier();
        for (const line of hostile) verifier.add(line);
        expect(verifier.finish().ok).toBe(false);
      },
    ),
  );
  const surrogate = lines.map((line, index) => (index === 0 ? line.replace("dana@", "\\ud800@") : line));
  expect(messages(surrogate)[0]).toMatch(/record 1: is not written canonically/);
});

describe("hostile lines", () => {
  const named = (line: string) => verify(lines.with(0, line)).faults[0];

  test.each(Object.entries(HOSTILE_JSON))("%s is a fault of its line, alone or inside a record", (_name, text) => {
    for (const line of [text, `{"v":${text}}`, (lines[0] ?? "").replace('"input":{', `"input":{"z":${text},`)].filter(
      (line) => !line.includes("\n"),
    ))
      expect(named(line)).toMatchObject({ line: 1, code: expect.stringMatching(/^CS-510[12]$/) });
  });

  test("a record with a name that schemas drop is refused, however well it is chained", async () => {
    const planted = await linesOf(
      rechained(runs[0] ?? [], (event) =>
        event.type === "RunStarted"
          ? { ...event, data: { ...event.data, input: JSON.parse('{"a":1,"__proto__":{"amount":1}}') } }
          : event,
      ),
    );
    expect(verify(planted).faults[0]).toMatchObject({
      code: "CS-5101",
      message: 'line 1: cannot be read: an object in it has the key "__proto__"',
    });
  });

  test("every text as a line gives a report", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            naughtyText,
            naughtyJson.map((value) => JSON.stringify(value)),
          ),
          { maxLength: 4 },
        ),
        (texts) => {
          expect(verify(texts).ok).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each(corpus("export"))("$name", ({ verdict, bytes }) => {
    expect(verifyText(bytes.toString("utf8")).faults[0]?.code ?? "ok").toBe(verdict);
  });
});
