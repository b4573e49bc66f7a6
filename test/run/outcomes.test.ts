/** What those who open a link later are told of its question. */
import { describe, expect, test } from "vitest";
import { outcomesOf } from "../../lib/run/outcomes.js";
import type { ToolAnswer } from "../../lib/run/protocol.js";
import { act, LOOKED_UP, lookedUp, REFUND, type World } from "./support.js";

const ana = "ana@example.com";
const asking = () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  return world;
};
/** Of the newest step. */
const told = (world: World) => {
  const last = world.events.at(-1)?.step;
  return outcomesOf(
    world.events.filter(({ step }) => step === last),
    world.events,
  );
};

describe("GIVEN a question", () => {
  test.each<[string, (world: World) => void, object]>([
    ["somebody approves", (world) => world.decides(ana), { kind: "permitted", reasons: [] }],
    ["somebody rejects", (world) => world.decides(ana, "reject"), { kind: "rejected", reasons: [/^CS-3121/] }],
    ["nobody decides in time", (world) => (world.now += 4 * 3600_000), { kind: "expired", reasons: [/^CS-3122/] }],
    [
      "what was shown no longer holds",
      (world) => {
        world.decides(ana).preview = { status: "error", code: "CS-3201" };
      },
      { kind: "voided", reasons: [/^CS-3123/, /^CS-3118/] },
    ],
    [
      "the workflow is stopped",
      (world) => {
        world.decides(ana).brake = { on: true, by: "op@example.com", at: "2026-11-21T12:00:00.000Z", reason: "why" };
      },
      { kind: "stopped", reasons: [/^CS-3123/, /^CS-3111/] },
    ],
  ])("WHEN %s THEN its link says so", (_, happens, { kind, reasons }: { kind?: string; reasons?: RegExp[] }) => {
    const world = asking();
    const { approval_id } = world.lastAsk().approval;
    happens(world);

    world.approval();

    expect(told(world)).toEqual([
      {
        approvalId: approval_id,
        outcome: {
          kind,
          at: new Date(world.now).toISOString(),
          reasons: reasons?.map((pattern) => expect.stringMatching(pattern)),
          next_approval_id: null,
        },
      },
    ]);
  });

  test("WHEN somebody edits THEN it points to the question in its place, and that one's end is its own", () => {
    const world = asking();
    const first = world.lastAsk().approval.approval_id;
    world.edits(ana, { ...REFUND, amount_cents: 20_000 }).approval();
    const second = world.lastAsk().approval.approval_id;

    expect(told(world)).toMatchObject([{ approvalId: first, outcome: { kind: "edited", next_approval_id: second } }]);
    world.decides(ana).approval();
    expect(told(world)).toMatchObject([{ approvalId: second, outcome: { kind: "permitted", next_approval_id: null } }]);
  });

  test.each([
    ["its deadline is over", 4 * 3600_000, "expired"],
    ["there was time", 60_000, "stopped"],
  ])("WHEN its run is closed from outside and %s THEN that is its end", (_, laterMs, kind) => {
    const world = asking();
    const { approval_id } = world.lastAsk().approval;
    world.now += laterMs;

    world.close("ABORTED");

    expect(told(world)).toMatchObject([{ approvalId: approval_id, outcome: { kind, reasons: [] } }]);
  });

  test.each<[string, ToolAnswer | null, boolean, object]>([
    ["did it", { status: "ok", output: { refund_id: "re_1" } }, true, { status: "ok", reference: "re_1" }],
    ["says nothing that fits", { status: "ok", output: { x: 1 } }, true, { status: "unknown", reference: null }],
    ["refused", { status: "error", error: { code: "no", message: "m", retryable: false } }, false, { status: "error" }],
    ["died", null, true, { status: "unknown", reference: null }],
  ])("WHEN it was approved and the tool %s THEN its link says how it ran", (_, answer, effect, outcome) => {
    const world = asking();
    const { approval_id } = world.lastAsk().approval;
    world.decides(ana).approval();
    world.returns(answer, effect);
    world.now += 3600_000;

    world.propose({ kind: "finish", outcome: "refunded" });

    expect(told(world)).toMatchObject([{ approvalId: approval_id, outcome: { kind: "ran", ...outcome } }]);
  });

  test("WHEN the run is closed after it was decided THEN its end stays what it was", () => {
    const world = asking();
    world.decides(ana, "reject").approval();

    world.close("FAILED");

    expect(told(world)).toEqual([]);
  });
});

test("GIVEN nobody was asked WHEN a call runs THEN there is nothing to tell", () => {
  const world = lookedUp();
  world.call("stripe.lookup_charge", { charge_id: "ch_77" }, LOOKED_UP);

  expect(outcomesOf(world.events, world.events)).toEqual([]);
  expect(outcomesOf([], world.events)).toEqual([]);
});
