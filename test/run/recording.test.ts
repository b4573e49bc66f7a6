/** What is written down of what was said: words sealed, nothing invented, and who is no approver any more by name. */
import { describe, expect, test } from "vitest";
import { act, contract, lookedUp, REFUND, World } from "./support.js";

const [ana, bo, lee, max] = ["ana@example.com", "bo@example.com", "lee@example.com", "max@example.com"];
const COMMITTED = { $commitment: expect.stringMatching(/^[0-9a-f]{64}$/) };
const sealed = (world: World) =>
  [...world.vault.values()].flatMap((values) => Object.values(values).map(({ value }) => value));
const asking = (args = REFUND) => {
  const world = lookedUp();
  world.propose(act("stripe.refund", args));
  return world;
};

describe("words", () => {
  test("GIVEN a finish WHEN it has a summary THEN that is sealed, and null when it has none", () => {
    const world = new World().start();
    world.propose({ kind: "finish", outcome: "explained", summary: "all is well" });
    expect(world.data("FinishProposed").summary).toEqual(COMMITTED);
    expect(sealed(world)).toContain("all is well");
    const silent = new World().start();
    silent.propose({ kind: "finish", outcome: "explained" });
    expect(silent.data("FinishProposed").summary).toBeNull();
  });

  test("GIVEN an answer that is no action WHEN it is recorded THEN its excerpt is sealed", () => {
    const world = new World().start();
    world.propose({ kind: "invalid", reason: "prose", detail: "it talked", excerpt: "I would rather not" });
    expect(world.data("ProposalInvalid").excerpt).toEqual(COMMITTED);
    expect(sealed(world)).toContain("I would rather not");
    expect(JSON.stringify(world.events)).not.toContain("rather not");
  });

  test("GIVEN an action WHEN it has a rationale THEN that is sealed with the sensitive arguments, and null when it has none", () => {
    const world = lookedUp();
    world.propose(act("stripe.refund", { ...REFUND, memo: "for Jo" }, { rationale: "charged twice" }));
    expect(world.data("ActionProposed").rationale).toEqual(COMMITTED);
    expect(sealed(world)).toEqual(expect.arrayContaining(["charged twice", "for Jo"]));
    world.decides(ana, "reject").approval();
    world.propose(act("stripe.refund", REFUND));
    expect(world.data("ActionProposed").rationale).toBeNull();
  });
});

test("GIVEN an open question WHEN it runs out THEN the record says which, and until when", () => {
  const world = asking();
  const { approval_id, deadline } = world.lastAsk().approval;
  world.now = Date.parse(deadline);
  world.approval();
  expect(world.data("ApprovalExpired")).toEqual({ turn: 2, approval_id, deadline });
});

test("GIVEN rows that contradict each other WHEN the gate looks THEN the record says which question is void, and why", () => {
  const world = asking();
  const { approval_id } = world.lastAsk().approval;
  world.closing = { kind: "approved", at: "2026-11-21T12:00:00.000Z", by: [ana] };
  world.approval();
  expect(world.data("ApprovalVoided")).toEqual({ turn: 2, approval_id, reason: expect.stringMatching(/^CS-3132 /) });
});

test("GIVEN nobody has decided WHEN the gate looks THEN nothing is written, held, settled or closed", () => {
  const world = asking();
  expect(world.step(world.request("approval"))).toMatchObject({
    events: [],
    sealed: [],
    holds: [],
    settled: [],
    released: [],
    context: null,
    closed: false,
  });
});

describe("GIVEN two approved WHEN the contract is another one now", () => {
  const removed = (change: object, who: readonly string[] = [ana, bo]) => {
    const world = asking({ ...REFUND, amount_cents: 150_000 });
    world.now += 3 * 3600_000;
    for (const name of who) world.decides(name);
    world.contract = { ...contract, approvers: { ...contract.approvers, ...change } };
    world.hashes = { ...world.hashes, toolSchemaHashes: { ...world.hashes.toolSchemaHashes, "stripe.refund": "e" } };
    world.approval();
    expect(world.types()).toContain("ApprovalVoided");
    return world
      .data("ActionDecided")
      .reasons.filter((reason) => reason.startsWith("CS-3131"))
      .map((reason) => reason.split(" ")[1]);
  };
  test("THEN who is no approver any more is named, and nobody else", () => {
    expect(removed({})).toEqual([]);
    expect(removed({ first: ["Bo@example.com", "dana@example.com"] })).toEqual([ana]);
    expect(removed({ first: [ana], escalate: [{ afterMs: 1, to: [bo] }] })).toEqual([]);
    expect(removed({ first: [ana], delegates: [bo] })).toEqual([]);
    expect(removed({ escalate: [], delegates: [max] }, [ana, lee])).toEqual([lee]);
  });
});

test("GIVEN a write of which nobody knows how it ended WHEN the agent goes on THEN its next action is refused with the reason, and the run ends", () => {
  const world = asking();
  world.decides(ana).approval();
  world.returns(null, true);
  world.now += 3600_000;
  world.propose(act("zendesk.reply", { ticket_id: "4411", text: "x" }));
  expect(world.data("ActionDecided").reasons).toEqual([
    "CS-3125 the outcome of the call before is unknown: a person has to look",
  ]);
  expect(world.data("RunClosed").outcome).toEqual({ status: "escalated", reason: "outcome_unknown" });
});
