import { describe, expect, test } from "vitest";
import { longestWaitMs, PERMIT_VALID_MS, REPEAT_WITHIN_MS } from "../../lib/run/claim.js";
import { readsFor, recordedAnswer } from "../../lib/run/index.js";
import type { DecideRequest } from "../../lib/run/protocol.js";
import {
  act,
  contract,
  LOOKED_UP,
  lookedUp,
  lookup,
  NOON,
  REFUND,
  row,
  runInput,
  usage,
  World,
  wholeRun,
} from "./support.js";

const lookupArgs = { charge_id: "ch_77" };
const proposeLookup = act("stripe.lookup_charge", lookupArgs);
/** The outcome of turn 2 is asked for. */
const outcomeOf = (world: World): DecideRequest => {
  world.turn = 2;
  return world.request("outcome");
};
const failure = (retryable = false) => ({ code: "upstream-500", message: "secret words of the tool", retryable });

describe("a step that was done before", () => {
  test("answers the same, whatever kind it was, and writes nothing", () => {
    const world = new World().start();
    const steps: DecideRequest[] = [];
    const answers: unknown[] = [];
    const contexts: unknown[] = [];
    const run = (request: DecideRequest) => {
      steps.push(request);
      const answer = world.run(request);
      answers.push(answer);
      contexts.push(structuredClone(world.contexts));
      expect(world.run(request)).toEqual(answer);
      expect(world.contexts).toEqual(contexts.at(-1));
    };
    run(world.request("proposal", { proposal: proposeLookup, ...usage() }));
    world.returns({ status: "ok", output: LOOKED_UP }, true);
    run(world.request("proposal", { proposal: { kind: "invalid", reason: "prose", detail: "" }, ...usage() }));
    world.turn = 3;
    run(world.request("proposal", { proposal: act("stripe.refund", { ...REFUND, memo: "m" }), ...usage() }));
    world.decides("ana@example.com");
    run(world.request("approval"));
    world.returns(null);
    world.now = NOON + 60_000;
    world.turn = 3;
    run(world.request("outcome"));
    expect(answers.at(-1)).toMatchObject({
      decision: "finish",
      outcome: { status: "escalated", reason: "outcome_unknown" },
    });
    expect(world.types().filter((type) => type === "RunClosed")).toHaveLength(1);
  });

  test("also gives the moved holds again, as the first try may have died before it moved them", () => {
    const world = lookedUp();
    world.policy = () => ({ allowed: true, determining: [], errors: [] });
    world.call("stripe.refund", REFUND, { refund_id: "re_1" });
    const finish = world.request("proposal", { proposal: { kind: "finish", outcome: "refunded" }, ...usage() });
    world.run(finish);
    const recorded = recordedAnswer(world.input(finish));
    expect(recorded).toMatchObject({ kind: "answer", closed: true, answer: { decision: "finish" } });
    expect(recorded.kind === "answer" && recorded.settled).toHaveLength(2);
  });

  test("with another proposal than recorded is refused", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    const other = world.request("proposal", {
      proposal: act("stripe.lookup_charge", { charge_id: "ch_other" }),
      ...usage(),
    });
    expect(() => world.run(other)).toThrow(/CS-3013|not the one that was recorded/);
    expect(() => world.run(world.request("proposal", "nonsense"))).toThrow(/not the one that was recorded/);
  });

  test("asks again only with what people were shown", () => {
    const world = lookedUp();
    const request = world.request("proposal", { proposal: act("stripe.refund", REFUND), ...usage() });
    world.run(request);
    const input = world.input(request);
    expect(() => recordedAnswer({ ...input, shown: null })).toThrow(/vault: what people were shown/);
    const approval = world.input(world.request("approval"));
    expect(() => world.step(approval.request)).not.toThrow();
    world.vault.clear();
    expect(() => world.step(approval.request)).toThrow(/vault: what people were shown/);
  });
});

describe("a step that is not awaited", () => {
  test("without RunStarted, or after a refusal", () => {
    const world = new World().start();
    const request = world.request("proposal", { proposal: proposeLookup, ...usage() });
    world.events = [];
    expect(() => world.run(request)).toThrow(/there is no RunStarted/);
    const refused = new World().start({ tenant: "other" });
    refused.contexts = world.contexts;
    expect(() => refused.run(request)).toThrow(/there is no RunStarted/);
  });
  test("the run has gone past it, or it is too early", () => {
    const world = lookedUp();
    world.turn = 1;
    expect(world.run(world.request("proposal", { proposal: proposeLookup, ...usage() }))).toMatchObject({
      decision: "permit",
    });
    world.turn = 2;
    world.propose(proposeLookup);
    world.turn = 1;
    expect(() => world.run(world.request("proposal", { proposal: proposeLookup, ...usage() }))).toThrow(/gone past/);
    world.turn = 7;
    world.contexts.set(7, world.contexts.get(1) as never);
    expect(() => world.run(world.request("proposal", { proposal: proposeLookup, ...usage() }))).toThrow(
      /turn 3 is next/,
    );
    world.contexts.set(8, world.contexts.get(1) as never);
    expect(() => world.run(world.request("outcome"))).toThrow(/no open call of turn 7/);
  });
  test("people are being asked, or nobody is", () => {
    const world = lookedUp();
    world.propose(act("stripe.refund", REFUND));
    const approval = world.request("approval");
    world.contexts.set(3, world.contexts.get(2) as never);
    world.turn = 3;
    expect(() => world.run(world.request("proposal", { proposal: proposeLookup, ...usage() }))).toThrow(
      /people are being asked/,
    );
    const other = lookedUp();
    expect(() => other.run(approval)).toThrow(/nobody is being asked/);
  });
  test("a closed run answers with its outcome, whatever is asked", () => {
    const world = wholeRun();
    world.turn = 3;
    expect(world.run(world.request("proposal", { proposal: proposeLookup, ...usage() }))).toMatchObject({
      decision: "finish",
      outcome: { status: "refunded", reason: "agent_finished" },
    });
    expect(world.types().at(-1)).toBe("RunClosed");
  });
});

describe("the call before", () => {
  test("an open claim is waited for until its deadline", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.returns(null);
    expect(world.propose(proposeLookup)).toBe("wait");
    world.now = NOON + 30_000;
    expect(world.propose(proposeLookup)).toMatchObject({ decision: "permit" });
    expect(world.data("ToolReturned")).toMatchObject({
      status: "error",
      effect_possible: false,
      error: { code: "CS-3129" },
    });
  });

  test("a function that ended before its claim did nothing", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.turn = 2;
    world.propose(proposeLookup);
    expect(world.data("ToolReturned")).toMatchObject({
      status: "error",
      effect_possible: false,
      attempts: 0,
      error: { code: "CS-3128", retryable: true },
    });
    expect(world.contexts.get(3)?.turns[0]?.result).toMatchObject({ status: "error" });
  });

  test("a write that was not claimed is waited for as long as it may be claimed", () => {
    const world = lookedUp();
    world.policy = () => ({ allowed: true, determining: [], errors: [] });
    world.propose(act("stripe.refund", REFUND));
    const settlesMs = NOON + longestWaitMs(0) + 1;
    for (const early of [NOON, NOON + PERMIT_VALID_MS, settlesMs - 1]) {
      world.now = early;
      expect(world.run(outcomeOf(world))).toBe("wait");
    }
    world.now = settlesMs;
    expect(world.run(outcomeOf(world))).toMatchObject({ decision: "deny" });
    expect(world.data("ToolReturned")).toMatchObject({ effect_possible: false, error: { code: "CS-3128" } });
    expect(Object.values(world.counters)[0]).toEqual({ total: 0, count: 0, holds: {} });
  });

  test("a write that failed is waited for as long as it may be tried again", () => {
    const world = lookedUp();
    world.policy = () => ({ allowed: true, determining: [], errors: [] });
    world.propose(act("stripe.refund", REFUND));
    const failed = row(world.data("ActionPermitted").args_hash, { status: "error", error: failure() });
    world.effects.set(2, { ...failed, repeatUntilMs: NOON + REPEAT_WITHIN_MS });
    world.now = NOON + REPEAT_WITHIN_MS;
    expect(world.run(outcomeOf(world))).toBe("wait");
    world.now = NOON + longestWaitMs(0);
    expect(world.run(outcomeOf(world))).toMatchObject({ decision: "deny" });
  });

  test("a write with an unknown outcome ends the run, and its exposure counts", () => {
    for (const next of [act("stripe.lookup_charge", lookupArgs), { kind: "finish", outcome: "refunded" } as const]) {
      const world = lookedUp();
      world.policy = () => ({ allowed: true, determining: [], errors: [] });
      world.propose(act("stripe.refund", REFUND));
      world.returns({ status: "unknown", error: failure() }, true);
      expect(world.propose(next)).toMatchObject({ outcome: { status: "escalated", reason: "outcome_unknown" } });
      expect(Object.values(world.counters)[0]).toEqual({ total: 42_000, count: 1, holds: {} });
      expect(world.types().filter((type) => type === "ActionPermitted")).toHaveLength(2);
    }
  });

  test("a write that certainly failed frees its exposure, and the agent goes on", () => {
    const world = lookedUp();
    world.policy = () => ({ allowed: true, determining: [], errors: [] });
    world.propose(act("stripe.refund", REFUND));
    world.returns({ status: "error", error: { ...failure(true), code: "words, not a code" } }, false);
    expect(world.propose(act("stripe.refund", REFUND))).toMatchObject({ decision: "permit" });
    expect(world.data("ToolReturned")).toMatchObject({
      error: { code: "unnamed", retryable: true, message: { $commitment: expect.any(String) } },
    });
    expect(world.asked.at(-1)?.exposure).toMatchObject({
      run_cents: 42_000,
      customer_day_cents: 42_000,
      customer_day_count: 1,
    });
    expect(JSON.stringify(world.events)).not.toContain("secret words");
  });

  test("a read whose outcome is unknown is a failed read", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.returns({ status: "unknown" }, true);
    world.propose(proposeLookup);
    expect(world.data("ToolReturned")).toMatchObject({ status: "error", effect_possible: false, error: null });
  });

  test.each([
    ["a member too many", { ...LOOKED_UP, hack: "x" }, /1 field\(s\)/],
    ["no object", "text", /not a JSON object/],
    ["too much", { ...LOOKED_UP, customer_name: "x".repeat(70_000) }, /more than 65536 bytes/],
  ])("output with %s is no output: a read has failed", (_, output, message) => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.returns({ status: "ok", output });
    world.propose(proposeLookup);
    expect(world.data("ToolReturned")).toMatchObject({
      status: "error",
      output: null,
      output_hash: null,
      error: { code: "CS-3127" },
    });
    expect(world.contexts.get(3)?.turns[0]?.result?.error?.message).toMatch(message);
  });

  test("malformed output of a write leaves its outcome unknown", () => {
    const world = lookedUp();
    world.policy = () => ({ allowed: true, determining: [], errors: [] });
    world.call("stripe.refund", REFUND, { wrong: true });
    expect(world.propose({ kind: "finish", outcome: "refunded" })).toMatchObject({
      outcome: { reason: "outcome_unknown" },
    });
  });

  test("a row for other arguments than the permit's settles nothing", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.effects.set(1, row("0".repeat(64), { status: "ok", output: LOOKED_UP }));
    world.turn = 2;
    expect(() => world.propose(proposeLookup)).toThrow(/other arguments than its permit/);
  });

  test("phase outcome tells the agent in the turn after the next", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.effects.set(1, row(world.data("ActionPermitted").args_hash, { status: "error", error: failure() }));
    expect(world.run(world.request("outcome"))).toEqual({ decision: "deny", turn: 3 });
    expect(world.contexts.get(3)).toMatchObject({
      turn: 3,
      turns: [{ turn: 1, result: { status: "error" } }],
      steps_left: 19,
    });
    world.turn = 3;
    expect(world.propose(proposeLookup)).toMatchObject({ decision: "permit", turn: 3 });
  });

  test("a tool that the contract no longer has", () => {
    const world = new World().start();
    world.propose(proposeLookup);
    world.returns({ status: "ok", output: LOOKED_UP });
    world.contract = { ...world.contract, tools: contract.tools.filter(({ name }) => name !== lookup.name) };
    expect(world.propose({ kind: "finish", outcome: "explained" })).toMatchObject({
      outcome: { reason: "outcome_unknown" },
    });
  });
});

describe("plain values are believed only as the log has them", () => {
  test.each([
    [
      "input",
      (world: World) => change(world, (context) => ({ ...context, input: { ...runInput, customer_id: "cus_evil" } })),
    ],
    [
      "arguments",
      (world: World) =>
        change(world, (context) => ({
          ...context,
          turns: context.turns.map((turn) => ({
            ...turn,
            proposed: act("stripe.lookup_charge", { charge_id: "ch_evil" }),
          })),
        })),
    ],
    ["a missing turn", (world: World) => change(world, (context) => ({ ...context, turns: [] }))],
    [
      "a result",
      (world: World) =>
        change(world, (context) => ({
          ...context,
          turns: context.turns.map((turn) => ({
            ...turn,
            result: { status: "ok" as const, output: { ...LOOKED_UP, tier: "vip" } },
          })),
        })),
    ],
    [
      "a missing result",
      (world: World) =>
        change(world, (context) => ({ ...context, turns: context.turns.map((turn) => ({ ...turn, result: null })) })),
    ],
  ])("a changed context object: %s", (_, tamper) => {
    const world = lookedUp();
    world.call("zendesk.get_ticket", { ticket_id: "4411" }, { text: "t" });
    tamper(world);
    expect(() => world.propose(proposeLookup)).toThrow(/is not what the log recorded/);
  });
  function change(world: World, edit: (context: NonNullable<ReturnType<World["contexts"]["get"]>>) => unknown): void {
    const context = world.contexts.get(3);
    if (context === undefined) throw new Error();
    world.contexts.set(3, edit(context) as never);
  }
});

test("readsFor names the ledger's row, the decisions and the view that a step needs", () => {
  const world = lookedUp();
  const proposal = world.request("proposal", { proposal: act("stripe.refund", REFUND), ...usage() });
  expect(readsFor(world.events, proposal)).toEqual({
    step: "2.proposal",
    contextTurn: 2,
    effect: { tool: "stripe.lookup_charge", turn: 1 },
    approvalId: null,
    shown: null,
  });
  world.run(proposal);
  const asked = world.events.at(-1);
  expect(readsFor(world.events, proposal)).toMatchObject({
    effect: { turn: 1 },
    shown: { seq: asked?.seq, hash: asked?.hash },
  });
  expect(readsFor(world.events, world.request("approval"))).toMatchObject({
    step: "2.approval",
    effect: { turn: 1 },
    approvalId: world.lastAsk().approval.approval_id,
    shown: { seq: asked?.seq },
  });
  expect(readsFor(world.events, world.request("outcome"))).toMatchObject({
    step: "2.outcome",
    contextTurn: 3,
    approvalId: null,
  });
  expect(readsFor([], null)).toMatchObject({ step: "close", effect: null });
});

test("the shell must hand over what the decision needs", () => {
  const world = lookedUp();
  world.hashes = { ...world.hashes, toolSchemaHashes: {} };
  expect(() => world.propose(proposeLookup)).toThrow(/the schema hash of stripe.lookup_charge is not known/);
});

describe("while the brake is on no step leaves the run open", () => {
  const stop = (world: World) => {
    world.brake = { on: true, by: "op@example.com", at: "2026-11-21T12:01:00.000Z", reason: "incident" };
  };
  const STOPPED = { decision: "finish", outcome: { status: "stopped", reason: "brake" } };

  test("after an answer that is no action", () => {
    const world = new World().start();
    stop(world);
    const prose = { kind: "invalid", reason: "prose", detail: "" };
    expect(world.run(world.request("proposal", { proposal: prose, ...usage() }))).toMatchObject(STOPPED);
    expect(world.types().slice(-2)).toEqual(["ProposalInvalid", "RunClosed"]);
  });

  test("after a rejection", () => {
    const world = lookedUp();
    world.run(world.request("proposal", { proposal: act("stripe.refund", REFUND), ...usage() }));
    world.decides("ana@example.com", "reject");
    stop(world);
    expect(world.approval()).toMatchObject(STOPPED);
  });

  test("after the outcome of a call, which is recorded first", () => {
    const world = new World().start();
    world.run(world.request("proposal", { proposal: proposeLookup, ...usage() }));
    world.returns({ status: "error", error: failure() }, false);
    stop(world);
    world.turn = 1;
    expect(world.run(world.request("outcome"))).toMatchObject(STOPPED);
    expect(world.types().slice(-2)).toEqual(["ToolReturned", "RunClosed"]);
  });
});
