/** What is written down when people are asked, and when they are not: whole, as the desk and the verifier read it. */
import { describe, expect, test } from "vitest";
import { actionHash, proposalStep } from "../../lib/run/hash.js";
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
