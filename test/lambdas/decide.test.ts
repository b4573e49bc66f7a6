/** The gate on its real ports: proposals, decisions of people, outcomes. */
import { describe, expect, test } from "vitest";
import { openedApprovals } from "../../lib/approval/opened.js";
import { matchesHash } from "../../lib/approval/status.js";
import { verifyChain } from "../../lib/audit/chain.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import { counterDoc, countersOf } from "../../lib/run/exposure.js";
import { viewHash } from "../../lib/run/hash.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { REFUND, refund, runInput, usage } from "../run/support.js";

import {
  admit,
  admitted,
  approvals,
  arnOf,
  asking,
  budgets,
  calls,
  claimed,
  contexts,
  day,
  decide,
  eventsOf,
  gateHandler,
  look,
  propose,
  returned,
  typesOf,
  useStage,
  vault,
  views,
  world,
} from "./stage.js";

useStage();
const HEX64 = expect.stringMatching(/^[0-9a-f]{64}$/);

describe("the gate", () => {
  test("permits a read, and a repeat answers the same without a second record", async () => {
    const run = await admitted();
    const answer = await propose(run, 1, look);
    expect(answer).toEqual({
      decision: "permit",
      turn: 1,
      action: { tool: "stripe.lookup_charge", args: { charge_id: "ch_77" }, nonces: {} },
      permit_seq: 4,
    });
    expect(await propose(run, 1, look)).toEqual(answer);
    expect(await typesOf(run)).toEqual(["RunStarted", "ActionProposed", "ActionDecided", "ActionPermitted"]);
    expect(verifyChain(await eventsOf(run))).toBeUndefined();
    expect((await contexts().read(run, 2))?.context.turns).toMatchObject([
      { turn: 1, decision: "permit", result: null },
    ]);
    expect(world.asked).toEqual(["stripe.lookup_charge 0"]);
  });

  test("asks people for a refund, permits it after they approve, and holds its amount", async () => {
    const { run, ask } = await asking();
    expect(world.asked.slice(1)).toEqual(["stripe.refund 0", "stripe.refund 1"]);
    expect(ask.approval).toMatchObject({
      title: "Refund €420.00 to cus_9",
      args: { memo: { $commitment: HEX64 } },
      because: [{ policy_id: expect.any(String) }],
    });
    expect(JSON.stringify(await eventsOf(run))).not.toMatch(/Jo Doe|Acme BV|0151 2345678|charged twice/);
    const { approval } = ask;
    expect(JSON.stringify(approval)).not.toMatch(/Jo Doe|twice|"nonces":\{"/);
    const over = (row: ApprovalView) =>
      openedApprovals<Pick<Approvals, "readRequest">>({ readRequest: async () => row }, views());
    const desk = over(approval);
    const whole = await desk.readRequest({ workflow: "billing-dispute", approvalId: approval.approval_id });
    expect(whole).toMatchObject({ args: { memo: "for Jo Doe" }, says: "twice" });
    expect([matchesHash(approval), whole && matchesHash(whole)]).toEqual([true, true]);
    expect(whole && viewHash(whole)).toBe(viewHash(approval));
    const lying = over({ ...approval, title: "Refund €4.20" });
    const ref = { workflow: "billing-dispute", approvalId: approval.approval_id };
    await expect(lying.readRequest(ref)).rejects.toMatchObject({ code: "CS-2112" });
    await expect(desk.readRequest({ ...ref, approvalId: "ap_gone" })).rejects.toMatchObject({ code: "CS-2132" });
    const decision = {
      approval_id: approval.approval_id,
      approver: "ana@example.com",
      decision: "approve",
      channel: "page",
      method: "oidc",
      subject: "https://login.example.com|ana",
      comment: "yes",
      decided_at: "2026-11-21T12:00:05.000Z",
      action_hash: approval.action_hash,
      policy_set_hash: approval.policy_set_hash,
      view_hash: viewHash(approval),
    } as const;
    await approvals().insertDecision("billing-dispute", decision);
    world.nowMs += 10_000;
    const request = { phase: "approval", turn: 2, action: ask.action, rationale: ask.rationale };
    const permit = await decide(run, request);
    expect(permit).toMatchObject({ decision: "permit", action: { args: { ...REFUND, memo: { $commitment: HEX64 } } } });
    expect(JSON.stringify([ask.action, ask.rationale, permit])).not.toMatch(/Jo Doe|twice/);
    expect((await calls().read({ run, tool: "stripe.refund", turn: 2 }))?.args).toEqual({
      ...REFUND,
      memo: "for Jo Doe",
    });
    expect(await decide(run, request)).toEqual(permit);
    const [counter] = countersOf(refund, "cus_9", world.nowMs, world.contract.timeZone);
    if (counter === undefined) throw new Error("no counter");
    const doc = () =>
      budgets().readCounter({ kind: "exposure", tenant: "acme", scope: counter.scope, day: counter.day }, counterDoc);
    expect(await doc()).toMatchObject({ total: 0, holds: { [`${run.runId}/2`]: 42_000 } });
    await returned(run, "stripe.refund", 2, { refund_id: "re_1" });
    await propose(run, 3, { kind: "finish", outcome: "refunded", summary: "done" });
    expect(await doc()).toEqual({ total: 42_000, count: 1, holds: {} });
    expect(await typesOf(run)).toContain("ToolReturned");
    expect(verifyChain(await eventsOf(run))).toBeUndefined();
  });

  test("a callback without a decision row permits nothing", async () => {
    const { run, ask } = await asking();
    const answer = await decide(run, { phase: "approval", turn: 2, action: ask.action, rationale: ask.rationale });
    expect(answer.decision).toBe("ask");
    world.nowMs = Date.parse(ask.approval.deadline);
    expect(
      (await decide(run, { phase: "approval", turn: 2, action: ask.action, rationale: ask.rationale })).decision,
    ).toBe("deny");
    expect(await typesOf(run)).toContain("ApprovalExpired");
  });

  test("an error of the policy engine denies, although it said allow", async () => {
    const run = await admitted();
    world.policyErrors = ["while evaluating policy0: overflow"];
    expect((await propose(run, 1, look)).decision).toBe("deny");
    expect(await typesOf(run)).not.toContain("ActionPermitted");
  });

  test("a preview that fails denies", async () => {
    world.previewAnswer = { status: "error", error: { code: "amount_too_large", message: "no" } };
    await expect(asking()).rejects.toThrow("not asked but deny");
  });

  test("a preview's code that is somebody's words is not in the log", async () => {
    world.previewAnswer = { status: "error", error: { code: "Jo Doe has no 4242", message: "no" } };
    await expect(asking()).rejects.toThrow("not asked but deny");
    const [open] = await budgets().readOpen();
    const log = JSON.stringify(
      await eventsOf({ workflow: "billing-dispute", tenant: "acme", runId: open?.run_id ?? "" }),
    );
    expect(log).toContain("the preview failed (unnamed)");
    expect(log).not.toContain("has no 4242");
  });

  test.each([
    ["tokens", { prompt_tokens: Number.MAX_SAFE_INTEGER }, 0],
    ["a cost", { cost_micro_usd: Number.MAX_SAFE_INTEGER }, 0],
    ["as much as is taken", { prompt_tokens: 1_000_000_000, cost_micro_usd: 1_000_000_000_000 }, 1_000_000_000_000],
  ])("a hostile proposer that says %s leaves a log that can be read, and closed", async (_, numbers, cost) => {
    const run = await admitted();
    await propose(run, 1, { kind: "invalid", reason: "prose", detail: "x" });
    await decide(run, { phase: "proposal", turn: 2, proposed: { proposal: look, ...usage(), ...numbers } });
    const spent = (await eventsOf(run)).flatMap((event) =>
      "cost_micro_usd" in event.data ? [event.data.cost_micro_usd] : [],
    );
    expect(spent).toEqual([1000, cost]);
    if (cost > 0) expect(await day()).toEqual({ spent: 1000 + cost, leases: {} });
  });

  test("finishing closes the run and gives back what it did not spend", async () => {
    const run = await admitted();
    const answer = await propose(run, 1, { kind: "finish", outcome: "explained" });
    expect(answer).toMatchObject({ decision: "finish", outcome: { status: "explained" } });
    expect(await propose(run, 1, { kind: "finish", outcome: "explained" })).toEqual(answer);
    expect(await day()).toEqual({ spent: 1000, leases: {} });
    expect(await budgets().readOpen()).toEqual([]);
    expect((await admit()).status).toBe(201);
  });

  test("an execution that was not admitted, or under another name, decides nothing", async () => {
    const run = await admitted();
    for (const wrong of [{ run_id: "rogue" }, { tenant: "other" }, { execution_arn: arnOf("other") }])
      await expect(
        decide(run, { phase: "proposal", turn: 1, proposed: { proposal: look, ...usage() }, ...wrong }),
      ).rejects.toMatchObject({ name: "NotAdmitted" });
    const { body } = await admit({ input: { ...runInput, extra: 1 } });
    await expect(propose({ ...run, runId: body.run_id }, 1, look)).rejects.toMatchObject({ name: "NotAdmitted" });
    expect(await typesOf(run)).toEqual(["RunStarted"]);
  });

  test("who loses the race for the log's next place says so, and the repeat sees what the other wrote", async () => {
    const run = await admitted();
    const whole = world.log;
    const lose: RunLog["append"] = async (events) => {
      world.log = whole;
      await propose(run, 1, look);
      return whole.append(events);
    };
    world.log = { ...whole, append: lose };
    await expect(propose(run, 1, look)).rejects.toMatchObject({ name: "Conflict" });
    expect((await propose(run, 1, look)).decision).toBe("permit");
    expect((await typesOf(run)).filter((type) => type === "ActionPermitted")).toHaveLength(1);
  });

  test("a call that may still be running is waited for", async () => {
    const run = await admitted();
    await propose(run, 1, look);
    await claimed(run, "stripe.lookup_charge", 1);
    await expect(decide(run, { phase: "outcome", turn: 1 })).rejects.toMatchObject({ name: "ClaimOpen" });
    world.nowMs += 31_000;
    expect((await decide(run, { phase: "outcome", turn: 1 })).decision).toBe("deny");
  });

  test("a run whose key was shredded goes no further", async () => {
    const run = await admitted();
    const handler = gateHandler({ vault: { ...vault(), readSecret: async () => undefined } });
    await expect(
      handler({ run_id: run.runId, tenant: run.tenant, execution_arn: arnOf(run.runId), phase: "outcome", turn: 1 }),
    ).rejects.toMatchObject({ code: "CS-3404" });
  });
});
