/** What every proposer does around its agent: the context by key, its hash, the answer in the protocol's form, sealed. */
import { randomBytes } from "node:crypto";
import type { ContextStore, StoredContext } from "../../lib/aws/context-store.js";
import { cut } from "../../lib/run/cut.js";
import {
  ERROR_NAMES,
  type Proposal,
  proposeAnswer,
  proposeRequest,
  type RunContext,
  type SealedProposeAnswer,
  type ToolAnswer,
} from "../../lib/run/protocol.js";
import { IV_BYTES, openAnswer, sealJson } from "../../lib/run/sealing.js";
import { logLine } from "../shared/log.js";
import { NamedError } from "../shared/named-error.js";

export interface AgentReply {
  readonly proposal: Proposal;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly costMicroUsd: number;
}
/** Makes one proposal. Never throws for what a model did: that is an `invalid` proposal. */
export type Agent = (context: RunContext) => Promise<AgentReply>;

export interface ProposerDeps {
  readonly workflow: string;
  readonly contexts: Pick<ContextStore, "read">;
  readonly agent: Agent;
  readonly nowMs: () => number;
}

export function createHandler({ workflow, contexts, agent, nowMs }: ProposerDeps) {
  return async (event: unknown): Promise<SealedProposeAnswer> => {
    const { run_id, tenant, turn, last } = proposeRequest.parse(event);
    // Only admit and the gate write contexts: an execution that was started around them has none, and no model is called.
    const stored = await contexts.read({ workflow, tenant, runId: run_id }, turn);
    if (stored === undefined)
      throw new NamedError(
        ERROR_NAMES.notAdmitted,
        `run ${run_id} has no context for turn ${turn}; runs are started through admission`,
      );
    const startedMs = nowMs();
    const reply = await agent(withLast(stored.context, openLast(stored, last)));
    const { proposal, ...answer } = proposeAnswer.parse({
      proposal: reply.proposal,
      model: reply.model,
      prompt_tokens: reply.promptTokens,
      completion_tokens: reply.completionTokens,
      cost_micro_usd: reply.costMicroUsd,
      latency_ms: Math.max(0, Math.round(nowMs() - startedMs)),
      context_hash: stored.hash,
    });
    logLine("info", "proposed", {
      workflow,
      run_id,
      turn,
      kind: proposal.kind,
      cost_micro_usd: answer.cost_micro_usd,
    });
    const key = Buffer.from(stored.keys.reply, "base64");
    const as = { what: "proposal", runId: run_id, turn } as const;
    return { ...answer, sealed: sealJson(key, as, randomBytes(IV_BYTES), proposal) };
  };
}

function openLast({ context, keys }: StoredContext, last: ToolAnswer | null): ToolAnswer | null {
  const newest = context.turns.at(-1);
  if (last === null || keys.last === null || newest === undefined) return last;
  return openAnswer({ key: Buffer.from(keys.last, "base64"), runId: context.run_id, turn: newest.turn }, last);
}

/** The context was written with the permit, before the tool ran: what the tool answered since is filled in. */
export function withLast(context: RunContext, last: ToolAnswer | null): RunContext {
  const newest = context.turns.at(-1);
  if (last === null || newest === undefined || newest.decision !== "permit" || newest.result !== null) return context;
  return { ...context, turns: [...context.turns.slice(0, -1), { ...newest, result: last }] };
}

export function invalid(
  reason: Extract<Proposal, { kind: "invalid" }>["reason"],
  detail: string,
  excerpt?: string,
): Proposal {
  return {
    kind: "invalid",
    reason,
    detail: cut(detail, 500),
    ...(excerpt === undefined || excerpt === "" ? {} : { excerpt: cut(excerpt, 2000) }),
  };
}
