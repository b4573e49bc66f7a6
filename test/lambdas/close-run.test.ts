/** Close-run: whatever was left open is closed, and given back once. */
import { describe, expect, test } from "vitest";
import { createHandler as createCloseRun } from "../../lambdas/close-run/serve.js";
import type { Budgets } from "../../lib/aws/budgets.js";
import { counterDoc, countersOf } from "../../lib/run/exposure.js";
import type { RunRef } from "../../lib/run/keys.js";
import type { Proposal } from "../../lib/run/protocol.js";
import { act, LOOKED_UP, NOON, REFUND, refund, runInput, usage, contract as usual } from "../run/support.js";

import {
  admit,
  admitted,
  approvals,
  arnOf,
  asking,
  budgets,
  claimed,
  control,
  day,
  eventsOf,
  gateHandler,
  look,
  propose,
  REQUESTER,
  returned,
  shared,
  typesOf,
  useStage,
  world,
} from "./stage.js";

useStage();

describe("close-run", () => {
  const close = (event: unknown = { sweep: true }) =>
    createCloseRun({ ...shared(), executions: { status: async (arn) => world.executions.get(arn) ?? null } })(event);
  const ended = (run: RunRef) => ({ detail: { executionArn: arnOf(run.runId), status: "ABORTED" } });

  test("closes a run whose execution ended, once, and gives back its lease", async () => {
    const run = await admitted();
    world.executions.set(arnOf(run.runId), "ABORTED");
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "closed" } });
    expect(await close(ended(run))).toEqual({ settled: {} });
    expect(await close()).toEqual({ settled: {} });
    expect((await eventsOf(run)).at(-1)).toMatchObject({
      type: "RunClosed",
      data: { outcome: { status: "stopped" }, closed_by: "close-run" },
    });
    expect(await day()).toEqual({ spent: 0, leases: {} });
    expect((await admit()).status).toBe(201);
  });

  test("leaves running executions and young runs alone", async () => {
    const run = await admitted();
    world.executions.set(arnOf(run.runId), "RUNNING");
    expect(await close()).toEqual({ settled: {} });
    world.nowMs += 61_000;
    expect(await close()).toEqual({ settled: { [run.runId]: "waiting" } });
    expect(await typesOf(run)).toEqual(["RunStarted"]);
  });

  test("waits for an open claim, then says what is known of it", async () => {
    const run = await admitted();
    await propose(run, 1, look);
    await claimed(run, "stripe.lookup_charge", 1);
    world.executions.set(arnOf(run.runId), "FAILED");
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "waiting" } });
    world.nowMs += 120_000;
    expect(await close()).toEqual({ settled: { [run.runId]: "closed" } });
    expect((await typesOf(run)).slice(-2)).toEqual(["ToolReturned", "RunClosed"]);
  });

  test("gives back what an admission took that never started", async () => {
    const whole = world.log;
    world.log = { ...whole, append: async () => Promise.reject(new Error("crash")) };
    await admit();
    world.log = whole;
    const [open] = await budgets().readOpen();
    world.nowMs += 61_000;
    expect(await close()).toEqual({ settled: { [open?.run_id ?? ""]: "waiting" } });
    world.nowMs += 300_000;
    expect(await close()).toEqual({ settled: { [open?.run_id ?? ""]: "abandoned" } });
    expect([await day(), await budgets().readOpen()]).toEqual([{ spent: 0, leases: {} }, []]);
    expect((await admit()).status).toBe(201);
  });

  test("an admission that is tried again while the sweep looks keeps its rows", async () => {
    const dies = { ...budgets(), takeUnique: async () => Promise.reject(new Error("dies")) };
    const request = { input: runInput, request_id: "r1" };
    await admit(request, REQUESTER, { budgets: dies });
    world.nowMs += 6 * 60_000;
    const racing = {
      ...budgets(),
      async abandonOpen(open: Parameters<Budgets["abandonOpen"]>[0]) {
        expect((await admit(request)).status).toBe(201);
        return budgets().abandonOpen(open);
      },
    };
    const sweep = createCloseRun({ ...shared(), budgets: racing, executions: { status: async () => "RUNNING" } });
    const [open] = await budgets().readOpen();
    expect(await sweep({ sweep: true })).toEqual({ settled: { [open?.run_id ?? ""]: "waiting" } });
    expect(Object.keys((await day())?.leases ?? {})).toEqual([open?.run_id]);
    expect((await budgets().readOpen()).map(({ run_id }) => run_id)).toEqual([open?.run_id]);
  });

  test("a second delivery of a request that is refused leaves the rows of the first, which was admitted", async () => {
    const request = { input: runInput, request_id: "r1" };
    const late = {
      ...budgets(),
      async takeUnique(...row: Parameters<Budgets["takeUnique"]>) {
        expect((await admit(request)).status).toBe(201);
        const brake = { on: true, by: "op", at: "2026-11-21T12:00:00.000Z", reason: "incident" };
        await control().writeBrake("billing-dispute", brake);
        return budgets().takeUnique(...row);
      },
    };
    expect((await admit(request, REQUESTER, { budgets: late })).status).toBe(409);
    const [open] = await budgets().readOpen();
    expect(Object.keys((await day())?.leases ?? {})).toEqual([open?.run_id]);
  });

  test("a second delivery that comes late takes nothing of a run that is over", async () => {
    const request = { input: runInput, request_id: "r1" };
    const over = async () => {
      const { run_id } = (await admit(request)).body;
      world.executions.set(arnOf(run_id), "ABORTED");
      world.nowMs += 61_000;
      expect(await close()).toEqual({ settled: { [run_id]: "closed" } });
    };
    const late: { [M in "enterOpen" | "takeUnique" | "leaseDay"]: Partial<Budgets> } = {
      enterOpen: { enterOpen: async (open) => over().then(() => budgets().enterOpen(open)) },
      takeUnique: { takeUnique: async (open, hash) => over().then(() => budgets().takeUnique(open, hash)) },
      leaseDay: { leaseDay: async (...lease) => over().then(() => budgets().leaseDay(...lease)) },
    };
    for (const [step, slow] of Object.entries(late)) {
      request.request_id = step;
      const { status } = await admit(request, REQUESTER, { budgets: { ...budgets(), ...slow } });
      expect([step, status]).toEqual([step, 409]);
      world.nowMs += 61_000;
      await close();
      expect([step, await day(), await budgets().readOpen()]).toEqual([step, { spent: 0, leases: {} }, []]);
      expect((await admit({ ...request, request_id: `${step}-next` })).status).toBe(201);
      const [next] = await budgets().readOpen();
      world.executions.set(next?.execution_arn ?? "", "ABORTED");
      world.nowMs += 61_000;
      await close();
    }
  });

  test("counts what a step wrote down and died before counting", async () => {
    const run = await admitted();
    await propose(run, 1, look);
    await returned(run, "stripe.lookup_charge", 1, LOOKED_UP);
    let isDying = false;
    const gate = gateHandler({
      budgets: {
        ...budgets(),
        updateCounter: (...change) =>
          isDying ? Promise.reject(new Error("dies")) : budgets().updateCounter(...change),
      },
      authorizer: { ask: async () => ({ allowed: true, determining: [], errors: [] }) },
    });
    const step = (turn: number, proposal: Proposal) =>
      gate({
        run_id: run.runId,
        tenant: run.tenant,
        execution_arn: arnOf(run.runId),
        phase: "proposal",
        turn,
        proposed: { proposal, ...usage() },
      });
    expect(await step(2, act("stripe.refund", REFUND))).toMatchObject({ decision: "permit" });
    await returned(run, "stripe.refund", 2, { refund_id: "re_1" });
    isDying = true;
    await expect(step(3, look)).rejects.toThrow("dies");
    expect((await typesOf(run)).at(-1)).toBe("ActionPermitted");
    await returned(run, "stripe.lookup_charge", 3, LOOKED_UP);
    world.executions.set(arnOf(run.runId), "ABORTED");
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "closed" } });
    const refundTool = world.contract.tools.find(({ name }) => name === "stripe.refund") ?? refund;
    for (const counter of countersOf(refundTool, "cus_9", NOON, world.contract.timeZone)) {
      const ref = { kind: "exposure", tenant: "acme", scope: counter.scope, day: counter.day } as const;
      expect(await budgets().readCounter(ref, counterDoc)).toEqual({ total: 42_000, count: 1, holds: {} });
    }
  });

  test("closes a run that was admitted and never started", async () => {
    world.startFails = true;
    await admit();
    const [open] = await budgets().readOpen();
    world.nowMs += 6 * 60_000;
    expect(await close()).toEqual({ settled: { [open?.run_id ?? ""]: "closed" } });
  });

  test("finishes giving back for the gate", async () => {
    const run = await admitted();
    const [open] = await budgets().readOpen();
    if (open === undefined) throw new Error("no open row");
    await propose(run, 1, { kind: "finish", outcome: "explained" });
    await budgets().enterOpen(open);
    world.nowMs += 61_000;
    expect(await close()).toEqual({ settled: { [run.runId]: "given back" } });
    expect(await budgets().readOpen()).toEqual([]);
  });

  test("whoever was being asked is told that the run was stopped, also after a crash in between", async () => {
    const { run, ask } = await asking();
    const ref = { workflow: run.workflow, approvalId: ask.approval.approval_id };
    world.executions.set(arnOf(run.runId), "ABORTED");
    const dying = createCloseRun({
      ...shared(),
      approvals: { insertOutcome: async () => Promise.reject(new Error("crash")) },
      executions: { status: async () => "ABORTED" },
    });
    await expect(dying(ended(run))).rejects.toMatchObject({ code: "CS-3408" });
    expect(await typesOf(run)).toEqual(expect.arrayContaining(["ApprovalVoided", "RunClosed"]));
    expect(await approvals().readOutcomes(ref)).toEqual([]);
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "given back" } });
    expect(await approvals().readOutcomes(ref)).toMatchObject([{ kind: "stopped", next_approval_id: null }]);
    expect(await close()).toEqual({ settled: {} });
  });

  test("one run that cannot be settled keeps no other open, and is an alarm", async () => {
    world.contract = { ...usual, unique: [] };
    const first = await admitted();
    const second = await admitted();
    for (const run of [first, second]) world.executions.set(arnOf(run.runId), "FAILED");
    world.nowMs += 61_000;
    const failing = createCloseRun({
      ...shared(),
      executions: {
        status: async (arn) => (arn === arnOf(first.runId) ? Promise.reject(new Error("throttled")) : "FAILED"),
      },
    });
    await expect(failing({ sweep: true })).rejects.toMatchObject({
      code: "CS-3408",
      message: expect.stringContaining(first.runId),
    });
    expect(await typesOf(second)).toEqual(["RunStarted", "RunClosed"]);
    expect(await typesOf(first)).toEqual(["RunStarted"]);
  });

  test("an event of another form is refused", async () => {
    for (const event of [{}, { sweep: false }, { detail: {} }, null]) await expect(close(event)).rejects.toThrow();
  });
});
