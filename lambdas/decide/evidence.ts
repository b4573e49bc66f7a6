/** What the gate asks others for before it decides: preview, counters, and the policy engine tier by tier. */
import type { Authorizer } from "../../lib/aws/authorizer.js";
import type { Budgets } from "../../lib/aws/budgets.js";
import type { Previews } from "../../lib/aws/previews.js";
import type { Contract } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { type AuthorizationRequest, authorizationRequest, type PolicyFacts } from "../../lib/policy/request.js";
import { counterDoc, counterName, type HoldRef, holderOf } from "../../lib/run/exposure.js";
import { proposalStep } from "../../lib/run/hash.js";
import type { RunRef } from "../../lib/run/keys.js";
import { nextPolicyQuestion } from "../../lib/run/policy.js";
import { asCode } from "../../lib/run/sealing.js";
import type { Evidence, Judgement, Needs, PolicyText, PolicyVerdict, PreviewEvidence } from "../../lib/run/types.js";
import { counterOf } from "../shared/record.js";

export interface EvidenceSources {
  readonly contract: Contract;
  readonly budgets: Pick<Budgets, "readCounter">;
  readonly previews: Previews;
  readonly authorizer: Authorizer;
  /** replay alone: from a recorded run's facts, some of which are not in the log, to the question */
  readonly question?: (facts: PolicyFacts) => AuthorizationRequest;
}

export async function gather(
  sources: EvidenceSources,
  run: RunRef,
  turn: number,
  judgement: Judgement,
): Promise<Evidence> {
  const [preview, counters] = await Promise.all([
    askPreview(sources.previews, run, turn, judgement.needs.preview),
    readCounters(sources.budgets, run, judgement.needs.counters),
  ]);
  const verdicts: PolicyVerdict[] = [];
  const policies: Record<string, PolicyText> = {};
  for (;;) {
    const question = nextPolicyQuestion(judgement, { counters, verdicts });
    if (question === undefined) return { preview, counters, verdicts, policies };
    verdicts.push(await askPolicies(sources, question, policies));
  }
}

async function askPreview(
  previews: Previews,
  run: RunRef,
  turn: number,
  needed: Needs["preview"],
): Promise<PreviewEvidence | null> {
  if (needed === null) return null;
  const { tool } = needed;
  const args = Object.fromEntries(Object.entries(needed.args).map(([name, value]) => [name, structuredClone(value)]));
  const answer = await previews.ask(tool, { run_id: run.runId, tenant: run.tenant, step: proposalStep(turn), args });
  return answer.status === "ok" ? answer : { status: "error", code: asCode(answer.error.code) };
}

async function readCounters(
  budgets: EvidenceSources["budgets"],
  run: RunRef,
  needed: Needs["counters"],
): Promise<Evidence["counters"]> {
  const read = needed.map(
    async (key) => [counterName(key), await budgets.readCounter(counterOf(run, key), counterDoc)] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

/** A request that does not fit the schema is never sent: Cedar would skip what fails on it, also a forbid. It denies. */
async function askPolicies(
  { contract, authorizer, question }: EvidenceSources,
  facts: PolicyFacts,
  policies: Record<string, PolicyText>,
): Promise<PolicyVerdict> {
  const { approvals } = facts;
  try {
    const request = question?.(facts) ?? authorizationRequest(contract, facts);
    const { allowed, determining, errors } = await authorizer.ask(request);
    for (const { id, reason, text } of determining) policies[id] = { reason, text };
    return { approvals, allowed, determining: determining.map(({ id }) => id), errors, context: request.context };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { approvals, allowed: false, determining: [], errors: [error.toString()], context: {} };
  }
}

/** Holds of an earlier try of this step that it does not take this time: given back once the step is written down. */
export function leftOver(run: RunRef, turn: number, judgement: Judgement, evidence: Evidence): readonly HoldRef[] {
  const holder = holderOf(run.runId, turn);
  return judgement.needs.counters
    .filter((key) => evidence.counters[counterName(key)]?.holds[holder] !== undefined)
    .map(({ scope, day }) => ({ scope, day, holder }));
}
