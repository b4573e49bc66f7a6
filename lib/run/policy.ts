/**
 * Tiers from one policy set: the engine is asked with 0, 1, 2 approvals, only as far as needed. The first number that is allowed is how
 * many people the policies want. Anything in doubt denies.
 */
import { exposureNames } from "../policy/names.js";
import type { PolicyFacts } from "../policy/request.js";
import { amountOf, counterIn, countersOf, holderOf, withProposed } from "./exposure.js";
import { readUntrusted } from "./memory.js";
import { destinationFromRequester } from "./resource.js";
import { localTime } from "./time.js";
import type { Evidence, GateCase, Judgement, PolicyVerdict } from "./types.js";

export interface Ruling {
  /** first allowed number of approvals; null = denied at every tier, or an error */
  readonly tier: 0 | 1 | 2 | null;
  /** permits that allowed at `tier` */
  readonly determining: readonly string[];
  /** forbids that denied below (or at every) tier */
  readonly deniedBy: readonly string[];
  readonly errors: readonly string[];
}

/** Reads the answers in order; they count only as far as they are without gap and error. */
export function rule(verdicts: readonly PolicyVerdict[]): Ruling {
  const denied: string[] = [];
  for (const tier of TIERS) {
    const verdict = verdicts.find(({ approvals }) => approvals === tier);
    const deniedBy = [...new Set(denied)];
    if (verdict === undefined) {
      return { tier: null, determining: [], deniedBy, errors: [`no answer for ${tier} approvals`] };
    }
    if (verdict.errors.length > 0) return { tier: null, determining: [], deniedBy, errors: verdict.errors };
    if (verdict.allowed) return { tier, determining: verdict.determining, deniedBy, errors: [] };
    denied.push(...verdict.determining);
  }
  return { tier: null, determining: [], deniedBy: [...new Set(denied)], errors: [] };
}
const TIERS = [0, 1, 2] as const;

/** The next question for the policy engine; undefined when the answers so far decide. */
export function nextPolicyQuestion(
  judgement: Judgement,
  evidence: Pick<Evidence, "counters" | "verdicts">,
): PolicyFacts | undefined {
  for (const approvals of TIERS) {
    const verdict = evidence.verdicts.find((answered) => answered.approvals === approvals);
    if (verdict === undefined) return policyFacts(judgement.case, evidence.counters, approvals);
    if (verdict.allowed || verdict.errors.length > 0) return undefined;
  }
  return undefined;
}

export function policyFacts(gate: GateCase, counters: Evidence["counters"], approvals: 0 | 1 | 2): PolicyFacts {
  const { input, run, memory, tool, args, resource, proposed } = gate;
  const { hour, weekday } = localTime(input.nowMs, input.contract.timeZone);
  return {
    tenant: input.request.tenant,
    stage: input.stage,
    requester: run.started.requester,
    tool,
    args,
    resource: { id: resource.id, facts: scalars(resource.facts) },
    approvals,
    confidencePercent: proposed.confidence_percent,
    untrusted: readUntrusted(input.contract, memory),
    destinationFromRequester: destinationFromRequester(tool, args, memory.input),
    exposure: exposureOf(gate, counters),
    spentMicroUsd: run.spentMicroUsd,
    budgetLeftMicroUsd: Math.max(0, run.started.budget_micro_usd - run.spentMicroUsd),
    hour,
    weekday,
  };
}

/** Sums and counts by the policies' names, the proposed action included; those of the run are from the log alone. */
export function exposureOf(gate: GateCase, counters: Evidence["counters"]): Readonly<Record<string, number>> {
  const { input, memory, tool, args, resource } = gate;
  const amount = amountOf(tool, args);
  const hold = { holder: holderOf(input.request.run_id, input.request.turn), amount };
  const needed = countersOf(tool, resource.id, input.nowMs, input.contract.timeZone);
  // what this very step settled as failed is given back only after its events are written
  const freed = gate.entries.flatMap(({ event }) =>
    event.type === "ToolReturned" && !event.data.effect_possible
      ? [holderOf(input.request.run_id, event.data.turn)]
      : [],
  );
  const earlier = memory.calls.filter((call) => call.tool.name === tool.name && call.effectPossible);
  const ofRun = {
    sum: earlier.reduce((sum, call) => sum + amountOf(tool, call.args), amount),
    count: earlier.length + 1,
  };
  const named = exposureNames(input.contract, tool).flatMap(({ scope, sum, count }) => {
    const counter = needed.find(({ per }) => per === scope);
    const total = counter === undefined ? ofRun : withProposed(counterIn(counters, counter), hold, freed);
    return [
      [sum, total.sum],
      [count, total.count],
    ] as const;
  });
  return Object.fromEntries(named);
}

/** Facts are scalars by the contract's rules; anything else is left out, and a policy that needs it denies. */
function scalars(facts: GateCase["resource"]["facts"]): Readonly<Record<string, string | number | boolean>> {
  const kept: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") kept[name] = value;
  }
  return kept;
}
