/** What is written down when people are asked, and when they are not: whole, as the desk and the verifier read it. */
import { describe, expect, test } from "vitest";
import { actionHash, proposalStep } from "../../lib/run/hash.js";
import { MAX_OUTPUT_BYTES } from "../../lib/run/protocol.js";
import { act, contract, lookedUp, REFUND, type World } from "./support.js";

const last = (world: World, type: string) => world.events.findLast((event) => event.type === type);

describe("GIVEN a charge was looked up", () => {
  test("WHEN a refund is proposed THEN people are asked about exactly this action", () => {
    const world = lookedUp();

    world.propose(act("stripe.refund", REFUND));

    const proposed = last(world, "ActionProposed");
    const requested = last(world, "ApprovalRequested");
    const started = last(world, "RunStarted");
    if (
      proposed?.type !== "ActionProposed" ||
      requested?.type !== "ApprovalRequested" ||
      started?.type !== "RunStarted"
    )
      throw new Error("an event is missing");
    expect(requested.data.action_hash).toBe(
      actionHash({
        run_id: proposed.run_id,
        step: proposalStep(proposed.data.turn),
        tool: "stripe.refund",
        tool_schema_hash: proposed.data.tool_schema_hash,
        args: proposed.data.args,
        contract_hash: started.data.contract_hash,
        stage: started.data.stage,
        expires_at: requested.data.deadline,
      }),
    );
    expect(requested.data).toMatchObject({ typed_confirmation: true, needed: 1 });
    expect(requested.data.delegates).toEqual(["max@example.com"]);
    expect(requested.data.escalation).toEqual([{ at: "2026-11-21T14:00:00.000Z", people: ["lee@example.com"] }]);
    expect(last(world, "ActionDecided")?.data).toMatchObject({ decision: "ask", approvals: 0, reasons: [] });
  });

  test("WHEN nobody else can be asked THEN the request names nobody else", () => {
    const world = lookedUp({ approvers: { ...contract.approvers, escalate: [], delegates: [] } });

    world.propose(act("stripe.refund", REFUND));

    expect(Object.keys(last(world, "ApprovalRequested")?.data ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(escalation|delegates)$/)]),
    );
  });

  test("WHEN what can be undone is to be decided THEN nobody has to type anything", () => {
    const world = lookedUp({
      tools: contract.tools.map((tool) => ({ ...tool, reversibility: "reversible" as const })),
    });

    world.propose(act("stripe.refund", REFUND));

    expect(last(world, "ApprovalRequested")?.data).toMatchObject({ typed_confirmation: false });
  });

  test("WHEN they approve THEN the permit carries the hash they saw, and no reason against", () => {
    const world = lookedUp();
    world.propose(act("stripe.refund", REFUND));
    const asked = last(world, "ApprovalRequested");

    world.decides("ana@example.com").approval();

    const permitted = last(world, "ActionPermitted");
    expect(last(world, "ActionDecided")?.data).toMatchObject({ decision: "permit", approvals: 1, reasons: [] });
    expect(permitted?.type === "ActionPermitted" && asked?.type === "ApprovalRequested").toBe(true);
    expect(permitted?.data).toMatchObject({
      action_hash: asked?.type === "ApprovalRequested" ? asked.data.action_hash : "",
    });
  });
});

/** Name, result and detail of the newest decision's checks. */
const checks = (world: World) => {
  const decided = last(world, "ActionDecided");
  if (decided?.type !== "ActionDecided") throw new Error("nothing is decided");
  return decided.data.checks.map(
    ({ name, result, detail }) => `${name} ${result}${detail === "" ? "" : `: ${detail}`}`,
  );
};
const OWN = ["brake", "schema", "limits", "freshness", "cross-references", "dependencies", "plan", "outbound"];
const passed = (...names: readonly string[]) => names.map((name) => `${name} passed`);

test.each([
  [20_000, "1 person"],
  [150_000, "2 people"],
])(
  "GIVEN a charge WHEN a refund of %d is asked about and approved THEN all checks are on record both times",
  (cents, who) => {
    const world = lookedUp();
    world.propose(act("stripe.refund", { ...REFUND, amount_cents: cents }));
    expect(checks(world)).toEqual([...passed(...OWN, "preview", "budget"), `policy passed: ${who}`]);

    world.decides("ana@example.com").decides("bo@example.com").approval();

    expect(last(world, "ActionPermitted")?.data).toMatchObject({ tool: "stripe.refund" });
    expect(checks(world)).toEqual([...passed(...OWN, "preview", "budget"), `policy passed: ${who}`]);
  },
);

test("GIVEN a read WHEN nobody is asked THEN that is on record, and that reads have no preview", () => {
  expect(checks(lookedUp())).toEqual([
    ...passed(...OWN),
    "preview passed: reads have none",
    "budget passed",
    "policy passed: nobody is asked",
  ]);
});

test("GIVEN a refund that the policies deny WHEN it is proposed THEN what they said of which preview is on record", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  const asked = last(world, "ApprovalRequested");
  world.decides("ana@example.com", "reject").approval();

  world.propose(act("stripe.refund", { ...REFUND, amount_cents: 300_000 }));

  expect(last(world, "ActionDecided")?.data).toMatchObject({
    decision: "deny",
    tier: null,
    policy: { set_hash: world.hashes.policySetHash, determining: [], denied_by: ["guardrail:irreversible"] },
    preview_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(asked?.data).toMatchObject({ preview_hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const why = "policy failed: denied with any number of approvals by guardrail:irreversible (cannot be undone)";
  expect(checks(world).slice(-2)).toEqual(["budget passed", why]);
});

test.each([
  [MAX_OUTPUT_BYTES, "ask"],
  [MAX_OUTPUT_BYTES + 1, "deny"],
])(
  "GIVEN a preview of %d bytes WHEN it is judged THEN the decision is %s, and what was shown is in the vault",
  (bytes, decision) => {
    const world = lookedUp();
    const empty = JSON.stringify({ before: { text: "" }, after: {}, notes: [] }).length;
    const preview = { before: { text: "x".repeat(bytes - empty) }, after: {}, notes: [] };
    world.preview = { status: "ok", preview };

    expect(world.propose(act("stripe.refund", REFUND))).toMatchObject({ decision });

    const kept = [...world.vault.values()].flatMap((values) =>
      "preview|" in values ? [values["preview|"]?.value] : [],
    );
    expect(kept).toEqual(decision === "ask" ? [preview] : []);
  },
);

test("GIVEN an approval WHEN the preview is another one now THEN the new one's hash is on record beside the old", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  const before = last(world, "ApprovalRequested");
  world.decides("ana@example.com").preview = {
    status: "ok",
    preview: { before: { refunded: 1 }, after: { refunded: 42_001 }, notes: [] },
  };

  world.approval();

  const after = last(world, "ActionDecided");
  if (before?.type !== "ApprovalRequested" || after?.type !== "ActionDecided") throw new Error("an event is missing");
  expect(after.data.preview_hash).toMatch(/^[0-9a-f]{64}$/);
  expect(after.data.preview_hash).not.toBe(before.data.preview_hash);
});

const ALL = [...OWN, "preview", "budget", "policy"];
const skipped = (why: string) => ALL.map((name) => `${name} skipped: ${why}`);

test.each<[string, (world: World) => unknown, string]>([
  ["somebody rejected", (world) => world.decides("ana@example.com", "reject"), "a person rejected the action"],
  ["the time ran out", (world) => (world.now += 4 * 3600_000), "nobody decided in time"],
  [
    "the rows contradict each other",
    (world) => (world.closing = { kind: "approved", at: "2026-11-21T12:00:00.000Z", by: ["ana@example.com"] }),
    "the approval's rows contradict each other",
  ],
  [
    "the contract changed",
    (world) => {
      world.decides("ana@example.com").hashes = { ...world.hashes, contractHash: "e".repeat(64) };
    },
    "the contract or the tool's schema changed since; propose again",
  ],
])("GIVEN a question WHEN %s THEN every check is on record as not made, and why", (_, happens, why) => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  happens(world);

  world.approval();

  expect(checks(world)).toEqual(skipped(why));
});

test("GIVEN a charge WHEN a refund is judged THEN the policies' question is on record so that it can be asked again, without what the model said", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));

  const decided = last(world, "ActionDecided");
  if (decided?.type !== "ActionDecided") throw new Error("nothing is decided");
  expect(decided.data.policy).toEqual({
    set_hash: world.hashes.policySetHash,
    determining: ["refund_threshold"],
    denied_by: ["guardrail:irreversible"],
    errors: [],
    context: { approvals: 1 },
    resource: { type: "Customer", id: "cus_9", facts: { charge_id: "ch_77", tier: "standard" } },
  });
});

test("GIVEN a policy that could not be evaluated WHEN it is judged THEN its error is on record, and nobody is asked", () => {
  const world = lookedUp();
  world.policy = () => ({ allowed: true, determining: ["p"], errors: ["forbid-x: no such attribute"] });

  world.propose(act("stripe.refund", REFUND));

  expect(last(world, "ActionDecided")?.data).toMatchObject({
    decision: "deny",
    policy: { determining: [], errors: ["forbid-x: no such attribute"] },
  });
});

test("GIVEN more policies deny than a record has room for WHEN it is judged THEN the check's detail is cut", () => {
  const world = lookedUp();
  const many = Array.from({ length: 90 }, (_, n) => `no_refunds_${n}`);
  world.policy = () => ({ allowed: false, determining: many, errors: [] });

  world.propose(act("stripe.refund", REFUND));

  expect(checks(world).at(-1)).toHaveLength("policy failed: ".length + 500);
  expect(last(world, "ActionDecided")?.data).toMatchObject({ policy: { denied_by: many } });
});

test("GIVEN three approve of two that are needed THEN the first two are on record", () => {
  const world = lookedUp({
    approvers: { ...contract.approvers, first: ["ana@example.com", "bo@example.com", "cy@example.com"] },
  });
  world.propose(act("stripe.refund", { ...REFUND, amount_cents: 150_000 }));
  for (const name of ["cy", "ana", "bo"]) {
    world.now += 1000;
    world.decides(`${name}@example.com`);
  }

  world.approval();

  expect(world.events.flatMap((event) => (event.type === "ApprovalDecided" ? [event.data.approver] : []))).toEqual([
    "cy@example.com",
    "ana@example.com",
  ]);
  expect(last(world, "ActionDecided")?.data).toMatchObject({ decision: "permit", approvals: 2 });
});

test("GIVEN an edit to what would run without anybody WHEN it is judged THEN people are asked all the same", () => {
  const world = lookedUp();
  world.policy = ({ args, approvals }) => ({
    allowed: approvals > 0 || args.amount_cents === 100,
    determining: ["small_refunds"],
    errors: [],
  });
  world.propose(act("stripe.refund", REFUND));

  world.edits("ana@example.com", { ...REFUND, amount_cents: 100 }).approval();

  expect(world.last).toMatchObject({ decision: "ask", round: 1, approval: { needed: 1, args: { amount_cents: 100 } } });
  expect(last(world, "ActionDecided")?.data).toMatchObject({ decision: "ask", tier: 0 });
});

test("GIVEN the level is observe WHEN a refund is proposed THEN the recommendation says why nothing ran", () => {
  const world = lookedUp({ autonomy: "observe" });

  world.propose(act("stripe.refund", REFUND));

  expect(last(world, "ActionDecided")?.data).toMatchObject({
    decision: "recommend",
    approvals: 0,
    reasons: [expect.stringMatching(/^CS-3124 .*1 person at a higher level/)],
  });
  expect(last(world, "ActionPermitted")?.data).not.toMatchObject({ tool: "stripe.refund" });
});
