/** Agents of kind `plan`: fixed steps whose placeholders are filled from the input and earlier results. */
import type { Agent } from "../contract/model.js";
import { asJson, isJsonObject, type Json, type JsonObject } from "./canonical.js";
import type { Memory } from "./memory.js";
import { resolve } from "./references.js";
import type { OpenRun } from "./state.js";

type Plan = Extract<Agent, { kind: "plan" }>;

/** A text that is one placeholder becomes the value itself, of whatever type; inside a longer text it becomes text. */
export function fillPlaceholders(template: Json, lookUp: (reference: string) => Json | undefined): Json | undefined {
  if (typeof template === "string") return fillText(template, lookUp);
  if (Array.isArray(template)) {
    const items = template.map((item: Json) => fillPlaceholders(item, lookUp));
    return items.some((item) => item === undefined) ? undefined : items.filter((item) => item !== undefined);
  }
  if (!isJsonObject(template)) return template;
  const members = Object.entries(template).map(([key, member]) => [key, fillPlaceholders(member, lookUp)] as const);
  return members.some(([, member]) => member === undefined)
    ? undefined
    : Object.fromEntries(members.flatMap(([key, member]) => (member === undefined ? [] : [[key, member]])));
}

const PLACEHOLDER = /\{([a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+)\}/g;

function fillText(text: string, lookUp: (reference: string) => Json | undefined): Json | undefined {
  const whole = /^\{([a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+)\}$/.exec(text)?.[1];
  if (whole !== undefined) return lookUp(whole);
  let missing = false;
  const filled = text.replace(PLACEHOLDER, (_, reference: string) => {
    const value = lookUp(reference);
    if (value === undefined) missing = true;
    return typeof value === "string" ? value : JSON.stringify(value ?? null);
  });
  return missing ? undefined : filled;
}

/** How many of the plan's steps are behind: calls that succeeded, and writes that were recorded as recommendations. */
export function planProgress(run: OpenRun): number {
  return run.calls.filter((call) => call.returned?.status === "ok").length + run.recommended;
}

/** The plan's next step with its arguments filled in; `undefined` arguments: a result it needs is missing. Null when all are done. */
export function nextPlanStep(
  plan: Plan,
  run: OpenRun,
  memory: Memory,
): { readonly tool: string; readonly args: JsonObject | undefined } | null {
  const step = plan.steps[planProgress(run)];
  if (step === undefined) return null;
  const template = asJson(step.args);
  const args =
    template === undefined ? undefined : fillPlaceholders(template, (reference) => resolve(memory, reference));
  return { tool: step.tool, args: isJsonObject(args) ? args : undefined };
}
