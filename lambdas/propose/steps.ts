/**
 * The agent of kind `plan`: its steps in order. A step follows only when the one before was done (or recorded as a recommendation);
 * after anything else the run is handed over, because a plan cannot think again.
 */
import type { Agent as AgentDefinition, Contract } from "../../lib/contract/model.js";
import type { Proposal, RunContext } from "../../lib/run/protocol.js";
import { readAction } from "./answer.js";
import { type Agent, invalid } from "./shell.js";

export type PlanAgent = Extract<AgentDefinition, { kind: "plan" }>;
/** Outcome for a run that a person should take over, where the contract has it. */
const HANDED_OVER = "escalated";
const PLACEHOLDER = /\{([a-z0-9_.-]+)\}/gi;

export function planAgent(contract: Contract, plan: PlanAgent): Agent {
  return async (context) => ({
    proposal: nextStep(contract, plan, context),
    model: "plan",
    promptTokens: 0,
    completionTokens: 0,
    costMicroUsd: 0,
  });
}

export function nextStep(contract: Contract, plan: PlanAgent, context: RunContext): Proposal {
  const stuck = context.turns.find(
    ({ decision, result }) => !(decision === "recommend" || (decision === "permit" && result?.status === "ok")),
  );
  if (stuck !== undefined) return handOver(contract, `turn ${stuck.turn} of the plan was not done`);
  const step = plan.steps[context.turns.length];
  if (step === undefined) return { kind: "finish", outcome: plan.outcome };
  const tool = contract.tools.find(({ name }) => name === step.tool);
  if (tool === undefined) return invalid("unknown-tool", `plan: ${step.tool} is no tool of the contract`);
  const missing: string[] = [];
  const args = fill(step.args, (path) => {
    const value = lookUp(context, path);
    if (value === undefined) missing.push(path);
    return value;
  });
  if (missing.length > 0) return handOver(contract, `the plan needs ${missing.join(", ")}, which is not there`);
  return readAction(tool, args, "");
}

function handOver(contract: Contract, why: string): Proposal {
  return contract.outcomes.includes(HANDED_OVER)
    ? { kind: "finish", outcome: HANDED_OVER, summary: why }
    : invalid("malformed", `plan: ${why}, and the contract has no outcome "${HANDED_OVER}"`);
}

/** A string that is one placeholder takes the value's type; a placeholder within a text is written into it. */
function fill(value: unknown, read: (path: string) => unknown): unknown {
  if (typeof value === "string") {
    const whole = /^\{([a-z0-9_.-]+)\}$/i.exec(value)?.[1];
    if (whole !== undefined) return read(whole);
    return value.replace(PLACEHOLDER, (_all, path: string) => {
      const found = read(path);
      return typeof found === "string" ? found : JSON.stringify(found);
    });
  }
  if (Array.isArray(value)) return value.map((item: unknown) => fill(item, read));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fill(member, read)]));
}

/** `input.<field>`, or `<tool>.<field>` of that tool's newest result. */
function lookUp({ input, turns }: RunContext, path: string): unknown {
  if (path.startsWith("input.")) return member(input, path.slice("input.".length));
  const result = turns.findLast(({ proposed }) => proposed.kind === "act" && path.startsWith(`${proposed.tool}.`));
  if (result?.proposed.kind !== "act") return undefined;
  return member(result.result?.output, path.slice(result.proposed.tool.length + 1));
}

function member(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    return Reflect.get(at, key);
  }, value);
}
