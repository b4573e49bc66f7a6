/** The proposer's three kinds of agent, and the shell around them. */
import { readFileSync } from "node:fs";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { converseAgent } from "../../lambdas/propose/converse.js";
import { createHandler, withLast } from "../../lambdas/propose/shell.js";
import { nextStep, type PlanAgent } from "../../lambdas/propose/steps.js";
import { teamAgent } from "../../lambdas/propose/team.js";
import type { AgentRequest } from "../../lib/agent/types.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import type { RunContext } from "../../lib/run/protocol.js";
import { callSeal, keysBeside, openProposed, replyKey, sealAnswer } from "../../lib/run/sealing.js";
import { newRun, startStage, type TestStage } from "../aws/cloud.js";
import { contract, NOON } from "../run/support.js";
import { base, type Turn, toolUse, turnOf } from "./propose-context.js";

describe("the Bedrock agent", () => {
  const agent = contract.agent.kind === "bedrock" ? contract.agent : undefined;
  if (agent === undefined) throw new Error("the fixture has a Bedrock agent");
  const answering = (answer: unknown) => {
    const client = new BedrockRuntimeClient({ region: "eu-central-1" });
    const send = vi.spyOn(client, "send").mockImplementation(async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    });
    return { agent: converseAgent(client, contract, agent, "Be kind."), send };
  };

  test("asks with run and workflow in the metadata, and counts tokens and cost, rounded up", async () => {
    const { agent: asked, send } = answering({
      output: { message: { role: "assistant", content: [toolUse("finish", { outcome: "refunded" })] } },
      stopReason: "tool_use",
      usage: { inputTokens: 1001, outputTokens: 10 },
    });
    expect(await asked(base)).toEqual({
      proposal: { kind: "finish", outcome: "refunded" },
      model: "a-model",
      promptTokens: 1001,
      completionTokens: 10,
      costMicroUsd: 3153,
    });
    const command = send.mock.calls[0]?.[0];
    expect(command instanceof ConverseCommand && command.input).toMatchObject({
      modelId: "a-model",
      requestMetadata: { run_id: base.run_id, workflow: contract.name },
      inferenceConfig: { maxTokens: 1000, temperature: 0 },
    });
  });
  test("a call that fails is an invalid answer, not a failure", async () => {
    const error = Object.assign(new Error("slow down"), { name: "ThrottlingException" });
    expect((await answering(error).agent(base)).proposal).toMatchObject({
      kind: "invalid",
      reason: "model-error",
      detail: expect.stringContaining("ThrottlingException"),
    });
  });
});

describe("the plan", () => {
  const plan: PlanAgent = {
    kind: "plan",
    steps: [
      { tool: "stripe.lookup_charge", args: { charge_id: "{input.charge_id}" } },
      {
        tool: "stripe.refund",
        args: {
          charge_id: "{input.charge_id}",
          amount_cents: "{stripe.lookup_charge.amount_cents}",
          memo: "for {stripe.lookup_charge.customer_id}",
        },
      },
    ],
    outcome: "refunded",
  };
  const next = (turns: readonly Turn[], over: Partial<RunContext> = {}) =>
    nextStep(contract, plan, { ...base, turns: [...turns], ...over });

  test("fills its steps from input and results, with their own types, and finishes", () => {
    expect(next([])).toEqual({ kind: "act", tool: "stripe.lookup_charge", args: { charge_id: "ch_77" } });
    expect(next([turnOf(1)])).toEqual({
      kind: "act",
      tool: "stripe.refund",
      args: { charge_id: "ch_77", amount_cents: 42_000, memo: "for cus_9" },
    });
    expect(next([turnOf(1), turnOf(2, { decision: "recommend", result: null })])).toEqual({
      kind: "finish",
      outcome: "refunded",
    });
  });
  test("does not go on after a step that was not done", () => {
    for (const over of [
      { decision: "deny", result: null },
      { decision: "permit", result: null },
      { result: { status: "unknown" } },
    ] as const)
      expect(next([turnOf(1, over)])).toMatchObject({ kind: "finish", outcome: "escalated" });
  });
  test("does not act on a value that is not there, and never on an inherited one", () => {
    expect(next([], { input: {} })).toMatchObject({ kind: "finish", outcome: "escalated" });
    const odd = { ...plan, steps: [{ tool: "stripe.lookup_charge", args: { charge_id: "{input.constructor}" } }] };
    expect(nextStep(contract, odd, base)).toMatchObject({ kind: "finish", outcome: "escalated" });
  });
});

describe("a team's own agent", () => {
  const agent = {
    kind: "lambda",
    handler: "/a.ts",
    secrets: ["key"],
    hosts: ["api.example.com"],
    timeoutMs: 50,
  } as const;
  const asked = async (
    propose: (request: AgentRequest, context: { secret(name: string): Promise<string> }) => Promise<unknown>,
  ) => await teamAgent({ contract, agent, propose, secret: async () => "s3cret", local: undefined })(base);

  test("is shown the context and the tools, and its usage is counted", async () => {
    const seen: AgentRequest[] = [];
    const reply = await asked(async (request) => {
      seen.push(request);
      return { kind: "finish", outcome: "refunded", usage: { model: "mine", prompt_tokens: 5, cost_micro_usd: 7 } };
    });
    expect(reply).toEqual({
      proposal: { kind: "finish", outcome: "refunded" },
      model: "mine",
      promptTokens: 5,
      completionTokens: 0,
      costMicroUsd: 7,
    });
    expect(seen[0]).toMatchObject({
      run_id: base.run_id,
      purpose: contract.purpose,
      outcomes: contract.outcomes,
      tools: [{ name: "stripe.lookup_charge", effect: "read", input_schema: { type: "object" } }, {}, {}, {}],
    });
  });
  test("its mistakes are invalid answers, and what they cost is counted all the same", async () => {
    const usage = { cost_micro_usd: 9 };
    const cases: readonly [unknown, string][] = [
      [{ kind: "act", tool: "stripe.refund", args: { charge_id: "ch_77" }, usage }, "bad-arguments"],
      [{ kind: "act", tool: "bank.wire", args: {}, usage }, "unknown-tool"],
      [{ kind: "wire", usage }, "malformed"],
      [{ kind: "finish", outcome: "refunded", permit: true, usage }, "malformed"],
      [
        {
          kind: "act",
          tool: "stripe.refund",
          args: { charge_id: "ch_77", amount_cents: 1, memo: "x".repeat(70_000) },
          usage,
        },
        "too-large",
      ],
    ];
    for (const [answer, reason] of cases)
      expect(await asked(async () => answer)).toMatchObject({ proposal: { kind: "invalid", reason }, costMicroUsd: 9 });
    expect((await asked(async () => undefined)).proposal).toMatchObject({ reason: "malformed" });
  });
  test("errors and silence are invalid answers that tell no secrets", async () => {
    const thrown = await asked(async (_request, context) =>
      Promise.reject(new Error(`401 with ${await context.secret("key")}`)),
    );
    expect(thrown.proposal).toMatchObject({ reason: "model-error" });
    expect(JSON.stringify(thrown)).not.toContain("s3cret");
    expect((await asked(() => new Promise(() => {}))).proposal).toMatchObject({
      reason: "model-error",
      detail: expect.stringContaining("CS-3213"),
    });
    expect((await asked(async (_request, context) => context.secret("other"))).proposal).toMatchObject({
      detail: expect.stringContaining("CS-3208"),
    });
  });
});

describe("the shell", () => {
  let stage: TestStage;
  beforeAll(async () => {
    stage = await startStage();
    vi.spyOn(console, "log").mockImplementation(() => {});
  });
  afterAll(() => stage.close());

  test("reads the context by key, fills in what the tool answered, and says which context it was", async () => {
    const run = newRun();
    const contexts = s3ContextStore(stage.bucket("context"));
    const secret = new Uint8Array(32).fill(5);
    const keys = keysBeside(secret, { ...base, turn: 2, turns: [turnOf(1, { result: null })] });
    await contexts.write({ ...base, run_id: run.runId, turn: 2, turns: [turnOf(1, { result: null })] }, keys);
    const seen: RunContext[] = [];
    const handler = createHandler({
      workflow: run.workflow,
      contexts,
      agent: async (context) => {
        seen.push(context);
        return {
          proposal: { kind: "finish", outcome: "refunded" },
          model: "plan",
          promptTokens: 0,
          completionTokens: 0,
          costMicroUsd: 0,
        };
      },
      nowMs: () => NOON,
    });
    const told = { status: "ok", output: { amount_cents: 5 } } as const;
    const last = sealAnswer(callSeal(secret, run.runId, 1), new Uint8Array(12), told);
    const request = { run_id: run.runId, tenant: run.tenant, turn: 2, last };
    const answer = await handler(request);
    expect(answer.context_hash).toBe((await contexts.read(run, 2))?.hash);
    expect(JSON.stringify(answer)).not.toContain("finish");
    const opened = openProposed(replyKey(secret, 2), run.runId, 2, answer);
    expect(opened).toMatchObject({ proposal: { kind: "finish", outcome: "refunded" }, model: "plan" });
    expect(seen[0]?.turns[0]?.result).toEqual(told);
    expect(JSON.stringify(seen)).not.toContain(keys.reply);
    await expect(handler({ ...request, turn: 3 })).rejects.toMatchObject({ name: "NotAdmitted" });
    await expect(handler({ ...request, tenant: "other" })).rejects.toMatchObject({ name: "NotAdmitted" });
    await expect(handler({ ...request, run_id: "../x" })).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });

  test("what is known is not written over", () => {
    const known = { ...base, turns: [turnOf(1)] };
    expect(withLast(known, { status: "error" })).toBe(known);
    expect(
      withLast({ ...base, turns: [turnOf(1, { decision: "deny", result: null })] }, { status: "ok" }).turns[0]?.result,
    ).toBeNull();
  });
});

test("the documented agent has the documented form", () => {
  const doc = readFileSync(new URL("../../docs/agents.md", import.meta.url), "utf8");
  for (const field of [
    "steps_left",
    "budget_left_micro_usd",
    "input_schema",
    "confidence_percent",
    "cost_micro_usd",
    "outcomes",
  ])
    expect(doc).toContain(field);
});
