/**
 * The gate's own checks, in the order of DESIGN.md. Each answers what is wrong, or undefined; each is recorded whether it
 * passed or not, and after the first that fails the rest is skipped.
 */

import type { Contract, Tool } from "../contract/model.js";
import { valuesAt } from "../contract/schema-paths.js";
import { durationText } from "../contract/units.js";
import { type JsonObject, sameJson } from "./canonical.js";
import { cut } from "./cut.js";
import type { Check } from "./events.js";
import { latest, type Memory } from "./memory.js";
import { outboundFault } from "./outbound.js";
import { nextPlanStep } from "./plan.js";
import { parseReference, resolve } from "./references.js";
import { sameFields } from "./resource.js";
import { type OpenRun, type Outcome, STOPPED } from "./state.js";
import { msOf } from "./time.js";
import type { Brake, GateInput } from "./types.js";

export interface CheckInput {
  readonly contract: Contract;
  /** with the proposal under judgement counted */
  readonly run: OpenRun;
  readonly memory: Memory;
  readonly tool: Tool;
  readonly args: JsonObject;
  readonly brake: Brake;
  readonly nowMs: number;
  readonly known?: GateInput["known"];
}
/** What is wrong; with `close`, so wrong that the run ends. */
export interface Fault {
  readonly detail: string;
  readonly close?: Outcome;
}
type CheckName = Check["name"];

const OWN_CHECKS: readonly (readonly [CheckName, (input: CheckInput) => Fault | undefined])[] = [
  ["brake", brakeFault],
  // arguments that do not fit their schema are no action at all: they are recorded as ProposalInvalid and never get here
  ["schema", () => undefined],
  ["limits", limitsFault],
  ["freshness", ({ contract, memory, nowMs }) => asFault(freshnessFault(contract, memory.input, nowMs))],
  ["cross-references", (input) => asFault(crossReferenceFault(input))],
  ["dependencies", (input) => asFault(dependencyFault(input))],
  ["plan", (input) => asFault(planFault(input))],
  ["outbound", ({ contract, memory, tool, args }) => asFault(outboundFault(contract, memory, tool, args))],
];
/** Checks that need something from outside; `decide` does them. */
export const LATER_CHECKS = ["preview", "budget", "policy"] as const satisfies readonly CheckName[];

const CODES: Readonly<Record<CheckName, string>> = {
  brake: "CS-3111",
  schema: "CS-3103",
  duplicate: "CS-3006",
  limits: "CS-3112",
  freshness: "CS-3113",
  "cross-references": "CS-3114",
  dependencies: "CS-3115",
  plan: "CS-3116",
  outbound: "CS-3117",
  preview: "CS-3118",
  budget: "CS-3119",
  policy: "CS-3120",
};

/** `CS-3112 limits: …`: a reason as the agent and people read it. */
export const reasonOf = (name: CheckName, detail: string): string => `${CODES[name]} ${name}: ${detail}`;

export const passed = (name: CheckName, detail = ""): Check => ({ name, result: "passed", detail });
export const failed = (name: CheckName, detail: string): Check => ({
  name,
  result: "failed",
  detail: cut(detail, 500),
});
export const skipped = (names: readonly CheckName[], detail: string): readonly Check[] =>
  names.map((name) => ({ name, result: "skipped", detail }));
export const AFTER_FAILURE = "an earlier check failed";

export interface Checked {
  /** up to and with the one that failed */
  readonly checks: readonly Check[];
  readonly fault: (Fault & { readonly name: CheckName }) | undefined;
}

export function runOwnChecks(input: CheckInput): Checked {
  const checks: Check[] = [];
  for (const [index, [name, check]] of OWN_CHECKS.entries()) {
    const known = input.known?.get(name);
    const fault = known === undefined ? check(input) : asFault(known ?? undefined);
    if (fault !== undefined) {
      const rest = [...OWN_CHECKS.slice(index + 1).map(([later]) => later), ...LATER_CHECKS];
      checks.push(failed(name, fault.detail), ...skipped(rest, AFTER_FAILURE));
      return { checks, fault: { ...fault, name } };
    }
    checks.push(passed(name));
  }
  return { checks, fault: undefined };
}

/** All checks as skipped, when people already said no. */
export const allSkipped = (detail: string): readonly Check[] =>
  skipped([...OWN_CHECKS.map(([name]) => name), ...LATER_CHECKS], detail);

const asFault = (detail: string | undefined): Fault | undefined => (detail === undefined ? undefined : { detail });

function brakeFault({ brake }: CheckInput): Fault | undefined {
  if (!brake.on) return undefined;
  return {
    detail: `stopped by ${brake.by} at ${brake.at}: ${brake.reason}`,
    close: STOPPED,
  };
}

function limitsFault({ contract, run, nowMs }: CheckInput): Fault | undefined {
  const { limits } = contract;
  if (nowMs >= msOf(run.started.expires_at)) {
    return {
      detail: `the run's time was over at ${run.started.expires_at}`,
      close: { status: "expired", reason: "run_time" },
    };
  }
  if (run.proposals > limits.steps) {
    return {
      detail: `${run.proposals} proposals of ${limits.steps}; only finishing was still possible`,
      close: { status: "escalated", reason: "steps" },
    };
  }
  if (run.calls.length >= limits.toolCalls) {
    return { detail: `${run.calls.length} tool calls of ${limits.toolCalls}; finish with what is known` };
  }
  const recent = run.calls.filter((call) => nowMs - msOf(call.permittedAt) < 60_000).length;
  if (recent >= limits.callsPerMinute) {
    return { detail: `${recent} tool calls in the last minute of ${limits.callsPerMinute}; go more slowly` };
  }
  return undefined;
}

/** Clocks of senders run ahead by this much at most. */
const MAX_AHEAD_MS = 5 * 60_000;

/** Also admission's check. Names fields and ages; the times themselves may be sensitive. */
export function freshnessFault(contract: Contract, input: JsonObject, nowMs: number): string | undefined {
  for (const [field, limitMs] of Object.entries(contract.freshnessMs)) {
    for (const value of valuesAt(input, field)) {
      const ageMs = typeof value === "string" ? nowMs - msOf(value) : Number.NaN;
      if (Number.isNaN(ageMs)) return `input.${field}: is not a time`;
      if (ageMs < -MAX_AHEAD_MS) return `input.${field}: is ${durationText(-ageMs)} in the future`;
      if (ageMs > limitMs)
        return `input.${field}: is ${durationText(ageMs)} old; at most ${durationText(limitMs)} is allowed`;
    }
  }
  return undefined;
}

function crossReferenceFault({ contract, memory, tool }: CheckInput): string | undefined {
  if (tool.effect === "read") return undefined;
  for (const [field, reference] of Object.entries(contract.crossReferences)) {
    const expected = valuesAt(memory.input, field)[0];
    if (expected === undefined) continue;
    const found = resolve(memory, reference);
    if (found === undefined) {
      const from = parseReference(reference);
      const source = from.from === "tool" ? from.tool : "the input";
      return `input.${field}: is not compared with ${reference} yet; call ${source} first`;
    }
    if (!sameJson(found, expected)) return `input.${field}: differs from ${reference}`;
  }
  return undefined;
}

function dependencyFault({ memory, tool, args }: CheckInput): string | undefined {
  const missing = tool.requires.find(
    (needed) => latest(memory, needed.tool, (call) => sameFields(needed.same, call.args, args)) === undefined,
  );
  if (missing === undefined) return undefined;
  const same = missing.same.length === 0 ? "" : ` with the same ${missing.same.join(", ")}`;
  return `${tool.name} needs an earlier successful ${missing.tool}${same} in this run`;
}

function planFault({ contract, run, memory, tool, args }: CheckInput): string | undefined {
  if (contract.agent.kind !== "plan") return undefined;
  const next = nextPlanStep(contract.agent, run, memory);
  if (next === null) return "all steps of the plan are done; finish";
  if (next.tool !== tool.name) return `the plan's next step is ${next.tool}, not ${tool.name}`;
  if (next.args === undefined) return `${tool.name}: a result that its arguments are filled from is missing`;
  return sameJson(next.args, args) ? undefined : `${tool.name}: the arguments are not the plan's`;
}
