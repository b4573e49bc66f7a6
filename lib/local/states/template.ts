/** Fields of a state that hold JSON with expressions inside: compiled once, evaluated per run. */
import { EvaluationFault } from "./failure.js";
import type { EvaluationServices } from "./functions.js";
import { type Bindings, compileExpression, EvaluationError, type Expression, expressionSource } from "./jsonata.js";

export type Template =
  | { readonly kind: "literal"; readonly value: unknown }
  | { readonly kind: "expression"; readonly expression: Expression; readonly location: string }
  | { readonly kind: "list"; readonly items: readonly Template[] }
  | { readonly kind: "record"; readonly entries: readonly (readonly [string, Template])[] };

/** What an evaluation reads. */
export interface EvaluationScope {
  readonly bindings: Bindings;
  readonly services: EvaluationServices;
}

/** Compiles a field's value; `location` is the field's name as AWS writes it, e.g. `Choices[0]/Output`. */
export function compileTemplate(value: unknown, location: string): Template {
  if (typeof value === "string") {
    const source = expressionSource(value);
    return source === undefined
      ? { kind: "literal", value }
      : { kind: "expression", expression: compileExpression(source), location };
  }
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, index) => compileTemplate(item, `${location}[${index}]`));
    return items.every((item) => item.kind === "literal") ? { kind: "literal", value } : { kind: "list", items };
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, member]): readonly [string, Template] => [
      key,
      compileTemplate(member, `${location}/${key}`),
    ]);
    return entries.every(([, member]) => member.kind === "literal")
      ? { kind: "literal", value }
      : { kind: "record", entries };
  }
  return { kind: "literal", value };
}

/** The template's value; a promise only when an expression needs the engine. Throws `EvaluationFault`. */
export function evaluateTemplate(template: Template, scope: EvaluationScope): unknown {
  switch (template.kind) {
    case "literal":
      return template.value;
    case "expression":
      return evaluateExpression(template.expression, template.location, scope);
    case "list":
      return evaluateList(template.items, scope);
    case "record":
      return evaluateRecord(template.entries, scope);
  }
}

async function evaluateList(items: readonly Template[], scope: EvaluationScope): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const item of items) values.push(await evaluateTemplate(item, scope));
  return values;
}

async function evaluateRecord(
  members: readonly (readonly [string, Template])[],
  scope: EvaluationScope,
): Promise<Record<string, unknown>> {
  const entries: [string, unknown][] = [];
  for (const [key, member] of members) {
    const value = evaluateTemplate(member, scope);
    entries.push([key, value instanceof Promise ? await value : value]);
  }
  return Object.fromEntries(entries);
}

function evaluateExpression(expression: Expression, location: string, scope: EvaluationScope): unknown {
  const value = expression.evaluate(scope.bindings, scope.services);
  if (value instanceof Promise) return defined(value, expression, location);
  return value;
}

async function defined(pending: Promise<unknown>, expression: Expression, location: string): Promise<unknown> {
  let value: unknown;
  try {
    value = await pending;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw fault(expression, location, error.message);
  }
  if (value === undefined) throw fault(expression, location, "returned nothing (undefined)");
  return value;
}

function fault(expression: Expression, location: string, what: string): EvaluationFault {
  const end = what.includes("during evaluation") || what.includes("for value:") ? "" : ".";
  return new EvaluationFault(
    location,
    `The JSONata expression '${expression.source}' specified for the field '${location}' ${what}${end}`,
  );
}

export type JsonType = "array" | "boolean" | "null" | "number" | "object" | "string";

export function jsonType(value: unknown): JsonType {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "boolean" || type === "number" || type === "string" ? type : "object";
}

/** The complaint about a value of the wrong type, in AWS's words. */
export function wrongType(template: Template, location: string, expected: string, value: unknown): EvaluationFault {
  const what = `returned an unexpected result type. Expected '${expected}', but was '${jsonType(value)}' for value: ${JSON.stringify(value)}`;
  if (template.kind === "expression") return fault(template.expression, template.location, what);
  return new EvaluationFault(location, `The value specified for the field '${location}' ${what}`);
}
