/** Who may decide, and what is kept of what people did: handed on, escalated, edited again, answered with rows that do not fit together. */
import { describe, expect, test } from "vitest";
import { type ApprovalAct, actSk, approvalAct } from "../../lib/run/acts.js";
import { askedIn, resolveApproval } from "../../lib/run/approvals.js";
import { decidersOf, type Panel, standingOf } from "../../lib/run/panel.js";
import { foldRun, type Pending } from "../../lib/run/state.js";
import type { JsonObject } from "../../lib/run/types.js";
import { act, contract, lookedUp, REFUND, type World } from "./support.js";

const [ana, bo, lee, max] = ["ana@example.com", "bo@example.com", "lee@example.com", "max@example.com"];
const at = (minute: number) => new Date(Date.parse("2026-11-21T12:00:00.000Z") + minute * 60_000).toISOString();
const minutes = (world: World, count: number) => {
  world.now += count * 60_000;
};
const asking = (args: JsonObject = REFUND, world = lookedUp()) => {
  world.propose(act("stripe.refund", args, { rationale: "double" }));
  return world;
};
const notes = (world: World) => world.events.flatMap((event) => (event.type === "ApprovalNoted" ? [event.data] : []));

describe("GIVEN ana and bo are asked, lee from 14:00 on, max may be handed it", () => {
  const panel: Panel = { approvers: [ana, bo], escalation: [{ at: at(120), people: [lee] }], delegates: [max] };
  const hands = (by: string, to: string, minute: number) => ({ by, to, at: at(minute) });

  test.each([
    ["an approver", [], ana, 0, "decider"],
    ["an approver in other letters", [], "ANA@example.com", 0, "decider"],
    ["a stranger", [], "eve@example.com", 0, "nobody"],
    ["who is asked later, before", [], lee, 119, "later"],
    ["who is asked later, from that minute on", [], lee, 120, "decider"],
    ["who may be handed it and was not", [], max, 200, "later"],
    ["who was handed it", [hands(ana, max, 10)], max, 10, "decider"],
    ["who was handed it, before that", [hands(ana, max, 10)], max, 9, "later"],
    ["who handed it on", [hands(ana, max, 10)], ana, 10, "delegated"],
    ["who handed it on, before that", [hands(ana, max, 10)], ana, 9, "decider"],
    ["handed on by a stranger", [hands("eve@example.com", max, 10)], max, 11, "later"],
    ["handed on by who had no say yet", [hands(lee, max, 10)], max, 11, "later"],
    ["handed to a stranger, the stranger", [hands(ana, "eve@example.com", 10)], "eve@example.com", 11, "nobody"],
    ["handed to a stranger, the approver", [hands(ana, "eve@example.com", 10)], ana, 11, "decider"],
    ["handed on by who was handed it", [hands(ana, max, 10), hands(max, lee, 11)], lee, 12, "decider"],
    ["handed back: the first", [hands(ana, bo, 10), hands(bo, ana, 11)], ana, 12, "delegated"],
    ["handed back: the second keeps it", [hands(ana, bo, 10), hands(bo, ana, 11)], bo, 12, "decider"],
    ["rows in another order than the clock's", [hands(max, lee, 11), hands(ana, max, 10)], lee, 12, "decider"],
  ] as const)("%s", (_, delegations, person, minute, standing) => {
    expect(standingOf(panel, delegations, person, at(minute))).toBe(standing);
  });

  test("everybody who decides at a time is listed once, by the name that was asked", () => {
    expect(decidersOf(panel, [], at(0))).toEqual([ana, bo]);
    expect(decidersOf(panel, [hands(ana, max, 10)], at(10))).toEqual([bo, max]);
    expect(decidersOf({ ...panel, delegates: [max, "Ana@example.com"] }, [], at(120))).toHaveLength(3);
  });
});

describe("GIVEN a question is open", () => {
  const acted = { channel: "page", method: "oidc" } as const;

  test("WHEN people ask, answer, hand on, want a code and are refused THEN each is noted, and what they wrote is sealed", () => {
    const world = asking();
    const acts: readonly ApprovalAct[] = [
      { kind: "question", id: "q1", by: ana, ...acted, at: at(1), text: "why twice?" },
      { kind: "answer", id: "a1", question: "q1", by: "owner@example.com", ...acted, at: at(2), text: "the bank did" },
      { kind: "delegation", by: bo, to: max, ...acted, at: at(3), comment: "on holiday" },
      { kind: "delegation", by: lee, to: max, ...acted, at: at(3), comment: "" },
      { kind: "code-wish", link: "l1", issue: 1, by: ana, at: at(4) },
      { kind: "refused", code: "CS-2119", channel: "slack", who: bo, at: at(5) },
    ];
    world.acts = acts.map((one) => approvalAct.parse(one));
    minutes(world, 6);

    world.decides(ana).approval();

    const sealed = { $commitment: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(notes(world).map(({ turn: _t, approval_id: _a, ...note }) => note)).toEqual([
      { kind: "question", by: ana, to: null, at: at(1), channel: "page", text: sealed, code: null },
      { kind: "answer", by: "owner@example.com", to: null, at: at(2), channel: "page", text: sealed, code: null },
      { kind: "delegation", by: bo, to: max, at: at(3), channel: "page", text: sealed, code: null },
      { kind: "delegation", by: lee, to: max, at: at(3), channel: "page", text: null, code: null },
      { kind: "code", by: ana, to: ana, at: at(4), channel: null, text: null, code: null },
      { kind: "refusal", by: bo, to: null, at: at(5), channel: "slack", text: null, code: "CS-2119" },
    ]);
    expect(JSON.stringify(world.events)).not.toMatch(/why twice|the bank did|on holiday/);
    expect([...world.vault.values()].flatMap((values) => Object.values(values).map(({ value }) => value))).toEqual(
      expect.arrayContaining(["why twice?", "the bank did", "on holiday"]),
    );
  });

  test("WHEN its escalation's time has come THEN that is noted before what people did, and its people count", () => {
    const world = asking();
    minutes(world, 121);
    world.acts = [{ kind: "question", id: "q", by: lee, ...acted, at: at(121), text: "what is this?" }];

    world.decides(lee).approval();

    expect(notes(world)).toMatchObject([
      { kind: "escalation", by: "the clock", to: lee, at: at(120) },
      { kind: "question", by: lee },
    ]);
    expect(world.last).toMatchObject({ decision: "permit" });
  });

  test("WHEN people were reminded and told THEN the log says whom each message reached and when, after what time did by itself", () => {
    const world = asking();
    minutes(world, 121);
    world.told = [
      { kind: "reminder", n: 1, to: ana, at: at(60) },
      { kind: "reminder", n: 1, to: bo, at: at(61) },
      { kind: "escalation", n: 1, to: lee, at: at(120) },
      { kind: "reminder", n: 2, to: ana, at: at(121) },
    ];

    world.decides(ana).approval();

    expect(notes(world)).toMatchObject([
      { kind: "escalation", by: "the clock", to: lee, at: at(120) },
      {
        kind: "reminder",
        by: "approval-sender",
        to: `${ana}, ${bo}`,
        at: at(60),
        channel: null,
        text: null,
        code: null,
      },
      { kind: "escalation", by: "approval-sender", to: lee, at: at(120) },
      { kind: "reminder", by: "approval-sender", to: ana, at: at(121) },
    ]);
    expect(world.last).toMatchObject({ decision: "permit" });
  });

  test("WHEN more was done than the log's transaction holds THEN the decision is recorded all the same", () => {
    const world = asking();
    world.acts = Array.from({ length: 90 }, (_, n) => ({
      kind: "question",
      id: `q${n}`,
      by: ana,
      ...acted,
      at: at(0),
      text: `${n}`,
    }));

    world.decides(ana).approval();

    expect(notes(world)).toHaveLength(60);
    expect(world.last).toMatchObject({ decision: "permit" });
  });

  test("WHEN a person edits what was edited before THEN the round is the third, and the agent's own arguments are still shown", () => {
    const world = asking();
    world.edits(ana, { ...REFUND, amount_cents: 20_000 }).approval();
    minutes(world, 1);

    world.edits(bo, { ...REFUND, amount_cents: 10_000 }).approval();

    expect(world.last).toMatchObject({
      decision: "ask",
      round: 2,
      action: { args: { amount_cents: 10_000 } },
      approval: { edited_by: bo, original_args: REFUND, round: 2 },
    });
    minutes(world, 1);
    world.edits(ana, { ...REFUND, amount_cents: "much" }).approval();
    expect(world.lastAsk().approval).toMatchObject({
      round: 3,
      args: { amount_cents: 10_000 },
      edited_by: bo,
      original_args: REFUND,
      edit_refused: { by: ana },
    });
  });

  test("WHEN a step of a round that is over comes again THEN nothing is decided", () => {
    const world = asking();
    const first = world.request("approval");
    world.edits(ana, { ...REFUND, amount_cents: 20_000 }).approval();
    const later = world.request("approval");
    world.edits(bo, { ...REFUND, amount_cents: 10_000 }).approval();

    expect(() => world.run(first)).toThrow(/the run has gone past it/);
    expect(() => world.run(later)).not.toThrow();
    if (first.phase !== "approval") throw new Error("no approval");
    expect(() => world.run({ ...first, round: 7 })).toThrow(/the question was put again, 2 times/);
  });

  test.each([
    ["a check of the gate's fails", { ...REFUND, charge_id: "ch_other" }, /CS-3115 dependencies/],
    ["it is nested without end", { ...REFUND, memo: nested(70) }, /CS-3103 schema: .*nested too deep/],
  ])("WHEN it is edited and %s THEN it is put again with the reason", (_, args, why) => {
    const world = asking();

    world.edits(ana, args).approval();

    expect(world.lastAsk().approval).toMatchObject({
      args: REFUND,
      edited_by: null,
      edit_refused: { by: ana, reasons: [expect.stringMatching(why)] },
    });
    expect(world.data("ApprovalVoided").reason).toMatch(/^CS-3130 the edit by ana@example.com was not taken: CS-31/);
  });

  test("WHEN it is edited after the contract changed THEN neither the edit nor the question stands", () => {
    const world = asking();
    world.edits(ana, { ...REFUND, amount_cents: 20_000 });
    world.hashes = { ...world.hashes, contractHash: "e".repeat(64) };

    expect(world.approval()).toMatchObject({ decision: "deny", turn: 3 });

    expect(world.types().slice(-2)).toEqual(["ApprovalVoided", "ActionDecided"]);
    expect(world.data("ActionDecided").reasons).toEqual([expect.stringMatching(/^CS-3123 the contract or the tool's/)]);
    expect(world.types()).not.toContain("ActionEdited");
  });

  test("WHEN it is edited after the tool's schema changed THEN neither stands either", () => {
    const world = asking();
    world.edits(ana, { ...REFUND, amount_cents: 20_000 });
    world.hashes = { ...world.hashes, toolSchemaHashes: { ...world.hashes.toolSchemaHashes, "stripe.refund": "e" } };

    expect(world.approval()).toMatchObject({ decision: "deny", turn: 3 });
    expect(world.types()).not.toContain("ActionEdited");
  });

  test("WHEN it is edited while the workflow is stopped THEN nothing is asked and the run ends", () => {
    const world = asking();
    world.edits(ana, { ...REFUND, amount_cents: 20_000 });
    world.brake = { on: true, by: "op@example.com", at: at(0), reason: "incident" };

    expect(world.approval()).toMatchObject({ decision: "finish", outcome: { status: "stopped", reason: "brake" } });

    expect(world.types().slice(-4)).toEqual(["ApprovalNoted", "ApprovalVoided", "ActionDecided", "RunClosed"]);
  });

  test.each(["approved", "rejected", "edited"] as const)(
    "WHEN the closing row says %s and nobody did that THEN nothing runs",
    (kind) => {
      const world = asking();
      world.closing = { kind, at: at(0), by: [ana] };

      expect(world.approval()).toMatchObject({ decision: "deny", turn: 3 });

      expect(world.types().slice(-2)).toEqual(["ApprovalVoided", "ActionDecided"]);
      expect(world.data("ActionDecided")).toMatchObject({ approvals: 0, reasons: [expect.stringMatching(/^CS-3132/)] });
      expect(world.data("ActionDecided").checks.every(({ result }) => result === "skipped")).toBe(true);
    },
  );

  test("WHEN the closing row says rejected and somebody approved later THEN only who came before is on record", () => {
    const world = asking({ ...REFUND, amount_cents: 150_000 });
    world.decides(ana, "reject");
    minutes(world, 1);
    world.decides(bo);
    world.closing = { kind: "rejected", at: at(1), by: [ana] };

    world.approval();

    expect(world.types().filter((type) => type === "ApprovalDecided")).toHaveLength(1);
    expect(world.data("ActionDecided")).toMatchObject({ decision: "deny", approvals: 0 });
  });

  test("WHEN the closing row says expired with one of two THEN that one is on record, and no more than one", () => {
    const world = asking({ ...REFUND, amount_cents: 150_000 });
    world.decides(ana).decides(bo);
    world.closing = { kind: "expired", at: at(240), by: [] };

    world.approval();

    expect(world.data("ActionDecided").reasons[0]).toMatch(/^CS-3122 .*1 of 2/);
  });
});

describe("GIVEN rows that a closing row chooses from", () => {
  type Said = readonly [person: string, decision: "approve" | "reject", minute: number];
  const cy = "cy@example.com";
  const resolved = (needed: 1 | 2, said: readonly Said[], kind: "approved" | "rejected" | "expired", by: string[]) => {
    const first = [ana, bo, cy];
    const world = asking(
      needed === 1 ? REFUND : { ...REFUND, amount_cents: 150_000 },
      lookedUp({ approvers: { ...contract.approvers, first } }),
    );
    for (const [person, decision, minute] of said) world.decides(person, decision, { decided_at: at(minute) });
    const state = foldRun(world.events);
    if (state.status !== "open" || state.pending === null) throw new Error("nobody is asked");
    const rows = { decisions: world.decisions, acts: [], closing: { kind, at: at(9), by } };
    const { kind: found, ...rest } = resolveApproval(state.pending, rows, "dana@example.com", world.now);
    const counted = "decisions" in rest ? rest.decisions : [];
    return [found, ...counted.map(({ approver, decision }) => `${approver.slice(0, 2)} ${decision}`)];
  };

  test("WHEN it names the second who approved THEN that one counts and the first does not", () => {
    const said: Said[] = [
      [ana, "approve", 1],
      [bo, "approve", 2],
    ];
    expect(resolved(1, said, "approved", [bo])).toEqual(["approved", "bo approve"]);
    expect(resolved(1, said, "approved", ["BO@example.com"])).toEqual(["approved", "bo approve"]);
  });
  test("WHEN it names more than were needed THEN as many as were needed count", () => {
    const said: Said[] = [
      [ana, "approve", 1],
      [bo, "approve", 2],
    ];
    expect(resolved(1, said, "approved", [ana, bo])).toEqual(["approved", "an approve"]);
  });
  test("WHEN it says approved by two of whom one rejected THEN nothing holds", () => {
    const said: Said[] = [
      [ana, "approve", 1],
      [bo, "reject", 2],
    ];
    expect(resolved(2, said, "approved", [ana, bo])).toEqual(["broken"]);
    expect(resolved(1, [[ana, "reject", 1]], "approved", [ana])).toEqual(["broken"]);
  });
  test("WHEN it says rejected by somebody who approved THEN nothing holds", () => {
    expect(resolved(1, [[ana, "approve", 1]], "rejected", [ana])).toEqual(["broken"]);
    expect(
      resolved(
        1,
        [
          [ana, "approve", 1],
          [bo, "reject", 2],
        ],
        "rejected",
        [ana],
      ),
    ).toEqual(["broken"]);
  });
  test("WHEN two rejected THEN who approved before both is on record, and who approved between is not", () => {
    const said: Said[] = [
      [ana, "reject", 2],
      [bo, "reject", 4],
      [cy, "approve", 3],
    ];
    expect(resolved(2, said, "rejected", [ana, bo])).toEqual(["rejected", "an reject", "bo reject"]);
    const before: Said[] = [
      [ana, "reject", 2],
      [bo, "reject", 4],
      [cy, "approve", 1],
    ];
    expect(resolved(2, before, "rejected", [ana, bo])).toEqual(["rejected", "cy approve", "an reject", "bo reject"]);
  });
  test("WHEN somebody approved at the same moment as the rejection THEN one decision is on record where one was needed", () => {
    const said: Said[] = [
      [ana, "approve", 1],
      [cy, "approve", 1],
      [bo, "reject", 2],
    ];
    expect(resolved(1, said, "rejected", [bo])).toEqual(["rejected", "bo reject"]);
    expect(resolved(2, said, "rejected", [bo])).toEqual(["rejected", "an approve", "bo reject"]);
  });
  test("WHEN it says expired THEN only approvals are on record, fewer than were needed", () => {
    const said: Said[] = [
      [ana, "reject", 1],
      [bo, "approve", 2],
      [cy, "approve", 3],
    ];
    expect(resolved(2, said, "expired", [])).toEqual(["expired", "bo approve"]);
  });
});

test("GIVEN a question of a log from before there was more than the code WHEN it is answered THEN a mailed code counts", () => {
  const world = asking();
  const state = foldRun(world.events);
  if (state.status !== "open" || state.pending === null) throw new Error("nobody is asked");
  const { sign_in: _s, escalation: _e, delegates: _d, ...requested } = state.pending.requested;
  const pending: Pending = { ...state.pending, requested };
  const { decisions } = world.decides(ana, "approve", { method: undefined });

  expect(askedIn(pending, "dana@example.com")).toMatchObject({ sign_in: "code", escalation: [], delegates: [] });
  expect(resolveApproval(pending, { decisions, acts: [], closing: null }, "dana@example.com", world.now)).toMatchObject(
    { kind: "approved", decisions: [{ approver: ana }] },
  );
});

test("GIVEN two are needed WHEN one decides with a mailed code, or says no method THEN that one does not count", () => {
  const world = asking({ ...REFUND, amount_cents: 150_000 });
  world.decides(ana).decides(bo, "approve", { method: undefined });

  expect(world.approval()).toMatchObject({ decision: "ask" });
});

test.each([
  [{ kind: "edit", n: 2 }, "edit#0002"],
  [{ kind: "question", id: "q1" }, "question#q1"],
  [{ kind: "answer", id: "a1", question: "q1" }, "answer#a1"],
  [{ kind: "delegation", to: max }, `delegation#${ana}`],
  [{ kind: "code-wish", link: "l1", issue: 3 }, "code-wish#l1#0003"],
  [{ kind: "refused", code: "CS-2119", who: bo }, `refused#CS-2119#page#${bo}`],
])("what may be there once has one key: %j", (about, key) => {
  const filled = {
    edit: { args: {}, action_hash: "a".repeat(64), view_hash: "b".repeat(64) },
    question: { text: "?" },
    answer: { text: "!" },
    delegation: { comment: "" },
  }[about.kind];
  const who = { by: ana, channel: "page", method: "oidc", at: at(0) };
  const plain = { "code-wish": { by: ana, at: at(0) }, refused: { channel: "page", at: at(0) } }[about.kind];
  const row = approvalAct.parse({ ...(plain ?? who), ...filled, ...about });
  expect(actSk(row)).toBe(key);
});

function nested(levels: number): JsonObject {
  let value: JsonObject = {};
  for (let level = 0; level < levels; level += 1) value = { in: value };
  return value;
}
