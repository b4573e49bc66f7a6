import { expect, test } from "vitest";
import { verifyChain } from "../../lib/audit/chain.js";
import { recordedEvent } from "../../lib/run/events.js";
import { approvalView, decideAnswer } from "../../lib/run/protocol.js";
import { ruleFaults } from "../audit/support.js";
import { act, lookedUp, REFUND, type World } from "./support.js";

const ana = "ana@example.com";
const asking = () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND, { rationale: "double" }));
  return world;
};
const faults = (world: World) =>
  [verifyChain(world.events), ...ruleFaults(world.events)].filter((fault) => fault !== undefined);
const stepsOf = (world: World) => [...new Set(world.events.map(({ step }) => step))];

test("GIVEN a question WHEN somebody edits THEN the edited action is asked about anew, and only its approval runs it", () => {
  const world = asking();
  const before = world.lastAsk().approval;
  world.now += 60_000;
  const answer = world.edits(ana, { ...REFUND, amount_cents: 20_000 }).approval();
  expect(answer).toMatchObject({
    decision: "ask",
    round: 1,
    action: { args: { amount_cents: 20_000 } },
    approval: {
      edited_by: ana,
      original_args: REFUND,
      round: 1,
      typed_confirmation: "200.00",
      deadline: before.deadline,
    },
  });
  expect(decideAnswer.parse(answer)).toEqual(answer);
  const { approval } = world.lastAsk();
  expect(approvalView.parse(approval)).toEqual(approval);
  expect(approval.approval_id).not.toBe(before.approval_id);
  expect(world.types().slice(-5)).toEqual([
    "ApprovalRequested",
    "ActionEdited",
    "ApprovalVoided",
    "ActionDecided",
    "ApprovalRequested",
  ]);
  // The proposal itself stays as the agent made it.
  expect(world.data("ActionProposed").args).toMatchObject({ amount_cents: 42_000 });

  world.decides(ana);
  expect(world.approval()).toMatchObject({ decision: "permit", action: { args: { amount_cents: 20_000 } } });
  expect(world.data("ActionPermitted").args_hash).toBe(world.data("ActionEdited").args_hash);
  expect(stepsOf(world).slice(-2)).toEqual(["2.approval", "2.approval.1"]);
  expect(world.contexts.get(3)?.turns[1]).toMatchObject({
    proposed: { args: { amount_cents: 20_000 } },
    decision: "permit",
    reasons: [expect.stringMatching(/^CS-3134 ana@example\.com/)],
  });
  expect(faults(world)).toEqual([]);
  for (const event of world.events) expect(recordedEvent.parse(event)).toEqual(event);
});

test("GIVEN an edit WHEN the same step is repeated THEN it answers the same, and the step before it is over", () => {
  const world = asking();
  const first = world.request("approval");
  const answer = world.edits(ana, { ...REFUND, amount_cents: 20_000 }).run(first);
  const count = world.events.length;
  expect(world.run(first)).toEqual(answer);
  expect(world.events).toHaveLength(count);
  world.decides(ana).approval();
  expect(() => world.run(first)).toThrow(/CS-3012|gone past/);
});

test("GIVEN an approval of the question before WHEN it was edited THEN that approval counts for nothing", () => {
  const world = asking();
  const { approval } = world.lastAsk();
  world.edits(ana, { ...REFUND, amount_cents: 20_000 }).approval();
  world.decides("bo@example.com", "approve", { approval_id: approval.approval_id, action_hash: approval.action_hash });
  expect(world.approval()).toMatchObject({ decision: "ask", round: 1 });
});

test.each([
  ["a value of another kind", { ...REFUND, amount_cents: "x" }, /CS-3103 schema/],
  ["a field that the tool does not have", { ...REFUND, evil: 1 }, /CS-3103 schema/],
  ["nothing", REFUND, /nothing was changed/],
  ["what the policies deny", { ...REFUND, amount_cents: 300_000 }, /CS-3120 policy/],
  ["more than 64 KiB", { ...REFUND, memo: "x".repeat(70_000) }, /more than 65536 bytes/],
])(
  "GIVEN an edit to %s WHEN it is judged THEN it is not taken, and the question is put again with the reason",
  (_, args, why) => {
    const world = asking();
    world.edits(ana, args);
    expect(world.approval()).toMatchObject({ decision: "ask", round: 1, action: { args: REFUND } });
    const { approval } = world.lastAsk();
    expect(approval).toMatchObject({
      args: REFUND,
      edited_by: null,
      edit_refused: { by: ana, reasons: [expect.stringMatching(why)] },
    });
    expect(world.data("ApprovalNoted")).toMatchObject({ kind: "refusal", by: ana, code: "CS-3130" });
    world.decides(ana);
    expect(world.approval()).toMatchObject({ decision: "permit", action: { args: REFUND } });
    expect(faults(world)).toEqual([]);
  },
);

test.each([
  ["the requester", "dana@example.com", {}],
  ["a stranger", "eve@example.com", {}],
  ["somebody who saw something else", ana, { view_hash: "e".repeat(64) }],
])("GIVEN an edit by %s WHEN the gate looks THEN nothing happened", (_, by, change) => {
  const world = asking();
  world.edits(by, { ...REFUND, amount_cents: 1 }, change);
  expect(world.approval()).toMatchObject({ decision: "ask", round: 0 });
  expect(world.types()).not.toContain("ActionEdited");
});

test("GIVEN an edit WHEN it needs two people THEN two are asked, and a code does not count", () => {
  const world = asking();
  world.edits(ana, { ...REFUND, amount_cents: 150_000 }).approval();
  expect(world.lastAsk().approval).toMatchObject({ needed: 2, sign_in: "required" });
  world.decides(ana).decides("bo@example.com", "approve", { method: "code" });
  expect(world.approval()).toMatchObject({ decision: "ask", round: 1 });
  world.now = Date.parse(world.lastAsk().approval.deadline);
  expect(world.approval()).toMatchObject({ decision: "deny" });
  expect(world.data("ActionDecided").reasons).toEqual([
    expect.stringMatching(/^CS-3122 expired, not rejected: 1 of 2/),
    "CS-3133 a decision does not count: bo@example.com gave a mailed code, and a sign-in is required",
  ]);
});

test("GIVEN a delegation WHEN the delegate decides THEN it counts, and the delegator's does not", () => {
  const world = asking();
  const at = new Date(world.now).toISOString();
  world.acts = [
    { kind: "delegation", by: ana, to: "max@example.com", channel: "page", method: "oidc", at, comment: "" },
    { kind: "question", id: "q", by: ana, channel: "page", method: "oidc", at, text: "why twice?" },
  ];
  world.now += 1000;
  world.decides(ana);
  expect(world.approval()).toMatchObject({ decision: "ask" });
  world.decides("max@example.com");
  expect(world.approval()).toMatchObject({ decision: "permit" });
  const notes = world.events.flatMap((event) => (event.type === "ApprovalNoted" ? [event.data] : []));
  expect(notes).toMatchObject([
    { kind: "delegation", by: ana, to: "max@example.com" },
    { kind: "question", by: ana, text: { $commitment: expect.any(String) } },
  ]);
  expect(JSON.stringify(world.events)).not.toContain("why twice?");
  expect(faults(world)).toEqual([]);
});

test("GIVEN escalation WHEN its time comes THEN those people count, and not before", () => {
  const world = asking();
  const [step] = world.lastAsk().approval.escalation;
  world.decides("lee@example.com");
  expect(world.approval()).toMatchObject({ decision: "ask" });
  world.now = Date.parse(step?.at ?? "");
  world.decisions = [];
  world.decides("lee@example.com");
  expect(world.approval()).toMatchObject({ decision: "permit" });
  expect(faults(world)).toEqual([]);
});

test("GIVEN a closing row that no decision bears out WHEN the gate looks THEN nothing runs", () => {
  const world = asking();
  world.closing = { kind: "approved", at: new Date(world.now).toISOString(), by: [ana] };
  expect(world.approval()).toMatchObject({ decision: "deny" });
  expect(world.data("ActionDecided").reasons[0]).toMatch(/^CS-3132/);
});

test("GIVEN a rejection after the row that ended it WHEN the gate looks THEN the first answer stands", () => {
  const world = asking();
  world.decides(ana).decides("bo@example.com", "reject");
  world.closing = { kind: "approved", at: new Date(world.now).toISOString(), by: [ana] };
  expect(world.approval()).toMatchObject({ decision: "permit" });
  expect(world.types().filter((type) => type === "ApprovalDecided")).toHaveLength(1);
});

test("GIVEN an approver who was removed from the contract WHEN approved THEN it is refused by name", () => {
  const world = asking();
  world.decides(ana);
  world.contract = { ...world.contract, approvers: { ...world.contract.approvers, first: ["bo@example.com"] } };
  world.hashes = { ...world.hashes, contractHash: "e".repeat(64) };
  expect(world.approval()).toMatchObject({ decision: "deny" });
  expect(world.data("ActionDecided").reasons).toContain(
    "CS-3131 ana@example.com decided and is no approver of the contract any more",
  );
});
