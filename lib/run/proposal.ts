/** Reads what the proposer answered. It is a witness: its words are parsed, measured and compared before anything believes them. */
import type * as z from "zod";
import type { Agent, Contract, Tool } from "../contract/model.js";
import { isJson, isJsonObject, type JsonObject, jsonSizeBytes, sameJson } from "./canonical.js";
import { cut } from "./cut.js";
import type { NewEvent } from "./events.js";
import { jsonFault } from "./json.js";
import { tokenCostMicroUsd } from "./money.js";
import { MAX_ARGS_BYTES, MAX_COST_MICRO_USD, type Proposal, type ProposeAnswer, proposeAnswer } from "./protocol.js";
import { unreachable } from "./unreachable.js";

type InvalidReason = Extract<NewEvent, { type: "ProposalInvalid" }>["data"]["reason"];
export type Usage = Omit<ProposeAnswer, "proposal">;

export type Parsed =
  | {
      readonly kind: "act";
      readonly tool: Tool;
      readonly args: JsonObject;
      readonly rationale: string | null;
      readonly confidencePercent: number;
    }
  | { readonly kind: "finish"; readonly outcome: string; readonly summary: string | null }
  | {
      readonly kind: "invalid";
      readonly reason: InvalidReason;
      readonly detail: string;
      readonly excerpt: string | null;
    };

export interface Proposed {
  readonly usage: Usage;
  readonly parsed: Parsed;
  /** as the next turn's context tells it to the agent */
  readonly said: Proposal;
}

/** Ours, as the proposer's own words do not go into the log in clear. */
const INVALID: Readonly<Record<InvalidReason, string>> = {
  prose: "CS-3101 proposal: no action in it; propose exactly one action or finish",
  "unknown-tool": "CS-3102 proposal: the tool is not one of the contract's; those are",
  "bad-arguments": "CS-3103 proposal: the arguments do not fit the tool's schema",
  "several-actions": "CS-3104 proposal: several actions; propose one at a time",
  empty: "CS-3105 proposal: empty; propose exactly one action or finish",
  "too-large": `CS-3106 proposal: more than ${MAX_ARGS_BYTES} bytes or nested too deeply; propose less at once`,
  "unknown-outcome": "CS-3107 proposal: the outcome is not one of the contract's; those are",
  malformed: "CS-3108 proposal: not an answer that can be read",
  "model-error": "CS-3109 proposal: the model could not be called or failed",
};
const NO_USAGE: Usage = {
  model: "unknown",
  prompt_tokens: 0,
  completion_tokens: 0,
  cost_micro_usd: 0,
  latency_ms: 0,
  context_hash: "0".repeat(64),
};
const MAX_EXCERPT = 2000;
const MAX_DETAIL = 500;

export function readProposal(contract: Contract, proposed: unknown): Proposed {
  // measured before zod, whose recursion a hostile depth would end
  const fault = jsonFault(proposed);
  if (fault !== undefined) return unreadable(fault === "too-deep" ? "too-large" : "malformed", null);
  const answer = proposeAnswer.safeParse(proposed);
  if (!answer.success) return unreadable("malformed", excerptOf(proposed));
  const { proposal, ...reported } = answer.data;
  const usage = { ...reported, cost_micro_usd: costOf(contract.agent, reported) };
  const parsed = parse(contract, proposal);
  const tooLarge = parsed.kind === "invalid" && parsed.reason === "too-large";
  return { usage, parsed, said: tooLarge ? invalidSaid("too-large") : proposal };
}

function unreadable(reason: "too-large" | "malformed", excerpt: string | null): Proposed {
  return { usage: NO_USAGE, parsed: invalid(reason, excerpt), said: invalidSaid(reason) };
}

const invalidSaid = (reason: "too-large" | "malformed"): Proposal => ({
  kind: "invalid",
  reason,
  detail: INVALID[reason],
});

/** The proposer may report more than the tokens cost, not less. */
function costOf(agent: Agent, usage: Usage): number {
  if (agent.kind !== "bedrock") return usage.cost_micro_usd;
  const cost = tokenCostMicroUsd(usage.prompt_tokens, usage.completion_tokens, agent.price);
  return Math.min(MAX_COST_MICRO_USD, Math.max(usage.cost_micro_usd, cost));
}

function parse(contract: Contract, proposal: Proposal): Parsed {
  switch (proposal.kind) {
    case "act":
      return parseAction(contract, proposal);
    case "finish": {
      if (contract.outcomes.includes(proposal.outcome)) {
        return { kind: "finish", outcome: proposal.outcome, summary: proposal.summary ?? null };
      }
      return invalid("unknown-outcome", excerptOf(proposal), contract.outcomes.join(", "));
    }
    case "invalid":
      return invalid(proposal.reason, cut(proposal.excerpt ?? proposal.detail, MAX_EXCERPT));
    default:
      return unreachable("proposal", proposal);
  }
}

function parseAction(contract: Contract, proposal: Extract<Proposal, { kind: "act" }>): Parsed {
  const { args } = proposal;
  if (jsonSizeBytes(args) > MAX_ARGS_BYTES) return invalid("too-large", excerptOf(proposal));
  const tool = contract.tools.find(({ name }) => name === proposal.tool);
  if (tool === undefined) {
    return invalid("unknown-tool", excerptOf(proposal), contract.tools.map(({ name }) => name).join(", "));
  }
  const checked = checkArgs(tool, args);
  if (!checked.ok) return invalid("bad-arguments", excerptOf(proposal), `${tool.name}: ${checked.fault}`);
  // a plan is written by people; an agent that says nothing about its confidence has none
  const confidencePercent = contract.agent.kind === "plan" ? 100 : (proposal.confidence_percent ?? 0);
  return { kind: "act", tool, args: checked.args, rationale: proposal.rationale ?? null, confidencePercent };
}

/** Parses arguments with the tool's schema and requires that parsing changed nothing: no member dropped, no value coerced or filled in. */
export function checkArgs(
  tool: Tool,
  args: unknown,
): { readonly ok: true; readonly args: JsonObject } | { readonly ok: false; readonly fault: string } {
  const parsed = tool.input.safeParse(args);
  if (!parsed.success) return { ok: false, fault: faultText(parsed.error) };
  const value: unknown = parsed.data;
  if (!isJson(value) || !isJsonObject(value) || !sameJson(value, args)) {
    return { ok: false, fault: "parsing would change the arguments; give every value exactly as the schema has it" };
  }
  return { ok: true, args: value };
}

/** Paths and rules, at most three; never a value or a name that the agent made up. */
export function faultText(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => {
      const rule =
        issue.code === "unrecognized_keys"
          ? `${issue.keys.length} field(s) that the schema does not have`
          : issue.message;
      return issue.path.length === 0 ? rule : `${issue.path.map(String).join(".")}: ${rule}`;
    })
    .join("; ");
}

function invalid(reason: InvalidReason, excerpt: string | null, more = ""): Parsed {
  const detail = more === "" ? INVALID[reason] : `${INVALID[reason]}: ${more}`;
  return { kind: "invalid", reason, detail: cut(detail, MAX_DETAIL), excerpt };
}

const excerptOf = (value: unknown): string => cut(JSON.stringify(value), MAX_EXCERPT);
