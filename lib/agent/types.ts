/** What a team's own agent (`agent: { kind: "lambda" }`) is asked and answers. Documented with an example in docs/agents.md. */
import type { RunContext } from "../run/protocol.js";

export interface AgentTool {
  readonly name: string;
  readonly description: string;
  readonly effect: "read" | "write";
  /** JSON Schema (draft 2020-12) of the arguments */
  readonly input_schema: Readonly<Record<string, unknown>>;
}

/** One turn: everything that happened so far, and what may be proposed. */
export interface AgentRequest extends RunContext {
  readonly purpose: string;
  readonly tools: readonly AgentTool[];
  /** what `finish` may say */
  readonly outcomes: readonly string[];
}

/** What the model behind the answer used; a part that is absent counts as nothing. */
export interface AgentUsage {
  readonly model?: string;
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  /** integer micro-USD, rounded up: counts against the run's budget */
  readonly cost_micro_usd?: number;
}

/** One proposal. Nothing happens by it: the gate decides. */
export type AgentAnswer =
  | {
      readonly kind: "act";
      readonly tool: string;
      readonly args: Readonly<Record<string, unknown>>;
      readonly rationale?: string;
      readonly confidence_percent?: number;
      readonly usage?: AgentUsage;
    }
  | { readonly kind: "finish"; readonly outcome: string; readonly summary?: string; readonly usage?: AgentUsage };

export interface AgentContext {
  /** a secret that the contract's `agent.secrets` lists */
  secret(name: string): Promise<string>;
  /** `https://<host>` of a host that the contract's `agent.hosts` lists, or its sandbox in local mode */
  baseUrl(host: string): string;
  /** aborted when the contract's `agent.timeout` is over */
  readonly signal: AbortSignal;
}

/** `export const propose: AgentHandler = async (request, context) => …` */
export type AgentHandler = (request: AgentRequest, context: AgentContext) => Promise<AgentAnswer>;
