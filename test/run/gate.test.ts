import { expect, test } from "vitest";
import { verifyChain } from "../../lib/audit/chain.js";
import { recordedEvent } from "../../lib/run/events.js";
import { approvalView, decideAnswer, runContext } from "../../lib/run/protocol.js";
import { act, contract, lookedUp, REFUND, usage, World, wholeRun } from "./support.js";

test("GIVEN a dispute WHEN looked up, refunded with a person, answered and finished THEN every step is recorded", () => {
  const world = wholeRun();
  expect(world.types()).toEqual([
    "RunStarted",
    ...["ActionProposed", "ActionDecided", "ActionPermitted"],
    ...["ToolReturned", "ActionProposed", "ActionDecided", "ApprovalRequested"],
    ...["ApprovalDecided", "ActionDecided", "ActionPermitted"],
    ...["ToolReturned", "ActionProposed", "ActionDecided", "ActionPermitted"],
    ...["ToolReturned", "FinishProposed", "RunClosed"],
  ]);
  expect(world.last).toEqual({
    decision: "finish",
    turn: 4,
    outcome: { status: "refunded", reason: "agent_finished" },
  });
  expect(verifyChain(world.events)).toBeUndefined();
  for (const event of world.events) expect(recordedEvent.parse(event)).toEqual(event);
  for (const context of world.contexts.values()) expect(runContext.parse(context)).toEqual(context);
  expect(JSON.stringify(world.events)).not.toMatch(/Acme BV|charged twice, call|the charge is double|"memo":"/);
});

test("GIVEN a lookup WHEN a refund is proposed THEN people are shown all of it", () => {
  const world = lookedUp();
  const answer = world.propose(act("stripe.refund", { ...REFUND, memo: "twice" }, { rationale: "double" }));
  expect(decideAnswer.parse(answer)).toEqual(answer);
  const { approval, wait_seconds } = world.lastAsk();
  expect(approvalView.parse(approval)).toEqual(approval);
  expect(wait_seconds).toBe(4 * 3600);
  expect(approval).toMatchObject({
    title: "Refund €420.00 to cus_9",
    typed_confirmation: "420.00",
    needed: 1,
    approvers: ["ana@example.com", "bo@example.com"],
    says: "double",
    args: { ...REFUND, memo: "twice" },
    deadline: "2026-11-21T16:00:00.000Z",
    because: [
      { policy_id: "refund_threshold", reason: "refunds need one person" },
      { policy_id: "guardrail:irreversible", reason: "cannot be undone" },
    ],
    based_on: [{ tool: "stripe.lookup_charge", subject: "ch_77", untrusted: false }],
    exposure: { run_cents: 42_000, run_count: 1, customer_day_cents: 42_000, workflow_day_count: 1 },
  });
  expect(world.data("ApprovalRequested")).toMatchObject({
    type: "refund_threshold",
    needed: 1,
    typed_confirmation: true,
  });
});

test("GIVEN people WHEN one approves THEN the permit binds to what was shown and holds the exposure", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  const { approval } = world.lastAsk();
  world.decides("ana@example.com");
  expect(world.approval()).toMatchObject({
    decision: "permit",
    turn: 2,
    action: { tool: "stripe.refund", args: REFUND },
  });
  expect(world.data("ActionPermitted")).toMatchObject({ action_hash: approval.action_hash });
  expect(world.data("ActionPermitted").idempotency_key).toMatch(/^cs_[0-9a-f]{40}$/);
  expect(Object.values(world.counters)).toEqual([
    { total: 0, count: 0, holds: { [`${world.events[0]?.run_id}/2`]: 42_000 } },
    { total: 0, count: 0, holds: { [`${world.events[0]?.run_id}/2`]: 42_000 } },
  ]);
  world.returns({ status: "ok", output: { refund_id: "re_1" } }, true);
  world.propose({ kind: "finish", outcome: "refunded" });
  expect(Object.values(world.counters)[0]).toEqual({ total: 42_000, count: 1, holds: {} });
});

test("GIVEN people WHEN one rejects THEN the agent is told why, and one reject wins over an approval", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", { ...REFUND, amount_cents: 150_000 }));
  expect(world.lastAsk().approval.needed).toBe(2);
  world.decides("ana@example.com").decides("bo@example.com", "reject");
  expect(world.approval()).toEqual({ decision: "deny", turn: 3 });
  expect(world.contexts.get(3)?.turns[1]).toMatchObject({
    decision: "deny",
    reasons: ["CS-3121 rejected by bo@example.com: looks wrong"],
    approvals: [
      { approver: "ana@example.com" },
      { approver: "bo@example.com", decision: "reject", comment: "looks wrong" },
    ],
  });
  expect(world.data("ActionDecided")).toMatchObject({ decision: "deny", tier: 2, approvals: 1 });
});

test("GIVEN people WHEN nobody decides THEN the deadline denies, as expired and not as rejected", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.now += 4 * 3600_000;
  expect(world.approval()).toEqual({ decision: "deny", turn: 3 });
  expect(world.types().slice(-2)).toEqual(["ApprovalExpired", "ActionDecided"]);
  expect(world.data("ActionDecided").reasons[0]).toMatch(/^CS-3122 expired, not rejected: 0 of 1/);
  expect(world.contexts.get(3)?.turns[1]?.approvals).toEqual([{ approver: "", decision: "expired", comment: "" }]);
});

test("GIVEN people WHEN the callback comes and nobody has decided THEN the same question is asked again and nothing is recorded", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  const before = world.events.length;
  const first = world.lastAsk();
  world.now += 3600_000;
  expect(world.approval()).toEqual({ ...first, wait_seconds: 3 * 3600 });
  expect(world.events.length).toBe(before);
});

test.each([
  ["the requester", "dana@example.com", {}],
  ["the requester in other letters", "DANA@example.com", {}],
  ["a stranger", "eve@example.com", {}],
  ["a row for another action", "ana@example.com", { action_hash: "0".repeat(64) }],
  ["a row for another approval", "ana@example.com", { approval_id: "ap_other" }],
  ["a row after the deadline", "ana@example.com", { decided_at: "2026-11-21T16:00:00.000Z" }],
])("GIVEN people WHEN %s approves THEN it does not count", (_, approver, change) => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.decides(approver, "approve", change);
  expect(world.approval()).toMatchObject({ decision: "ask" });
  expect(world.types()).not.toContain("ApprovalDecided");
});

test("GIVEN two are needed WHEN one person approves twice THEN it is still one", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", { ...REFUND, amount_cents: 150_000 }));
  world.decides("ana@example.com").decides("Ana@Example.com");
  expect(world.approval()).toMatchObject({ decision: "ask" });
  world.decides("bo@example.com");
  expect(world.approval()).toMatchObject({ decision: "permit" });
  expect(world.data("ActionDecided")).toMatchObject({ tier: 2, approvals: 2 });
});

test.each<[string, (world: World) => void, RegExp]>([
  [
    "the preview changed",
    (world) => {
      world.preview = { status: "ok", preview: { before: { refunded: 10 }, after: { refunded: 42_010 }, notes: [] } };
    },
    /CS-3118 preview: what would happen is no longer/,
  ],
  [
    "the preview fails",
    (world) => {
      world.preview = { status: "error", code: "CS-3201" };
    },
    /CS-3118 preview: stripe.refund: the preview failed \(CS-3201\)/,
  ],
  [
    "the policies deny now",
    (world) => {
      world.policy = () => ({ allowed: false, determining: ["blocked"], errors: [] });
    },
    /CS-3120 policy: denied with any number of approvals by blocked/,
  ],
  [
    "the policies want two people now",
    (world) => {
      world.policy = ({ approvals }) => ({ allowed: approvals === 2, determining: [], errors: [] });
    },
    /want 2 people, and 1 approved/,
  ],
  [
    "the contract changed",
    (world) => {
      world.hashes = { ...world.hashes, contractHash: "1".repeat(64) };
    },
    /the contract or the tool's schema changed/,
  ],
  [
    "the autonomy is observe now",
    (world) => {
      world.contract = { ...world.contract, autonomy: "observe" };
    },
    /observe now/,
  ],
  [
    "the input became too old",
    (world) => {
      world.contract = { ...world.contract, freshnessMs: { opened_at: 1000 } };
    },
    /CS-3113 freshness/,
  ],
])("GIVEN an approval WHEN %s THEN it is void and the action denied", (_, change, reason) => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.decides("ana@example.com");
  change(world);
  expect(world.approval()).toEqual({ decision: "deny", turn: 3 });
  expect(world.types().slice(-3)).toEqual(["ApprovalDecided", "ApprovalVoided", "ActionDecided"]);
  expect(world.data("ApprovalVoided").reason).toMatch(reason);
  expect(world.data("ActionDecided").reasons[0]).toMatch(/^CS-3123/);
  expect(world.types().filter((type) => type === "ActionPermitted")).toHaveLength(1);
});

test("GIVEN an approval WHEN the workflow is stopped THEN it is void and the run closed", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.decides("ana@example.com");
  world.brake = { on: true, by: "op@example.com", at: "2026-11-21T12:01:00.000Z", reason: "too many refunds" };
  expect(world.approval()).toMatchObject({ decision: "finish", outcome: { status: "stopped", reason: "brake" } });
  expect(world.types().slice(-3)).toEqual(["ApprovalVoided", "ActionDecided", "RunClosed"]);
});

test("GIVEN an approval WHEN the action handed back is another THEN nothing is recorded", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.decides("ana@example.com");
  const request = world.request("approval");
  if (request.phase !== "approval") throw new Error();
  const before = world.events.length;
  const changed = { ...request, action: { ...request.action, args: { ...REFUND, amount_cents: 1 } } };
  expect(() => world.run(changed)).toThrow(/CS-3013|not the one that was recorded/);
  expect(() => world.run({ ...request, action: { ...request.action, tool: "nope" } })).toThrow(
    /not the one that was recorded/,
  );
  expect(() => world.run({ ...request, action: { ...request.action, args: {} } })).toThrow(
    /not the one that was recorded/,
  );
  expect(world.events.length).toBe(before);
});

test("GIVEN observe WHEN a write is proposed THEN it is a recommendation and none runs; reads run", () => {
  const world = lookedUp({ autonomy: "observe" });
  expect(world.propose(act("stripe.refund", REFUND))).toEqual({ decision: "deny", turn: 3 });
  expect(world.data("ActionDecided")).toMatchObject({ decision: "recommend", tier: 1 });
  expect(world.contexts.get(3)?.turns[1]).toMatchObject({ decision: "recommend" });
  expect(world.types().filter((type) => type === "ActionPermitted")).toHaveLength(1);
});

test("GIVEN the only other approver is the requester WHEN one is needed THEN the action is denied", () => {
  const world = lookedUp({ approvers: { ...contract.approvers, first: ["dana@example.com"], timeLimitMs: 1000 } });
  expect(world.propose(act("stripe.refund", REFUND))).toMatchObject({ decision: "deny" });
  expect(world.data("ActionDecided").reasons[0]).toMatch(/^CS-3126/);
});

test.each([
  [
    "an error at tier 0",
    () => ({ allowed: true, determining: [], errors: ["forbid-x"] }),
    /could not be evaluated.*forbid-x/,
  ],
  ["no permit", () => ({ allowed: false, determining: [], errors: [] }), /no policy permits/],
] as const)("GIVEN %s WHEN judged THEN it is denied", (_, policy, reason) => {
  const world = new World().start();
  world.policy = policy;
  expect(world.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }))).toEqual({ decision: "deny", turn: 2 });
  expect(world.data("ActionDecided")).toMatchObject({ decision: "deny", tier: null });
  expect(world.data("ActionDecided").reasons[0]).toMatch(reason);
});

test("GIVEN exposure of others WHEN nine small refunds add up THEN the policies see the sum", () => {
  const world = lookedUp();
  world.policy = ({ tool, exposure }) => ({
    allowed: tool.effect === "read" || (exposure.customer_day_cents ?? 0) <= 40_000,
    determining: [],
    errors: [],
  });
  const decisions = Array.from({ length: 9 }, () => {
    const answer = world.call("stripe.refund", { ...REFUND, amount_cents: 5000 }, { refund_id: "re" });
    return answer === "wait" ? answer : answer.decision;
  });
  expect(decisions).toEqual([...Array.from({ length: 8 }, () => "permit"), "deny"]);
  expect(world.asked.at(-1)?.exposure).toMatchObject({ run_cents: 45_000, run_count: 9, customer_day_cents: 45_000 });
});

test("GIVEN the budget WHEN the spent plus the reserve is over THEN the run closes as the contract says", () => {
  const escalates = new World().start();
  expect(escalates.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }), 400_001)).toMatchObject({
    decision: "finish",
    outcome: { status: "escalated", reason: "budget" },
  });
  const stops = new World({ budget: { ...new World().contract.budget, over: "stop" } });
  stops.reserveMicroUsd = 10;
  stops.start();
  expect(stops.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }), 399_991)).toMatchObject({
    outcome: { status: "stopped", reason: "budget" },
  });
  expect(
    stops
      .data("ActionDecided")
      .checks.map(({ result }) => result)
      .slice(-2),
  ).toEqual(["failed", "skipped"]);
});

test("reported cost counts at least what the tokens cost", () => {
  const world = new World().start();
  world.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }), 0);
  expect(world.data("ActionProposed").cost_micro_usd).toBe(100 * 3 + 20 * 15);
});

test("who asked for the run is not an approver of it, also under the name of a role session", () => {
  const world = lookedUp({}, (fresh) => {
    fresh.requester = "arn:aws:sts::111111111111:assumed-role/requester/Ana@example.com";
  });
  const asked = world.run(world.request("proposal", { proposal: act("stripe.refund", REFUND), ...usage() }));
  expect(asked).toMatchObject({ decision: "ask" });
  const view = asked !== "wait" && asked.decision === "ask" ? asked.approval : undefined;
  expect(view?.approvers).not.toContain("ana@example.com");
  world.decides("ana@example.com");
  expect(world.approval()).toMatchObject({ decision: "ask" });
});

test("a decision about a page that showed something else does not count, whatever action it names", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.decides("ana@example.com", "approve", { view_hash: "0".repeat(64) });
  expect(world.approval()).toMatchObject({ decision: "ask" });
  expect(world.types()).not.toContain("ApprovalDecided");
});
