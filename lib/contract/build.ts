/** From a definition without faults to the `Contract` that everything else reads: defaults in, units unified, paths absolute. */
import type * as z from "zod";
import { CountersignError } from "../errors.js";
import { approversOf } from "./approvers.js";
import { compact, DEFAULTS } from "./defaults.js";
import type { Agent, Contract, Tool } from "./model.js";
import { knownPrice } from "./prices.js";
import { toolFields, workflowFields } from "./shape.js";
import { durationMs, microUsd } from "./units.js";
import { resolvedFrom, type Written, written } from "./written.js";

type WorkflowParsed = z.output<typeof workflowFields>;
type ToolParsed = z.output<typeof toolFields>;
type Duration = Parameters<typeof compact>[0];

const msOr = (spec: Duration | undefined, fallbackMs: number) =>
  spec === undefined ? fallbackMs : durationMs(compact(spec));

/**
 * The contract of a definition whose form is right. Rules between fields are not looked at: `checkContract` does that, before anything is deployed.
 * @throws ZodError for a definition of another form
 */
export function assembleContract({ definition, file }: Written): Contract {
  const parsed = workflowFields.parse(definition);
  const tools = parsed.tools.flatMap((tool) => {
    const found = written(tool, "tool");
    return found === undefined ? [] : [buildTool(toolFields.parse(found.definition), found.file)];
  });
  return buildContract(parsed, tools, file);
}

function buildContract(parsed: WorkflowParsed, tools: readonly Tool[], file: string): Contract {
  const { approvers, budget = {}, limits = {}, resource } = parsed;
  return {
    name: parsed.name,
    version: parsed.version,
    purpose: parsed.purpose,
    owner: parsed.owner,
    input: parsed.input,
    agent: buildAgent(parsed.agent, file),
    tools,
    approvers: buildApprovers(approvers),
    tenants: parsed.tenants ?? DEFAULTS.tenants,
    timeZone: parsed.timeZone ?? DEFAULTS.timeZone,
    sensitive: parsed.sensitive ?? [],
    untrusted: parsed.untrusted ?? [],
    ...(parsed.reference === undefined ? {} : { reference: parsed.reference }),
    unique: parsed.unique ?? [],
    resource:
      resource === undefined
        ? { type: "Run", facts: {} }
        : { type: resource.type, id: resource.id, facts: resource.facts ?? {} },
    freshnessMs: Object.fromEntries(
      Object.entries(parsed.freshness ?? {}).map(([field, spec]) => [field, durationMs(compact(spec))]),
    ),
    crossReferences: parsed.crossReferences ?? {},
    outcomes: [...new Set([...(parsed.outcomes ?? DEFAULTS.outcomes), "escalated"])],
    autonomy: parsed.autonomy ?? DEFAULTS.autonomy,
    ...(parsed.reason === undefined ? {} : { reason: parsed.reason }),
    budget: {
      perRunMicroUsd: microUsd(budget.perRunUsd ?? DEFAULTS.perRunUsd),
      perDayMicroUsd: microUsd(budget.perDayUsd ?? DEFAULTS.perDayUsd),
      over: budget.over ?? DEFAULTS.over,
    },
    limits: {
      steps: limits.steps ?? DEFAULTS.steps,
      toolCalls: limits.toolCalls ?? Math.min(DEFAULTS.toolCalls, limits.steps ?? DEFAULTS.steps),
      callsPerMinute: limits.callsPerMinute ?? DEFAULTS.callsPerMinute,
      invalidAnswers: limits.invalidAnswers ?? DEFAULTS.invalidAnswers,
      runTimeMs: msOr(limits.runTime, DEFAULTS.runTimeMs),
    },
    lowConfidencePercent: parsed.lowConfidencePercent ?? DEFAULTS.lowConfidencePercent,
    sandbox: Object.fromEntries(
      Object.entries(parsed.sandbox ?? {}).map(([host, path]) => [host, resolvedFrom(file, path)]),
    ),
    file,
  };
}

function buildApprovers(approvers: WorkflowParsed["approvers"]): Contract["approvers"] {
  const { groups = {}, slack } = approvers;
  return {
    first: approversOf(approvers.first, groups),
    timeLimitMs: msOr(approvers.timeLimit, DEFAULTS.approvalTimeLimitMs),
    signIn: approvers.signIn ?? DEFAULTS.signIn,
    remindAtPercent: approvers.remindAt ?? DEFAULTS.remindAtPercent,
    escalate: (approvers.escalate ?? []).map(({ after, to }) => ({
      afterMs: durationMs(compact(after)),
      to: approversOf(to, groups),
    })),
    delegates: approversOf(approvers.delegates ?? [], groups),
    slack: {
      users: byAddress(slack?.users ?? {}),
      ...(slack?.channel === undefined ? {} : { channel: slack.channel }),
    },
    timeZones: byAddress(approvers.timeZones ?? {}),
  };
}

const byAddress = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([address, value]) => [address.toLowerCase(), value]));

function buildAgent(agent: WorkflowParsed["agent"], file: string): Agent {
  switch (agent.kind) {
    case "bedrock":
      return {
        kind: "bedrock",
        model: agent.model,
        instructions: resolvedFrom(file, agent.instructions),
        maxTokens: agent.maxTokens ?? DEFAULTS.maxTokens,
        temperature: agent.temperature ?? DEFAULTS.temperature,
        price: agent.price ?? priceOf(agent.model),
      };
    case "plan":
      return { kind: "plan", steps: agent.steps, outcome: agent.outcome };
    case "lambda":
      return {
        kind: "lambda",
        handler: resolvedFrom(file, agent.handler),
        secrets: agent.secrets ?? [],
        hosts: agent.hosts ?? [],
        timeoutMs: msOr(agent.timeout, DEFAULTS.agentTimeoutMs),
      };
  }
}

/** The rule on prices has made sure; a price of zero would switch the budget off. */
function priceOf(model: string) {
  const price = knownPrice(model);
  if (price === undefined) throw new CountersignError("CS-1016", `agent.model: ${model} has no price`);
  return price;
}

function buildTool(parsed: ToolParsed, file: string): Tool {
  const write = parsed.effect === "write";
  return {
    name: parsed.name,
    description: parsed.description,
    input: parsed.input,
    output: parsed.output,
    effect: parsed.effect,
    title: parsed.title ?? parsed.name,
    sensitiveInput: parsed.sensitive?.input ?? [],
    sensitiveOutput: parsed.sensitive?.output ?? [],
    ...(parsed.destination === undefined ? {} : { destination: parsed.destination }),
    ...(parsed.resource === undefined ? {} : { resource: parsed.resource }),
    // For a write the rules have made sure of all of these.
    reversibility: parsed.reversibility ?? (write ? "irreversible" : "reversible"),
    blastRadius: parsed.blastRadius ?? (write ? "account" : "record"),
    dataClass: parsed.dataClass,
    errorDetectability: parsed.errorDetectability ?? (write ? "hidden" : "immediate"),
    maturity: parsed.maturity ?? (write ? "experimental" : "stable-api"),
    untrusted: parsed.untrusted ?? false,
    requires: (parsed.requires ?? []).map(({ tool, same }) => ({ tool, same: same ?? [] })),
    ...(parsed.exposure === undefined ? {} : { exposure: parsed.exposure }),
    idempotency: parsed.idempotency ?? "none",
    outbound: parsed.outbound ?? [],
    ...(parsed.compensation === undefined ? {} : { compensation: parsed.compensation }),
    timeoutMs: msOr(parsed.timeout, DEFAULTS.toolTimeoutMs),
    secrets: parsed.secrets ?? [],
    awsActions: parsed.awsActions ?? [],
    hosts: parsed.hosts ?? [],
    handler: resolvedFrom(file, parsed.handler),
    ...(parsed.preview === undefined ? {} : { preview: resolvedFrom(file, parsed.preview) }),
    file,
  };
}
