/** References in contracts: `input.<field>` and `<system>.<verb_object>.<output field>`. */
import { valuesAt } from "../contract/schema-paths.js";
import { asJson, type Json } from "./canonical.js";
import { latest, type Memory, type PastCall } from "./memory.js";

export type Reference =
  | { readonly from: "input"; readonly field: string }
  | { readonly from: "tool"; readonly tool: string; readonly field: string };

/** A tool's name has one dot, so the third part begins the field. */
export function parseReference(text: string): Reference {
  const [first = "", second = "", ...rest] = text.split(".");
  return first === "input"
    ? { from: "input", field: [second, ...rest].join(".") }
    : { from: "tool", tool: `${first}.${second}`, field: rest.join(".") };
}

/** The value a reference names; of a tool, from its newest successful call that fits. */
export function resolve(memory: Memory, text: string, fits?: (call: PastCall) => boolean): Json | undefined {
  const reference = parseReference(text);
  if (reference.from === "input") return first(memory.input, reference.field);
  return first(latest(memory, reference.tool, fits)?.output ?? null, reference.field);
}

const first = (value: Json, path: string) => asJson(valuesAt(value, path)[0]);
