/** The agent of kind `lambda`: the team's own `propose`, in any framework. Its answer is as hostile as a model's. */
import * as z from "zod";
import type { AgentContext, AgentRequest } from "../../lib/agent/types.js";
import type { Agent as AgentDefinition, Contract } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { jsonSizeBytes } from "../../lib/run/canonical.js";
import { JSON_FAULTS, jsonFault } from "../../lib/run/json.js";
import { MAX_ARGS_BYTES, type Proposal, type RunContext } from "../../lib/run/protocol.js";
import { withTimeLimit } from "../../lib/tool/context.js";
import { baseUrlOf, type LocalHosts } from "../../lib/tool/hosts.js";
import { readAction } from "./answer.js";
import { type Agent, invalid } from "./shell.js";
import { inputSchema } from "./tools.js";

export interface TeamAgentDeps {
  readonly contract: Contract;
  readonly agent: Extract<AgentDefinition, { kind: "lambda" }>;
  readonly propose: (request: AgentRequest, context: AgentContext) => Promise<unknown>;
  readonly secret: (name: string) => Promise<string>;
  readonly local: LocalHosts;
}

const count = z.int().min(0);
const usage = z.strictObject({
  model: z.string().max(200).default("lambda"),
  prompt_tokens: count.default(0),
  completion_tokens: count.default(0),
  cost_micro_usd: count.default(0),
});
const spent = usage.default({ model: "lambda", prompt_tokens: 0, completion_tokens: 0, cost_micro_usd: 0 });
/** Read on its own: an answer that is no action has cost all the same. */
const anyAnswer = z.looseObject({ usage: spent });
const actAnswer = z.strictObject({
  kind: z.literal("act"),
  tool: z.string(),
  args: z.record(z.string(), z.json()),
  rationale: z.string().default(""),
  confidence_percent: z.int().min(0).max(100).optional(),
  usage: spent,
});
const finishAnswer = z.strictObject({
  kind: z.literal("finish"),
  outcome: z.string().max(64),
  summary: z.string().max(8000).optional(),
  usage: spent,
});
const agentAnswer = z.discriminatedUnion("kind", [actAnswer, finishAnswer]);

export function teamAgent(deps: TeamAgentDeps): Agent {
  return async (context) => {
    const { proposal, cost } = await ask(deps, context);
    return {
      proposal,
      model: cost.model,
      promptTokens: cost.prompt_tokens,
      completionTokens: cost.completion_tokens,
      costMicroUsd: cost.cost_micro_usd,
    };
  };
}

type Cost = z.output<typeof usage>;
async function ask(deps: TeamAgentDeps, context: RunContext): Promise<{ proposal: Proposal; cost: Cost }> {
  const { contract, agent } = deps;
  const nothing = spent.parse(undefined);
  try {
    const answer = await withTimeLimit("agent", agent.timeoutMs, (signal) =>
      deps.propose(requestOf(contract, context), contextOf(deps, signal)),
    );
    const fault = jsonFault(answer);
    if (fault !== undefined)
      return {
        proposal: invalid("malformed", `the agent's answer cannot be read: ${JSON_FAULTS[fault]}`),
        cost: nothing,
      };
    const cost = anyAnswer.safeParse(answer).data?.usage ?? nothing;
    return { proposal: jsonSizeBytes(answer) > 2 * MAX_ARGS_BYTES ? tooLarge() : read(contract, answer), cost };
  } catch (error) {
    // A coded message is ours; anything else may hold a secret or a customer's data, and this goes to the log.
    const detail =
      error instanceof CountersignError ? error.toString() : error instanceof Error ? error.name : "it threw no error";
    return { proposal: invalid("model-error", `the agent failed: ${detail}`), cost: nothing };
  }
}

const tooLarge = () => invalid("too-large", `the agent's answer exceeds ${2 * MAX_ARGS_BYTES} bytes`);

function read(contract: Contract, answer: unknown): Proposal {
  const parsed = agentAnswer.safeParse(answer);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") || "the answer";
    return invalid(
      "malformed",
      `${where}: ${issue?.code ?? "invalid"}; docs/agents.md has the form`,
      JSON.stringify(answer),
    );
  }
  if (parsed.data.kind === "finish") {
    const { outcome, summary } = parsed.data;
    return { kind: "finish", outcome, ...(summary === undefined ? {} : { summary }) };
  }
  const { tool: name, args, rationale, confidence_percent: confidence } = parsed.data;
  const tool = contract.tools.find((candidate) => candidate.name === name);
  if (tool === undefined)
    return invalid("unknown-tool", `there are ${contract.tools.map((known) => known.name).join(", ")}`, name);
  if (jsonSizeBytes(args) > MAX_ARGS_BYTES) return invalid("too-large", `the arguments exceed ${MAX_ARGS_BYTES} bytes`);
  const action = readAction(tool, args, rationale);
  return action.kind === "act" && confidence !== undefined ? { ...action, confidence_percent: confidence } : action;
}

function requestOf(contract: Contract, context: RunContext): AgentRequest {
  const tools = contract.tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    effect: tool.effect,
    input_schema: inputSchema(tool),
  }));
  return { ...context, purpose: contract.purpose, tools, outcomes: contract.outcomes };
}

function contextOf({ agent, secret, local }: TeamAgentDeps, signal: AbortSignal): AgentContext {
  return {
    signal,
    baseUrl: (host) => baseUrlOf("agent", agent.hosts, local, host),
    async secret(name) {
      if (!agent.secrets.includes(name))
        throw new CountersignError(
          "CS-3208",
          `agent: secret ${name} is not in the contract; it has ${agent.secrets.join(", ") || "none"}`,
        );
      return secret(name);
    },
  };
}
