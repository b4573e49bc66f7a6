/** Admission, gate and close-run on the embedded tables and buckets; policies, previews and Step Functions answer as the test says. */

import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createHandler as createAdmit } from "../../lambdas/admit/serve.js";
import { createHandler as createCloseRun } from "../../lambdas/close-run/serve.js";
import { createHandler as createGate } from "../../lambdas/decide/serve.js";
import { openedApprovals } from "../../lib/approval/opened.js";
import { matchesHash } from "../../lib/approval/status.js";
import { verifyChain } from "../../lib/audit/chain.js";
import { type Approvals, dynamoApprovals } from "../../lib/aws/approvals.js";
import type { Authorizer } from "../../lib/aws/authorizer.js";
import { type Budgets, dynamoBudgets } from "../../lib/aws/budgets.js";
import { s3CallStore } from "../../lib/aws/call-store.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import type { ExecutionStatus } from "../../lib/aws/executions.js";
import type { PreviewAnswer } from "../../lib/aws/previews.js";
import { dynamoRunLog, type RunLog } from "../../lib/aws/run-log.js";
import { s3Vault } from "../../lib/aws/vault.js";
import { s3ViewStore } from "../../lib/aws/view-store.js";
import type { Contract } from "../../lib/contract/model.js";
import { dayDoc } from "../../lib/run/budget.js";
import { counterDoc, countersOf } from "../../lib/run/exposure.js";
import { viewHash } from "../../lib/run/hash.js";
import type { RunRef } from "../../lib/run/keys.js";
import type { ApprovalView, Proposal } from "../../lib/run/protocol.js";
import { startStage, type TestStage } from "../aws/cloud.js";
import { act, hex, LOOKED_UP, NOON, REFUND, refund, runInput, usage, contract as usual } from "../run/support.js";

let stage: TestStage;
beforeAll(async () => {
  stage = await startStage();
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterAll(() => stage.close());

const REQUESTER = "arn:aws:sts::111111111111:assumed-role/Requester/sam@example.com";
const hashes = {
  contractHash: hex("contract"),
  policySetHash: hex("policies"),
  toolSchemaHashes: Object.fromEntries(usual.tools.map(({ name }) => [name, hex(name)])),
};
let contract: Contract;
let started: { runId: string; input: unknown }[];
let executions: Map<string, ExecutionStatus>;
let nowMs: number;
let startFails: boolean;
let previewAnswer: PreviewAnswer;
let asked: string[];
let policyErrors: string[];
let log: RunLog;
beforeEach(async () => {
  await stage.reset();
  contract = usual;
  started = [];
  executions = new Map();
  nowMs = NOON;
  startFails = false;
  previewAnswer = {
    status: "ok",
    preview: { before: { refunded_cents: 0 }, after: { refunded_cents: 42_000 }, notes: [] },
  };
  asked = [];
  policyErrors = [];
  log = dynamoRunLog(stage.table("log"));
});

const HEX64 = expect.stringMatching(/^[0-9a-f]{64}$/);
const arnOf = (runId: string) => `arn:aws:states:eu-central-1:111111111111:execution:m:${runId}`;
const budgets = (): Budgets => dynamoBudgets(stage.table("budgets"), "billing-dispute");
const vault = () => s3Vault(stage.bucket("vault"));
const contexts = () => s3ContextStore(stage.bucket("context"));
const views = () => s3ViewStore(stage.bucket("context"));
const calls = () => s3CallStore(stage.bucket("context"));
const effects = () => dynamoEffects(stage.table("effects"));
const shared = () => ({
  contract,
  stage: "dev",
  hashes,
  log,
  vault: vault(),
  control: dynamoControl(stage.table("control")),
  contexts: contexts(),
  calls: calls(),
  views: views(),
  budgets: budgets(),
  effects: effects(),
  approvals: dynamoApprovals(stage.table("approvals")),
  nowMs: () => nowMs,
});

let suffixes = 0;
const admitHandler = () =>
  createAdmit({
    ...shared(),
    executions: {
      arnOf,
      async start(runId, input) {
        if (startFails) throw new Error("ServiceUnavailable");
        started.push({ runId, input });
      },
    },
    newSuffix() {
      suffixes += 1;
      return `S${suffixes}`;
    },
  });
async function admit(body: unknown = { input: runInput }, userArn = REQUESTER) {
  const requestContext = { authorizer: { iam: { userArn } } };
  const answer = await admitHandler()({
    body: typeof body === "string" ? body : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext,
  });
  return { status: answer.statusCode, body: JSON.parse(answer.body ?? "") };
}
async function admitted(body?: unknown): Promise<RunRef> {
  const { body: answer } = await admit(body);
  return { workflow: "billing-dispute", tenant: "acme", runId: answer.run_id };
}
const eventsOf = (run: RunRef) => log.read(run);
const typesOf = async (run: RunRef) => (await eventsOf(run)).map(({ type }) => type);
const day = () => budgets().readCounter({ kind: "day", tenant: "acme", day: "2026-11-21" }, dayDoc);

const authorizer: Authorizer = {
  async ask({ action, context }) {
    const approvals = Number(context.approvals);
    asked.push(`${action.actionId} ${approvals}`);
    if (action.actionId !== "stripe.refund")
      return { allowed: true, determining: [{ id: "reads", reason: "", text: "permit" }], errors: policyErrors };
    const policy = approvals > 0 ? "refund_threshold" : "guardrail_irreversible";
    return {
      allowed: approvals > 0,
      determining: [{ id: policy, reason: "one person", text: `@id("${policy}")` }],
      errors: policyErrors,
    };
  },
};
const gateHandler = () =>
  createGate({
    ...shared(),
    approvals: dynamoApprovals(stage.table("approvals")),
    authorizer,
    previews: { ask: async () => previewAnswer },
  });
const decide = (run: RunRef, request: Record<string, unknown>) =>
  gateHandler()({ run_id: run.runId, tenant: run.tenant, execution_arn: arnOf(run.runId), ...request });
const propose = (run: RunRef, turn: number, proposal: Proposal) =>
  decide(run, { phase: "proposal", turn, proposed: { proposal, ...usage() } });
const look = act("stripe.lookup_charge", { charge_id: "ch_77" });

async function returned(run: RunRef, tool: string, turn: number, output: Record<string, string>): Promise<void> {
  const permit = (await eventsOf(run)).findLast((event) => event.type === "ActionPermitted");
  if (permit?.type !== "ActionPermitted") throw new Error("no permit");
  const ref = { run, tool, turn };
  await effects().claim(ref, {
    args_hash: permit.data.args_hash,
    claimed_at: "2026-11-21T12:00:00.000Z",
    deadline: "2026-11-21T12:00:30.000Z",
  });
  await effects().storeOutcome(ref, 1, {
    status: "ok",
    output,
    effect_possible: false,
    latency_ms: 3,
    finished_at: "2026-11-21T12:00:01.000Z",
  });
}
/** A run that has looked the charge up and asks for a refund. */
async function asking(): Promise<{
  run: RunRef;
  ask: Extract<Awaited<ReturnType<typeof propose>>, { decision: "ask" }>;
}> {
  const run = await admitted();
  await propose(run, 1, look);
  await returned(run, "stripe.lookup_charge", 1, LOOKED_UP);
  const ask = await propose(run, 2, act("stripe.refund", { ...REFUND, memo: "for Jo Doe" }, { rationale: "twice" }));
  if (ask.decision !== "ask") throw new Error(`not asked but ${ask.decision}`);
  return { run, ask };
}

describe("admission", () => {
  test("starts a run: everything is written before the execution is", async () => {
    const { status, body } = await admit();
    expect(status).toBe(201);
    expect(body).toEqual({
      run_id: expect.stringMatching(/^bd-dp_118-S\d+$/),
      tenant: "acme",
      execution_arn: arnOf(body.run_id),
      repeated: false,
    });
    const run = { workflow: "billing-dispute", tenant: "acme", runId: body.run_id };
    expect(started).toEqual([{ runId: body.run_id, input: { tenant: "acme", turn: 1 } }]);
    const [first] = await eventsOf(run);
    expect(first).toMatchObject({
      type: "RunStarted",
      data: { requester: REQUESTER, input: { claim: { $commitment: expect.any(String) } } },
    });
    expect(JSON.stringify(first)).not.toContain("0151");
    expect((await contexts().read(run, 1))?.context.input).toEqual(runInput);
    expect(await day()).toEqual({ spent: 0, leases: { [run.runId]: 400_000 } });
    expect(await budgets().readOpen()).toMatchObject([{ run_id: run.runId, lease_day: "2026-11-21" }]);
  });

  test("the requester is who signed, whatever the body says", async () => {
    expect((await admit({ input: runInput, requester: "root" })).body).toMatchObject({ code: "CS-3009" });
    expect(await createAdmitUnsigned()).toMatchObject({ statusCode: 403 });
  });
  const createAdmitUnsigned = () => admitHandler()({ body: JSON.stringify({ input: runInput }), requestContext: {} });

  test("the same request id is the same run; for another input or requester it is refused", async () => {
    const request = { input: runInput, request_id: "r-1" };
    const first = await admit(request);
    const second = await admit(request);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual({ ...first.body, repeated: true });
    expect(await typesOf({ workflow: "billing-dispute", tenant: "acme", runId: first.body.run_id })).toEqual([
      "RunStarted",
    ]);
    expect((await admit({ ...request, input: { ...runInput, claim: "else" } })).body).toMatchObject({
      code: "CS-3011",
    });
    expect((await admit(request, "arn:aws:iam::1:user/eve")).body).toMatchObject({ code: "CS-3006" });
    expect(await day()).toMatchObject({ leases: { [first.body.run_id]: 400_000 } });
  });

  test("what a crash left undone is done by the repeat", async () => {
    startFails = true;
    const request = { input: runInput, request_id: "r-2" };
    expect(await admit(request)).toMatchObject({ status: 500, body: { code: "CS-3015" } });
    startFails = false;
    expect(await admit(request)).toMatchObject({ status: 200, body: { repeated: true } });
    expect(started).toHaveLength(1);
  });

  test("a crash anywhere before leaves nothing that the repeat trips over", async () => {
    const request = { input: runInput, request_id: "r-3" };
    const whole = log;
    log = { ...whole, append: async () => Promise.reject(new Error("crash")) };
    expect((await admit(request)).status).toBe(500);
    log = whole;
    nowMs += 1000;
    const { status, body } = await admit(request);
    expect(status).toBe(201);
    expect(await day()).toEqual({ spent: 0, leases: { [body.run_id]: 400_000 } });
    const read =
      (await vault().readSecret({ workflow: "billing-dispute", tenant: "acme", runId: body.run_id })) ??
      new Uint8Array();
    expect(read).toHaveLength(32);
  });

  const refusals: readonly [string, number, string, () => Promise<unknown>][] = [
    ["input that does not fit", 400, "CS-3003", async () => ({ input: { ...runInput, extra: 1 } })],
    ["stale input", 400, "CS-3005", async () => ({ input: { ...runInput, opened_at: "2026-01-01T00:00:00Z" } })],
    ["another tenant", 403, "CS-3002", async () => ({ input: runInput, tenant: "other" })],
    ["a second run of the same dispute", 409, "CS-3006", async () => admitted().then(() => ({ input: runInput }))],
    [
      "an empty budget",
      429,
      "CS-3007",
      async () => {
        contract = { ...usual, unique: [], budget: { ...usual.budget, perDayMicroUsd: 500_000 } };
        await admitted();
        return { input: runInput };
      },
    ],
    [
      "a stopped workflow",
      423,
      "CS-3001",
      async () => {
        const brake = { on: true, by: "op", at: "2026-11-21T11:00:00.000Z", reason: "x" };
        await dynamoControl(stage.table("control")).writeBrake("billing-dispute", brake);
        return { input: runInput };
      },
    ],
  ];
  test.each(refusals)("%s: %i %s, recorded, nothing taken, nothing started", async (_what, status, code, prepare) => {
    const body = await prepare();
    const before = { day: await day(), open: await budgets().readOpen(), started: started.length };
    const answer = await admit(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.checks.some((check: { result: string }) => check.result === "failed")).toBe(true);
    const tenant = code === "CS-3002" ? "other" : "acme";
    expect(await typesOf({ workflow: "billing-dispute", tenant, runId: answer.body.run_id })).toEqual(["RunRefused"]);
    expect({ day: await day(), open: await budgets().readOpen(), started: started.length }).toEqual(before);
  });

  test("bodies that are none", async () => {
    const deep = `{"input":{"a":${"[".repeat(5000)}${"]".repeat(5000)}}}`;
    for (const body of [
      "",
      "{",
      "[]",
      '"x"',
      "{}",
      '{"input":[]}',
      '{"input":{},"tenant":"../x"}',
      deep,
      `{"input":{"a":"${"x".repeat(300_000)}"}}`,
      '{"input":{"a":"\\ud800"}}',
    ])
      expect(await admit(body), body.slice(0, 40)).toMatchObject({ status: 400, body: { code: "CS-3009" } });
    expect(await budgets().readOpen()).toEqual([]);
  });

  test("of two at once for the same dispute one starts", async () => {
    const both = await Promise.all([admit(), admit()]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(started).toHaveLength(1);
    expect(Object.keys((await day())?.leases ?? {})).toHaveLength(1);
  });
});

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
    expect(asked).toEqual(["stripe.lookup_charge 0"]);
  });

  test("asks people for a refund, permits it after they approve, and holds its amount", async () => {
    const { run, ask } = await asking();
    expect(asked.slice(1)).toEqual(["stripe.refund 0", "stripe.refund 1"]);
    expect(ask.approval).toMatchObject({
      title: "Refund €420.00 to cus_9",
      args: { memo: { $commitment: HEX64 } },
      because: [{ policy_id: expect.any(String) }],
    });
    expect(JSON.stringify(await eventsOf(run))).not.toMatch(/Jo Doe|Acme BV|0151/);
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
      comment: "yes",
      decided_at: "2026-11-21T12:00:05.000Z",
      action_hash: approval.action_hash,
      policy_set_hash: approval.policy_set_hash,
      view_hash: viewHash(approval),
    } as const;
    await dynamoApprovals(stage.table("approvals")).insertDecision("billing-dispute", decision);
    nowMs += 10_000;
    const request = { phase: "approval", turn: 2, action: ask.action, rationale: ask.rationale };
    const permit = await decide(run, request);
    expect(permit).toMatchObject({ decision: "permit", action: { args: { ...REFUND, memo: { $commitment: HEX64 } } } });
    expect(JSON.stringify([ask.action, ask.rationale, permit])).not.toMatch(/Jo Doe|twice/);
    expect((await calls().read({ run, tool: "stripe.refund", turn: 2 }))?.args).toEqual({
      ...REFUND,
      memo: "for Jo Doe",
    });
    expect(await decide(run, request)).toEqual(permit);
    const [counter] = countersOf(refund, "cus_9", nowMs, contract.timeZone);
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
    nowMs = Date.parse(ask.approval.deadline);
    expect(
      (await decide(run, { phase: "approval", turn: 2, action: ask.action, rationale: ask.rationale })).decision,
    ).toBe("deny");
    expect(await typesOf(run)).toContain("ApprovalExpired");
  });

  test("an error of the policy engine denies, although it said allow", async () => {
    const run = await admitted();
    policyErrors = ["while evaluating policy0: overflow"];
    expect((await propose(run, 1, look)).decision).toBe("deny");
    expect(await typesOf(run)).not.toContain("ActionPermitted");
  });

  test("a preview that fails denies", async () => {
    previewAnswer = { status: "error", error: { code: "amount_too_large", message: "no" } };
    await expect(asking()).rejects.toThrow("not asked but deny");
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
    const whole = log;
    const lose: RunLog["append"] = async (events) => {
      log = whole;
      await propose(run, 1, look);
      return whole.append(events);
    };
    log = { ...whole, append: lose };
    await expect(propose(run, 1, look)).rejects.toMatchObject({ name: "Conflict" });
    expect((await propose(run, 1, look)).decision).toBe("permit");
    expect((await typesOf(run)).filter((type) => type === "ActionPermitted")).toHaveLength(1);
  });

  test("a call that may still be running is waited for", async () => {
    const run = await admitted();
    await propose(run, 1, look);
    const permit = (await eventsOf(run)).at(-1);
    if (permit?.type !== "ActionPermitted") throw new Error("no permit");
    await effects().claim(
      { run, tool: "stripe.lookup_charge", turn: 1 },
      {
        args_hash: permit.data.args_hash,
        claimed_at: "2026-11-21T12:00:00.000Z",
        deadline: "2026-11-21T12:00:30.000Z",
      },
    );
    await expect(decide(run, { phase: "outcome", turn: 1 })).rejects.toMatchObject({ name: "ClaimOpen" });
    nowMs += 31_000;
    expect((await decide(run, { phase: "outcome", turn: 1 })).decision).toBe("deny");
  });

  test("a run whose key was shredded goes no further", async () => {
    const run = await admitted();
    const handler = createGate({
      ...shared(),
      vault: { ...vault(), readSecret: async () => undefined },
      approvals: dynamoApprovals(stage.table("approvals")),
      authorizer,
      previews: { ask: async () => previewAnswer },
    });
    await expect(
      handler({ run_id: run.runId, tenant: run.tenant, execution_arn: arnOf(run.runId), phase: "outcome", turn: 1 }),
    ).rejects.toMatchObject({ code: "CS-3404" });
  });
});

describe("close-run", () => {
  const close = (event: unknown = { sweep: true }) =>
    createCloseRun({ ...shared(), executions: { status: async (arn) => executions.get(arn) ?? null } })(event);
  const ended = (run: RunRef) => ({ detail: { executionArn: arnOf(run.runId), status: "ABORTED" } });

  test("closes a run whose execution ended, once, and gives back its lease", async () => {
    const run = await admitted();
    executions.set(arnOf(run.runId), "ABORTED");
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
    executions.set(arnOf(run.runId), "RUNNING");
    expect(await close()).toEqual({ settled: {} });
    nowMs += 61_000;
    expect(await close()).toEqual({ settled: { [run.runId]: "waiting" } });
    expect(await typesOf(run)).toEqual(["RunStarted"]);
  });

  test("waits for an open claim, then says what is known of it", async () => {
    const run = await admitted();
    await propose(run, 1, look);
    const permit = (await eventsOf(run)).at(-1);
    if (permit?.type !== "ActionPermitted") throw new Error("no permit");
    await effects().claim(
      { run, tool: "stripe.lookup_charge", turn: 1 },
      {
        args_hash: permit.data.args_hash,
        claimed_at: "2026-11-21T12:00:00.000Z",
        deadline: "2026-11-21T12:00:30.000Z",
      },
    );
    executions.set(arnOf(run.runId), "FAILED");
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "waiting" } });
    nowMs += 120_000;
    expect(await close()).toEqual({ settled: { [run.runId]: "closed" } });
    expect((await typesOf(run)).slice(-2)).toEqual(["ToolReturned", "RunClosed"]);
  });

  test("gives back what an admission took that never started", async () => {
    const whole = log;
    log = { ...whole, append: async () => Promise.reject(new Error("crash")) };
    await admit();
    log = whole;
    const [open] = await budgets().readOpen();
    nowMs += 61_000;
    expect(await close()).toEqual({ settled: { [open?.run_id ?? ""]: "waiting" } });
    nowMs += 300_000;
    expect(await close()).toEqual({ settled: { [open?.run_id ?? ""]: "abandoned" } });
    expect([await day(), await budgets().readOpen()]).toEqual([{ spent: 0, leases: {} }, []]);
    expect((await admit()).status).toBe(201);
  });

  test("an admission that is tried again while the sweep looks keeps its rows", async () => {
    const dies = { ...budgets(), takeUnique: async () => Promise.reject(new Error("dies")) };
    const request = { input: runInput, request_id: "r1" };
    const event = {
      body: JSON.stringify(request),
      isBase64Encoded: false,
      requestContext: { authorizer: { iam: { userArn: REQUESTER } } },
    };
    const executionsNow = { arnOf, start: async () => {} };
    await createAdmit({ ...shared(), budgets: dies, executions: executionsNow, newSuffix: () => "S" })(event);
    nowMs += 6 * 60_000;
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
        await dynamoControl(stage.table("control")).writeBrake("billing-dispute", brake);
        return budgets().takeUnique(...row);
      },
    };
    const answer = await createAdmit({
      ...shared(),
      budgets: late,
      executions: { arnOf, start: async () => {} },
      newSuffix: () => "S",
    })({
      body: JSON.stringify(request),
      isBase64Encoded: false,
      requestContext: { authorizer: { iam: { userArn: REQUESTER } } },
    });
    expect(answer.statusCode).toBe(409);
    const [open] = await budgets().readOpen();
    expect(Object.keys((await day())?.leases ?? {})).toEqual([open?.run_id]);
  });

  test("a second delivery that comes late takes nothing of a run that is over", async () => {
    const request = { input: runInput, request_id: "r1" };
    const over = async () => {
      const { run_id } = (await admit(request)).body;
      executions.set(arnOf(run_id), "ABORTED");
      nowMs += 61_000;
      expect(await close()).toEqual({ settled: { [run_id]: "closed" } });
    };
    const late: { [M in "enterOpen" | "takeUnique" | "leaseDay"]: Partial<Budgets> } = {
      enterOpen: { enterOpen: async (open) => over().then(() => budgets().enterOpen(open)) },
      takeUnique: { takeUnique: async (open, hash) => over().then(() => budgets().takeUnique(open, hash)) },
      leaseDay: { leaseDay: async (...lease) => over().then(() => budgets().leaseDay(...lease)) },
    };
    for (const [step, slow] of Object.entries(late)) {
      request.request_id = step;
      const second = createAdmit({
        ...shared(),
        budgets: { ...budgets(), ...slow },
        executions: { arnOf, start: async () => {} },
        newSuffix: () => "S",
      });
      const answer = await second({
        body: JSON.stringify(request),
        isBase64Encoded: false,
        requestContext: { authorizer: { iam: { userArn: REQUESTER } } },
      });
      expect([step, answer.statusCode]).toEqual([step, 409]);
      nowMs += 61_000;
      await close();
      expect([step, await day(), await budgets().readOpen()]).toEqual([step, { spent: 0, leases: {} }, []]);
      expect((await admit({ ...request, request_id: `${step}-next` })).status).toBe(201);
      const [next] = await budgets().readOpen();
      executions.set(next?.execution_arn ?? "", "ABORTED");
      nowMs += 61_000;
      await close();
    }
  });

  test("counts what a step wrote down and died before counting", async () => {
    const run = await admitted();
    await propose(run, 1, look);
    await returned(run, "stripe.lookup_charge", 1, LOOKED_UP);
    let isDying = false;
    const gate = createGate({
      ...shared(),
      budgets: {
        ...budgets(),
        updateCounter: (...change) =>
          isDying ? Promise.reject(new Error("dies")) : budgets().updateCounter(...change),
      },
      approvals: dynamoApprovals(stage.table("approvals")),
      authorizer: { ask: async () => ({ allowed: true, determining: [], errors: [] }) },
      previews: { ask: async () => previewAnswer },
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
    executions.set(arnOf(run.runId), "ABORTED");
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "closed" } });
    const refundTool = contract.tools.find(({ name }) => name === "stripe.refund") ?? refund;
    for (const counter of countersOf(refundTool, "cus_9", NOON, contract.timeZone)) {
      const ref = { kind: "exposure", tenant: "acme", scope: counter.scope, day: counter.day } as const;
      expect(await budgets().readCounter(ref, counterDoc)).toEqual({ total: 42_000, count: 1, holds: {} });
    }
  });

  test("closes a run that was admitted and never started", async () => {
    startFails = true;
    await admit();
    const [open] = await budgets().readOpen();
    nowMs += 6 * 60_000;
    expect(await close()).toEqual({ settled: { [open?.run_id ?? ""]: "closed" } });
  });

  test("finishes giving back for the gate", async () => {
    const run = await admitted();
    const [open] = await budgets().readOpen();
    if (open === undefined) throw new Error("no open row");
    await propose(run, 1, { kind: "finish", outcome: "explained" });
    await budgets().enterOpen(open);
    nowMs += 61_000;
    expect(await close()).toEqual({ settled: { [run.runId]: "given back" } });
    expect(await budgets().readOpen()).toEqual([]);
  });

  test("whoever was being asked is told that the run was stopped, also after a crash in between", async () => {
    const { run, ask } = await asking();
    const approvals = dynamoApprovals(stage.table("approvals"));
    const ref = { workflow: run.workflow, approvalId: ask.approval.approval_id };
    executions.set(arnOf(run.runId), "ABORTED");
    const dying = createCloseRun({
      ...shared(),
      approvals: { insertOutcome: async () => Promise.reject(new Error("crash")) },
      executions: { status: async () => "ABORTED" },
    });
    await expect(dying(ended(run))).rejects.toMatchObject({ code: "CS-3408" });
    expect(await typesOf(run)).toEqual(expect.arrayContaining(["ApprovalVoided", "RunClosed"]));
    expect(await approvals.readOutcomes(ref)).toEqual([]);
    expect(await close(ended(run))).toEqual({ settled: { [run.runId]: "given back" } });
    expect(await approvals.readOutcomes(ref)).toMatchObject([{ kind: "stopped", next_approval_id: null }]);
    expect(await close()).toEqual({ settled: {} });
  });

  test("one run that cannot be settled keeps no other open, and is an alarm", async () => {
    contract = { ...usual, unique: [] };
    const first = await admitted();
    const second = await admitted();
    for (const run of [first, second]) executions.set(arnOf(run.runId), "FAILED");
    nowMs += 61_000;
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
