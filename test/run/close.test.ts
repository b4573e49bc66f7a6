import { describe, expect, test } from "vitest";
import { verifyChain } from "../../lib/audit/chain.js";
import { longestWaitMs } from "../../lib/run/claim.js";
import { START_GRACE_MS } from "../../lib/run/close.js";
import { act, LOOKED_UP, lookedUp, NOON, REFUND, row, World, wholeRun } from "./support.js";

test.each([
  ["ABORTED", "stopped", "execution_stopped"],
  ["TIMED_OUT", "expired", "run_time"],
  ["FAILED", "failed", "execution_failed"],
  ["SUCCEEDED", "failed", "ended_without_outcome"],
] as const)("GIVEN an open run WHEN its execution is %s THEN it is closed as %s", (execution, status, reason) => {
  const world = lookedUp();
  world.propose({ kind: "invalid", reason: "empty", detail: "" });
  expect(world.close(execution)).toMatchObject({ kind: "close", step: "close" });
  expect(world.data("RunClosed")).toEqual({
    outcome: { status, reason },
    closed_by: "close-run",
    turns: 2,
    tool_calls: 1,
    spent_micro_usd: 2000,
  });
  expect(verifyChain(world.events)).toBeUndefined();
  expect(world.close(execution)).toEqual({ kind: "nothing" });
});

test("nothing to do for a running, a closed or an absent run", () => {
  expect(lookedUp().close("RUNNING")).toEqual({ kind: "nothing" });
  expect(wholeRun().close("SUCCEEDED")).toEqual({ kind: "nothing" });
  expect(new World().close("FAILED")).toEqual({ kind: "nothing" });
});

test("a start that never came is closed after a while", () => {
  const world = new World().start();
  expect(world.close(null)).toEqual({ kind: "wait", untilMs: NOON + START_GRACE_MS });
  world.now += START_GRACE_MS;
  expect(world.close(null)).toMatchObject({ kind: "close" });
  expect(world.data("RunClosed").outcome).toEqual({ status: "failed", reason: "never_started" });
});

describe("an open permit", () => {
  const permitted = () => {
    const world = lookedUp();
    world.policy = () => ({ allowed: true, determining: [], errors: [] });
    world.propose(act("stripe.refund", REFUND));
    return world;
  };
  test("without a claim is waited for until it runs out, and frees its exposure then", () => {
    const world = permitted();
    const settlesMs = longestWaitMs(0) + 1;
    expect(world.close("ABORTED")).toEqual({ kind: "wait", untilMs: NOON + settlesMs });
    world.now += settlesMs;
    expect(world.close("ABORTED")).toMatchObject({ kind: "close", settled: [], released: [{}, {}] });
    expect(world.types().slice(-2)).toEqual(["ToolReturned", "RunClosed"]);
    expect(world.data("RunClosed").outcome.status).toBe("stopped");
  });
  test("with an open claim is waited for until its deadline; then its outcome is unknown", () => {
    const world = permitted();
    world.returns(null);
    expect(world.close("ABORTED")).toEqual({ kind: "wait", untilMs: NOON + 30_000 });
    world.now += 30_000;
    expect(world.close("ABORTED")).toMatchObject({ kind: "close", settled: [{}, {}], released: [] });
    expect(world.data("ToolReturned")).toMatchObject({ status: "unknown", effect_possible: true });
    expect(world.data("RunClosed").outcome).toEqual({ status: "escalated", reason: "outcome_unknown" });
  });
  test("with an outcome is settled, its values sealed", () => {
    const world = new World().start();
    world.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }));
    world.effects.set(1, row(world.data("ActionPermitted").args_hash, { status: "ok", output: LOOKED_UP }));
    const closing = world.close("FAILED");
    expect(closing).toMatchObject({
      kind: "close",
      sealed: [{ index: 0, values: { "output|customer_name": { value: "Acme BV" } } }],
    });
    expect(world.data("ToolReturned")).toMatchObject({ status: "ok" });
  });
});

test("people who are being asked need not answer any more", () => {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.close("ABORTED");
  expect(world.types().slice(-2)).toEqual(["ApprovalVoided", "RunClosed"]);
  const late = lookedUp();
  late.propose(act("stripe.refund", REFUND));
  late.now += 5 * 3600_000;
  late.close("TIMED_OUT");
  expect(late.types().slice(-2)).toEqual(["ApprovalExpired", "RunClosed"]);
});
