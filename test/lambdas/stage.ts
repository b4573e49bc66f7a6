/** A stage with admission, gate and close-run on the real ports and the embedded engines. What the outside does is in `world`. */
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import { createHandler as createAdmit } from "../../lambdas/admit/serve.js";
import { createHandler as createGate, type GateDeps } from "../../lambdas/decide/serve.js";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
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
import type { RunRef } from "../../lib/run/keys.js";
import type { Proposal } from "../../lib/run/protocol.js";
import { startStage, type TestStage } from "../aws/cloud.js";
import { act, hex, LOOKED_UP, NOON, REFUND, runInput, usage, contract as usual } from "../run/support.js";

let stage: TestStage;
/** What the outside says, and what it was told; as new before every test. */
export interface Outside {
  contract: Contract;
  started: { runId: string; input: unknown }[];
  executions: Map<string, ExecutionStatus>;
  nowMs: number;
  startFails: boolean;
  previewAnswer: PreviewAnswer;
  asked: string[];
  policyErrors: string[];
  log: RunLog;
}
export let world: Outside;

/** To be called once by each test file. */
export function useStage(): void {
  beforeAll(async () => {
    stage = await startStage();
    vi.spyOn(console, "log").mockImplementation(() => {});
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    await stage.reset();
    world = {
      contract: usual,
      started: [],
      executions: new Map(),
      nowMs: NOON,
      startFails: false,
      previewAnswer: {
        status: "ok",
        preview: { before: { refunded_cents: 0 }, after: { refunded_cents: 42_000 }, notes: [] },
      },
      asked: [],
      policyErrors: [],
      log: dynamoRunLog(stage.table("log")),
    };
  });
}

export const REQUESTER = "arn:aws:sts::111111111111:assumed-role/Requester/sam@example.com";
const hashes = {
  contractHash: hex("contract"),
  policySetHash: hex("policies"),
  toolSchemaHashes: Object.fromEntries(usual.tools.map(({ name }) => [name, hex(name)])),
};
export const arnOf = (runId: string) => `arn:aws:states:eu-central-1:111111111111:execution:m:${runId}`;
export const budgets = (): Budgets => dynamoBudgets(stage.table("budgets"), "billing-dispute");
export const vault = () => s3Vault(stage.bucket("vault"));
export const contexts = () => s3ContextStore(stage.bucket("context"));
export const views = () => s3ViewStore(stage.bucket("context"));
export const calls = () => s3CallStore(stage.bucket("context"));
export const approvals = () => dynamoApprovals(stage.table("approvals"));
export const control = () => dynamoControl(stage.table("control"));
export const effects = () => dynamoEffects(stage.table("effects"));
export const shared = () => ({
  contract: world.contract,
  stage: "dev",
  hashes,
  log: world.log,
  vault: vault(),
  control: control(),
  contexts: contexts(),
  calls: calls(),
  views: views(),
  budgets: budgets(),
  effects: effects(),
  approvals: approvals(),
  nowMs: () => world.nowMs,
});

let suffixes = 0;
export const admitHandler = (deps: { readonly budgets?: Budgets } = {}) =>
  createAdmit({
    ...shared(),
    executions: {
      arnOf,
      async start(runId, input) {
        if (world.startFails) throw new Error("ServiceUnavailable");
        world.started.push({ runId, input });
      },
    },
    newSuffix() {
      suffixes += 1;
      return `S${suffixes}`;
    },
    ...deps,
  });
export async function admit(
  body: unknown = { input: runInput },
  userArn = REQUESTER,
  deps: { readonly budgets?: Budgets } = {},
) {
  const requestContext = { authorizer: { iam: { userArn } } };
  const answer = await admitHandler(deps)({
    body: typeof body === "string" ? body : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext,
  });
  return { status: answer.statusCode, body: JSON.parse(answer.body ?? "") };
}
export async function admitted(body?: unknown): Promise<RunRef> {
  const { body: answer } = await admit(body);
  return { workflow: "billing-dispute", tenant: "acme", runId: answer.run_id };
}
export const eventsOf = (run: RunRef) => world.log.read(run);
export const typesOf = async (run: RunRef) => (await eventsOf(run)).map(({ type }) => type);
export const day = () => budgets().readCounter({ kind: "day", tenant: "acme", day: "2026-11-21" }, dayDoc);

const authorizer: Authorizer = {
  async ask({ action, context }) {
    const approvals = Number(context.approvals);
    world.asked.push(`${action.actionId} ${approvals}`);
    if (action.actionId !== "stripe.refund")
      return { allowed: true, determining: [{ id: "reads", reason: "", text: "permit" }], errors: world.policyErrors };
    const policy = approvals > 0 ? "refund_threshold" : "guardrail_irreversible";
    return {
      allowed: approvals > 0,
      determining: [{ id: policy, reason: "one person", text: `@id("${policy}")` }],
      errors: world.policyErrors,
    };
  },
};
export const gateHandler = (deps: Partial<GateDeps> = {}) =>
  createGate({ ...shared(), authorizer, previews: { ask: async () => world.previewAnswer }, ...deps });
export const decide = (run: RunRef, request: Record<string, unknown>) =>
  gateHandler()({ run_id: run.runId, tenant: run.tenant, execution_arn: arnOf(run.runId), ...request });
export const propose = (run: RunRef, turn: number, proposal: Proposal) =>
  decide(run, { phase: "proposal", turn, proposed: { proposal, ...usage() } });
export const look = act("stripe.lookup_charge", { charge_id: "ch_77" });

/** A tool claims the call that is permitted, and is at work. */
export async function claimed(run: RunRef, tool: string, turn: number): Promise<void> {
  const permit = (await eventsOf(run)).findLast((event) => event.type === "ActionPermitted");
  if (permit?.type !== "ActionPermitted") throw new Error("no permit");
  await effects().claim(
    { run, tool, turn },
    {
      args_hash: permit.data.args_hash,
      claimed_at: "2026-11-21T12:00:00.000Z",
      deadline: "2026-11-21T12:00:30.000Z",
    },
  );
}
export async function returned(run: RunRef, tool: string, turn: number, output: Record<string, string>): Promise<void> {
  await claimed(run, tool, turn);
  await effects().storeOutcome({ run, tool, turn }, 1, {
    status: "ok",
    output,
    effect_possible: false,
    latency_ms: 3,
    finished_at: "2026-11-21T12:00:01.000Z",
  });
}
/** A run that has looked the charge up and asks for a refund. */
export async function asking(): Promise<{
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
