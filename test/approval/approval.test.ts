import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changesOf } from "../../lib/approval/changes.js";
import { hashCode, isCode, newCode, readCode, showCode } from "../../lib/approval/code.js";
import { type Question, stateOf } from "../../lib/approval/question.js";
import { matchesHash } from "../../lib/approval/status.js";
import { durationText, instantText } from "../../lib/approval/times.js";
import { visible } from "../../lib/approval/visible.js";
import { askedOf } from "../../lib/run/closing.js";
import type { ApprovalDecision } from "../../lib/run/events.js";
import { viewHash } from "../../lib/run/hash.js";
import { isSamePerson } from "../../lib/run/people.js";
import { approvalViewOf, SENSITIVE } from "./fixture.js";

describe("codes", () => {
  test("have eight characters that are not mistaken for others, and are read as people type them", () => {
    for (let index = 0; index < 200; index++) {
      const code = newCode();
      expect(code).toMatch(/^[A-HJKMNP-Z2-9]{8}$/);
      for (const typed of [
        showCode(code),
        code.toLowerCase(),
        ` ${code.slice(0, 3)} ${code.slice(3)}\n`,
        showCode(code).replace("-", "–"),
      ])
        expect(readCode(typed)).toBe(code);
    }
  });
  test("what is no code is not read as one", () => {
    for (const typed of ["", "ABCD", "ABCDEFGHJ", "ABCDEFG0", "ABCDEFGI", "ABCD EFG!", "ÄBCDEFGH"])
      expect(readCode(typed)).toBeUndefined();
    fc.assert(
      fc.property(
        fc.string(),
        (typed) => readCode(typed) === undefined || /^[A-HJKMNP-Z2-9]{8}$/.test(readCode(typed) ?? ""),
      ),
    );
  });
  test("only the right code under the right salt matches", async () => {
    const salt = "0".repeat(32);
    const hash = await hashCode("ABCDEFGH", salt);
    expect(hash).not.toContain("ABCDEFGH");
    expect(await isCode("ABCDEFGH", salt, hash)).toBe(true);
    expect(await isCode("ABCDEFGJ", salt, hash)).toBe(false);
    expect(await isCode("ABCDEFGH", "1".repeat(32), hash)).toBe(false);
    expect(await isCode("ABCDEFGH", salt, "")).toBe(false);
  });
});

test("a requester is recognised by session or user name", () => {
  const arn = "arn:aws:sts::1:assumed-role/Requester/Dana@Example.com";
  expect(isSamePerson(arn, "dana@example.com")).toBe(true);
  expect(isSamePerson("arn:aws:iam::1:user/dana@example.com", "dana@example.com")).toBe(true);
  expect(isSamePerson(arn, "ana@example.com")).toBe(false);
  expect(isSamePerson("arn:aws:sts::1:assumed-role/dana@example.com/session", "dana@example.com")).toBe(false);
});

describe("an approval", () => {
  const view = approvalViewOf({ needed: 2 });
  const decision = (approver: string, over: Partial<ApprovalDecision> = {}): ApprovalDecision => ({
    approval_id: view.approval_id,
    approver,
    decision: "approve",
    channel: "page",
    comment: "",
    decided_at: "2026-11-21T13:05:00.000Z",
    action_hash: view.action_hash,
    policy_set_hash: view.policy_set_hash,
    view_hash: viewHash(view),
    ...over,
  });
  const before = Date.parse(view.deadline) - 1;
  test("is open until enough people approve, one rejects, or the time is over", () => {
    const state = (decisions: readonly ApprovalDecision[], nowMs: number, over: Partial<Question> = {}) =>
      stateOf(
        {
          ref: { workflow: view.workflow, approvalId: view.approval_id },
          view,
          asked: askedOf(view, viewHash(view)),
          decisions,
          acts: [],
          closing: null,
          outcomes: [],
          ...over,
        },
        nowMs,
      );
    const [ana, bo] = [decision("ana@example.com"), decision("bo@example.com")];
    expect(state([], before)).toEqual({ kind: "open", approvals: 0 });
    expect(state([ana], before)).toEqual({ kind: "open", approvals: 1 });
    expect(state([ana, ana], before)).toEqual({ kind: "open", approvals: 1 });
    expect(state([ana, decision("eve@example.com")], before)).toEqual({ kind: "open", approvals: 1 });
    expect(state([ana, bo], before)).toEqual({ kind: "approved" });
    expect(state([ana, { ...bo, decision: "reject" }], before)).toEqual({ kind: "rejected" });
    expect(state([ana], before + 1)).toEqual({ kind: "expired", approvals: 1 });
    expect(state([ana, bo], before + 1)).toEqual({ kind: "approved" });
    expect(state([ana, { ...bo, action_hash: "e".repeat(64) }], before)).toEqual({ kind: "open", approvals: 1 });
    const at = "2026-11-21T13:06:00.000Z";
    const approved = { kind: "approved", at, by: ["ana@example.com", "bo@example.com"] } as const;
    // What came after the row that ended it changes nothing, and what became of it is said.
    expect(
      state([ana, { ...bo, decision: "reject" }], before, { closing: { ...approved, by: [...approved.by] } }),
    ).toEqual({
      kind: "approved",
    });
    const voided = { kind: "voided", at, reasons: ["changed"], next_approval_id: null } as const;
    expect(
      state([ana, bo], before, {
        closing: { ...approved, by: [...approved.by] },
        outcomes: [{ ...voided, reasons: [...voided.reasons] }],
      }),
    ).toEqual({ kind: "voided", reasons: ["changed"] });
  });
  test("is what the gate hashed, or it is not shown", () => {
    const view = approvalViewOf(SENSITIVE);
    expect(matchesHash(view)).toBe(true);
    const changes = [
      { args: { ...view.args, amount_cents: 1 } },
      { args: { ...view.args, memo: "for me" } },
      { nonces: {} },
      { stage: "prod" },
      { deadline: "2027-01-01T00:00:00.000Z" },
      { tool: "zendesk.reply" },
      { turn: 5 },
      { run_id: "other" },
      { contract_hash: "e".repeat(64) },
      { sensitive_paths: [] },
    ];
    for (const change of changes) expect(matchesHash({ ...view, ...change }), JSON.stringify(change)).toBe(false);
  });
});

describe("text in which nothing hides", () => {
  const drawn = (text: string) =>
    visible(text)
      .map((segment) => segment.text)
      .join("");
  test("marks edges, line ends, and what has no shape", () => {
    expect(drawn(" a  b\n")).toBe("·a ·b⏎\n");
    expect(drawn("a\tb")).toBe("a⇥b");
    expect(drawn("pay\u200bpal \u202eevil")).toBe("pay[U+200B]pal [U+202E]evil");
    expect(drawn("a\u0000b\u001b[31m")).toBe("a[U+0000]b[U+001B][31m");
    expect(drawn("Größe 日本 €420")).toBe("Größe 日本 €420");
    expect(visible("x\u00a0y")[1]).toEqual({ text: "[U+00A0]", mark: "no-break space U+00A0" });
  });
  test("no character is lost and none that hides is drawn as it is", () => {
    const hides = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.string({ unit: fc.constantFrom(" ", "\n", "\t", "a", "\u200b", "\u202e", "\u00a0") }),
        ),
        (text) => {
          const segments = visible(text);
          const plain = segments
            .filter(({ mark }) => mark === undefined)
            .map((segment) => segment.text)
            .join("");
          const marks = segments.filter(({ mark }) => mark !== undefined).length;
          return (
            !hides.test(plain) &&
            [...plain].length + marks === [...text].length &&
            !hides.test(drawn(text).replaceAll("⏎\n", ""))
          );
        },
      ),
    );
  });
});

test("changes are told field by field, money as money", () => {
  const before = { currency: "eur", refunded_cents: 0, items: [{ note: "a" }], gone: true, same: 1 };
  const after = { currency: "eur", refunded_cents: 42_000, items: [{ note: "b" }, {}], same: 1 };
  expect(changesOf({ before, after, notes: [] })).toEqual([
    { field: "currency", before: "eur", after: "eur", changed: false },
    { field: "refunded_cents", before: "€0.00 (0)", after: "€420.00 (42000)", changed: true },
    { field: "items[0].note", before: "a", after: "b", changed: true },
    { field: "gone", before: "true", after: undefined, changed: true },
    { field: "same", before: "1", after: "1", changed: false },
    { field: "items[1]", before: undefined, after: "{}", changed: true },
  ]);
});

test("times are told in the contract's zone and in UTC", () => {
  expect(instantText("2026-11-21T17:04:00.000Z", "Europe/Berlin")).toBe(
    "18:04 Europe/Berlin on Sat 21 Nov 2026 (17:04 UTC)",
  );
  expect(instantText("2026-11-21T17:04:00.000Z", "UTC")).toBe("17:04 UTC on Sat 21 Nov 2026");
  expect([0, 999, 45_000, 60_000, 13_920_000, 3_600_000, 187_200_000].map(durationText)).toEqual([
    "0 s",
    "0 s",
    "45 s",
    "1 min",
    "3 h 52 min",
    "1 h",
    "2 d 4 h",
  ]);
});
