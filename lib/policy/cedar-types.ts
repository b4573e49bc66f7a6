/** Cedar's types as Verified Permissions reads them (JSON schema form), and how a tool's schema becomes one. */

import { type JsonSchema, scalarOf } from "../contract/schema-paths.js";
import { CountersignError } from "../errors.js";

export type CedarType =
  | { readonly type: "String" }
  | { readonly type: "Long" }
  | { readonly type: "Boolean" }
  | { readonly type: "Set"; readonly element: CedarType }
  | CedarRecord;
export interface CedarRecord {
  readonly type: "Record";
  readonly attributes: Readonly<Record<string, CedarAttribute>>;
}
export type CedarAttribute = CedarType & { readonly required?: boolean };

const SCALARS = { string: { type: "String" }, integer: { type: "Long" }, boolean: { type: "Boolean" } } as const;

/**
 * A JSON Schema of the subset that `checkContract` lets through. Optional fields become optional attributes; patterns, lengths and
 * enums are dropped: the gate has parsed the value before it asks.
 * @throws CountersignError CS-1120 for anything else
 */
export function cedarType(schema: JsonSchema, path: string): CedarType {
  const scalar = scalarOf(schema);
  if (scalar !== undefined) return SCALARS[scalar];
  if (schema.type === "array" && schema.items !== undefined) {
    return { type: "Set", element: cedarType(schema.items, `${path}[]`) };
  }
  if (schema.type === "object" && schema.properties !== undefined) return cedarRecord(schema, path);
  throw new CountersignError(
    "CS-1120",
    `${path}: ${String(schema.type)} has no Cedar type; run \`countersign workflow check\``,
  );
}

export function cedarRecord(schema: JsonSchema, path: string): CedarRecord {
  const entries = Object.entries(schema.properties ?? {}).map(([key, value]): [string, CedarAttribute] => {
    const type = cedarType(value, `${path}.${key}`);
    return [key, schema.required?.includes(key) === true ? type : { ...type, required: false }];
  });
  return { type: "Record", attributes: Object.fromEntries(entries) };
}

/**
 * Why a value is not of this type, or undefined when it is. Stricter than Cedar's own parser: integers within ±2^53, no unknown
 * fields, text that survives UTF-8.
 */
export function misfit(type: CedarType, value: unknown, path: string): string | undefined {
  switch (type.type) {
    case "String":
      if (typeof value !== "string") return `${path}: ${kindOf(value)} is not text`;
      return /\p{Surrogate}/u.test(value) ? `${path}: text with half a surrogate pair` : undefined;
    case "Boolean":
      return typeof value === "boolean" ? undefined : `${path}: ${kindOf(value)} is not true or false`;
    case "Long":
      return Number.isSafeInteger(value) ? undefined : `${path}: ${kindOf(value)} is not an integer within ±2^53`;
    case "Set":
      if (!Array.isArray(value)) return `${path}: ${kindOf(value)} is not a list`;
      return first(value.map((item: unknown, index) => () => misfit(type.element, item, `${path}[${index}]`)));
    case "Record":
      return misfitRecord(type, value, path);
  }
}

function misfitRecord(type: CedarRecord, value: unknown, path: string): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return `${path}: ${kindOf(value)} is not an object`;
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(type.attributes, key));
  if (unknown !== undefined) return `${path}.${unknown}: is not in the schema`;
  return first(
    Object.entries(type.attributes).map(([key, attribute]) => () => {
      const item: unknown = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
      if (item !== undefined) return misfit(attribute, item, `${path}.${key}`);
      return attribute.required === false ? undefined : `${path}.${key}: is missing`;
    }),
  );
}

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const found = check();
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Numbers as they are, other values by kind only: they may be sensitive. */
function kindOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}
