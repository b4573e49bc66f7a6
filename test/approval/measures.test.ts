/** What questions measure: the same from the log as from the table, each once, and nothing that nobody did. */
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { NAMESPACE } from "../../lambdas/shared/approval-metrics.js";
import { tellOutcomes } from "../../lambdas/shared/tell-outcomes.js";
import { HURRIED_MS, type Measured, measuredEvents, measuredRows } from "../../lib/approval/measures.js";
import type { Question } from "../../lib/approval/question.js";
import { type AskedOf, statsOf } from "../../lib/approval/stats.js";
import { askedOf, closingOf } from "../../lib/run/closing.js";
import { viewHash } from "../../lib/run/hash.js";
import { outcomesOf } from "../../lib/run/outcomes.js";
import { act, lookedUp, REFUND, RUN_ID, type World } from "../run/support.js";
import { memoryApprovals } from "../support/memory-approvals.js";

const [ana, bo, lee, max] = ["ana@example.com", "bo@example.com", "lee@example.com", "max@example.com"];
const NOON = Date.parse("2026-11-21T12:00:00.000Z");
const at = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();
const acted = { channel: "page", method: "oidc" } as const;
afterEach(() => void vi.restoreAllMocks());

/** A question that the gate asked at noon. */
function asking(): World {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND, { rationale: "double" }));
  return world;
}

/** The gate decides `seconds` after noon; the question as the table has it, and as the log has it. */
function ended(world: World, seconds: number): { readonly rows: Measured | null; readonly log: Measured | null } {
  const view = world.lastAsk().approval;
  world.now = NOON + seconds * 1000;
  const asked = askedOf(view, viewHash(view));
  const closing = closingOf(asked, world.decisions, world.acts, world.now);
  const before = world.events.length;
  world.closing = closing;
  world.approval();
  const [known] = outcomesOf(world.events.slice(before), world.events);
  const ref = { workflow: view.workflow, approvalId: view.approval_id };
  const { decisions, acts } = world;
  const outcomes = known === undefined ? [] : [known.outcome];
  const question: Question = { ref, view, asked, decisions, acts, closing, outcomes };
  return {
    rows: measuredRows(question, world.now),
    log: known === undefined ? null : measuredEvents(world.events, known),
  };
}

describe("GIVEN people were asked about a refund at noon", () => {
  test("WHEN ana approves at 12:10, a page before her since 12:09:58, THEN it took ten minutes, and nobody read it", () => {
    const world = asking();
    world.now = NOON + 600_000;
    world.decides(ana, "approve", { opened_at: at(598) });
    const { rows, log } = ended(world, 601);
    expect(rows).toEqual({
      workflow: "billing-dispute",
      tool: "stripe.refund",
      askedAt: at(0),
      end: "approved",
      channel: "page",
      takenMs: 600_000,
      decisions: [{ decision: "approve", channel: "page", takenMs: 2_000, hurried: true }],
    });
    expect(log).toEqual(rows);
  });

  test("WHEN no page says when it was opened THEN it counts from when the person could first decide", () => {
    const fast = asking();
    fast.now = NOON + 2_999;
    fast.decides(ana, "approve", { channel: "slack" });
    expect(ended(fast, 3).rows?.decisions).toEqual([
      { decision: "approve", channel: "slack", takenMs: 2_999, hurried: true },
    ]);
    const handed = asking();
    handed.acts = [{ kind: "delegation", by: ana, ...acted, at: at(100), to: max, comment: "" }];
    handed.now = NOON + 105_000;
    handed.decides(max, "approve", { channel: "cli" });
    expect(ended(handed, 110).rows).toMatchObject({
      takenMs: 105_000,
      decisions: [{ takenMs: 5_000, hurried: false }],
    });
    const brought = asking();
    brought.now = NOON + 7_201_000;
    brought.decides(lee, "reject", { channel: "cli", comment: "no" });
    expect(ended(brought, 7_300).rows).toMatchObject({
      end: "rejected",
      decisions: [{ takenMs: 1_000, hurried: true }],
    });
  });

  test("WHEN it expires, is edited or is still open THEN that is said, and no time is invented", () => {
    const silent = asking();
    const deadline = Date.parse(silent.lastAsk().approval.deadline) - NOON;
    expect(ended(silent, deadline / 1000 + 1).rows).toMatchObject({
      end: "expired",
      channel: null,
      takenMs: null,
      decisions: [],
    });
    const edited = asking();
    edited.now = NOON + 30_000;
    edited.edits(bo, { ...REFUND, amount_cents: 20_000 });
    const { rows, log } = ended(edited, 31);
    expect(rows).toMatchObject({ end: "edited", takenMs: 30_000, decisions: [] });
    expect(log).toEqual(rows);
    expect(ended(asking(), 60)).toEqual({ rows: null, log: null });
  });

  test("whatever people do, table and log measure the same", () => {
    const person = fc.constantFrom(ana, bo, lee, max, "eve@example.com");
    const deed = fc.record({
      by: person,
      seconds: fc.integer({ min: 0, max: 7_500 }),
      decision: fc.constantFrom("approve", "approve", "reject"),
      channel: fc.constantFrom("page", "slack", "cli"),
      opened: fc.option(fc.integer({ min: 0, max: 7_500 })),
      handsTo: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: person }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(deed, { selector: ({ by }) => by, maxLength: 5 }), fc.boolean(), (deeds, waits) => {
        const world = asking();
        const inOrder = deeds.toSorted((a, b) => a.seconds - b.seconds);
        for (const { by, seconds, decision, channel, opened, handsTo } of inOrder) {
          world.now = NOON + seconds * 1000;
          const openedAt = opened === null || opened > seconds ? {} : { opened_at: at(opened) };
          if (handsTo === null) world.decides(by, decision, { channel, comment: "x", ...openedAt });
          else
            world.acts = [
              ...world.acts,
              { kind: "delegation", by, ...acted, at: at(seconds), to: handsTo, comment: "" },
            ];
        }
        const { rows, log } = ended(world, waits ? 20_000 : 7_501);
        expect(log).toEqual(rows);
        for (const { takenMs, hurried } of rows?.decisions ?? []) expect(hurried).toBe(takenMs < HURRIED_MS);
      }),
      { numRuns: 150 },
    );
  });
});

describe("GIVEN the gate wrote down how a question ended", () => {
  const written = () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      lines.push(...String(text).split("\n").filter(Boolean));
      return true;
    });
    return lines;
  };
  const decided = () => {
    const world = asking();
    world.now = NOON + 60_000;
    world.decides(ana, "approve", { opened_at: at(58) });
    ended(world, 61);
    return world;
  };
  const run = { workflow: "billing-dispute", tenant: "acme", runId: RUN_ID };
  const tell = (world: World, approvals: ReturnType<typeof memoryApprovals>["approvals"]) =>
    tellOutcomes(approvals, run, world.events.at(-1)?.step ?? "", world.events, world.now);

  test("WHEN its function runs again THEN the metrics were written once", async () => {
    const lines = written();
    const { approvals } = memoryApprovals();
    const world = decided();
    await tell(world, approvals);
    await tell(world, approvals);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ Questions: 1, Approved: 1, Expired: 0, Edited: 0, TimeToDecision: 60_000 }),
      expect.objectContaining({ TimeBeforeDecision: 2_000, DecisionUnderThreeSeconds: 1 }),
    ]);
  });

  test("THEN each line is in embedded metric format: every dimension and metric that it names is a member, and no word of a person", async () => {
    const lines = written();
    await tell(decided(), memoryApprovals().approvals);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const { _aws: about, ...members } = JSON.parse(line);
      expect(about.Timestamp).toBe(NOON + 61_000);
      const [{ Namespace, Dimensions, Metrics }] = about.CloudWatchMetrics;
      expect(Namespace).toBe(NAMESPACE);
      expect(Dimensions).toEqual([["workflow", "tool", "channel"]]);
      const names = Metrics.map(({ Name }: { Name: string }) => Name);
      expect(Object.keys(members).sort()).toEqual([...Dimensions[0], ...names].sort());
      expect(members).toMatchObject({ workflow: "billing-dispute", tool: "stripe.refund", channel: "page" });
      for (const name of names) expect(members[name]).toBeTypeOf("number");
      expect(line).not.toMatch(/example\.com|ap_/);
    }
  });

  test("WHEN the row cannot be written THEN nothing is measured, and the repeat does it", async () => {
    const lines = written();
    const { approvals } = memoryApprovals();
    const world = decided();
    const down = { insertOutcome: () => Promise.reject(new Error("down")) };
    await expect(tellOutcomes(down, run, world.events.at(-1)?.step ?? "", world.events, world.now)).rejects.toThrow();
    expect(lines).toEqual([]);
    await tell(world, approvals);
    expect(lines).toHaveLength(2);
  });
});

describe("statistics of many questions", () => {
  const end = fc.constantFrom<Measured["end"]>("approved", "rejected", "edited", "expired", "voided", "stopped");
  const decision = fc.record({
    decision: fc.constantFrom<"approve" | "reject">("approve", "reject"),
    channel: fc.constantFrom<"page" | "slack" | "cli">("page", "slack", "cli"),
    takenMs: fc.nat(),
    hurried: fc.boolean(),
  });
  const question: fc.Arbitrary<AskedOf> = fc.record({
    workflow: fc.constantFrom("a", "b"),
    tool: fc.constantFrom("x", "y"),
    measured: fc.option(
      fc.record({
        workflow: fc.constant("a"),
        tool: fc.constant("x"),
        askedAt: fc.constant(at(0)),
        end,
        channel: fc.constant(null),
        takenMs: fc.option(fc.nat()),
        decisions: fc.array(decision, { maxLength: 2 }),
      }),
    ),
  });

  test("count every question once, whatever their order; rates are shares and times were measured", () => {
    fc.assert(
      fc.property(fc.array(question, { maxLength: 40 }), (questions) => {
        const stats = statsOf(questions);
        expect(statsOf(questions.toReversed())).toEqual(stats);
        expect(stats.reduce((sum, { asked }) => sum + asked, 0)).toBe(questions.length);
        for (const one of stats) {
          const ends = one.approved + one.rejected + one.edited + one.expired + one.voided + one.stopped;
          expect(one.open + ends).toBe(one.asked);
          expect(one.channels.page + one.channels.slack + one.channels.cli).toBe(one.decisions);
          expect(one.hurried).toBeLessThanOrEqual(one.decisions);
          if (one.approval_rate !== null) expect(one.approval_rate).toBeGreaterThanOrEqual(0);
          expect(one.approval_rate ?? 0).toBeLessThanOrEqual(1);
          const times = questions
            .filter(({ workflow, tool }) => workflow === one.workflow && tool === one.tool)
            .flatMap(({ measured }) => (measured?.takenMs == null ? [] : [measured.takenMs / 1000]));
          if (one.seconds_to_decision === null) expect(times).toEqual([]);
          else for (const value of Object.values(one.seconds_to_decision)) expect(times).toContain(value);
        }
      }),
    );
  });

  test("three approved, one of them void since, and one rejected: three of four; the median is a time that was taken", () => {
    const of = (end: Measured["end"], takenMs: number | null): AskedOf => ({
      workflow: "a",
      tool: "x",
      measured: { workflow: "a", tool: "x", askedAt: at(0), end, channel: null, takenMs, decisions: [] },
    });
    const questions = [of("approved", 1000), of("approved", 2000), of("voided", 3000), of("rejected", 60_000)];
    expect(statsOf([...questions, of("expired", null), { ...of("stopped", null), measured: null }])).toMatchObject([
      { asked: 6, open: 1, approval_rate: 0.75, seconds_to_decision: { median: 2, p90: 60, max: 60 } },
    ]);
  });
});
