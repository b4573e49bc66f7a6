/** The resource of an action and the trusted facts about it: from recorded results or the admitted input, never from the model. */

import type { Contract, Tool } from "../contract/model.js";
import { valuesAt } from "../contract/schema-paths.js";
import { type Json, type JsonObject, sameJson } from "./canonical.js";
import { cut } from "./cut.js";
import type { Memory, PastCall } from "./memory.js";
import { parseReference, resolve } from "./references.js";

/** Id of what a call acts on: the tool's own field, else the workflow's resource, else the run. */
export function resourceId(contract: Contract, tool: Tool, args: JsonObject, input: JsonObject, runId: string): string {
  const own = tool.resource === undefined ? undefined : idText(valuesAt(args, tool.resource)[0]);
  return own ?? workflowResource(contract, input) ?? runId;
}

function workflowResource(contract: Contract, input: JsonObject): string | undefined {
  if (contract.resource.id === undefined) return undefined;
  return idText(valuesAt(input, parseReference(contract.resource.id).field)[0]);
}

const idText = (value: unknown): string | undefined =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;

/** The facts known by now about the resource; a fact about another one is not a fact about this. */
export function factsOf(contract: Contract, memory: Memory, id: string, runId: string): JsonObject {
  const concerns = (call: PastCall) => concernsResource(contract, memory, call, id, runId);
  const isWorkflows = (workflowResource(contract, memory.input) ?? runId) === id;
  const facts = Object.entries(contract.resource.facts).flatMap(([name, reference]): [string, Json][] => {
    if (reference.startsWith("input.") && !isWorkflows) return [];
    const value = resolve(memory, reference, concerns);
    return value === undefined || value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(facts);
}

/** A result concerns the resource when its call acted on it and no cross-reference says that it is about another. */
function concernsResource(contract: Contract, memory: Memory, call: PastCall, id: string, runId: string): boolean {
  if (resourceId(contract, call.tool, call.args, memory.input, runId) !== id) return false;
  const idField = contract.resource.id === undefined ? undefined : parseReference(contract.resource.id).field;
  const reference = idField === undefined ? undefined : contract.crossReferences[idField];
  if (reference === undefined) return true;
  const { field, ...from } = parseReference(reference);
  if (from.from !== "tool" || from.tool !== call.tool.name) return true;
  return idText(valuesAt(call.output, field)[0]) === id;
}

/** Whether everything that says where the action goes was said by the requester: equal to a string of the admitted input. */
export function destinationFromRequester(tool: Tool, args: JsonObject, input: JsonObject): boolean {
  if (tool.destination === undefined) return true;
  const named = new Set(leaves(input));
  const destinations = valuesAt(args, tool.destination).flatMap((value) => leaves(value));
  return destinations.length > 0 && destinations.every((destination) => named.has(destination));
}

/** Every string and number inside, as text. */
export function leaves(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((member) => leaves(member));
}

/** What a past call was about, for people: the first plain value of its arguments. */
export function subjectOf(call: PastCall): string {
  const shown = Object.entries(call.args).find(
    ([key, value]) =>
      (typeof value === "string" || typeof value === "number") && !call.tool.sensitiveInput.includes(key),
  );
  return shown === undefined ? "" : cut(String(shown[1]), 200);
}

/** Whether two calls have equal values in these input fields. */
export const sameFields = (fields: readonly string[], left: JsonObject, right: JsonObject): boolean =>
  fields.every((field) => sameJson(valuesAt(left, field), valuesAt(right, field)));
