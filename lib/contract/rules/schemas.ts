/**
 * Which schemas a contract may use. Tool inputs are judged by Cedar, so they are what Cedar can represent: strict objects of
 * strings, enums of strings, integers, booleans, lists and strict objects of them. Fields may be optional; nothing may be null.
 */
import type { Draft } from "../draft.js";
import { at, type Faults, suggest, type Where } from "../faults.js";
import { fieldAt, fieldPaths, type JsonSchema, scalarOf } from "../schema-paths.js";

export function checkSchemas(draft: Draft, faults: Faults): void {
  strictOnly(draft.input, at(draft.where, "input"), faults);
  existing(draft.fields.sensitive, draft.input, at(draft.where, "sensitive"), "the workflow's input", faults);
  existing(draft.fields.untrusted, draft.input, at(draft.where, "untrusted"), "the workflow's input", faults);
  for (const { where, fields, input, output } of draft.tools) {
    if (input !== undefined) representable(input, at(where, "input"), faults);
    strictOnly(output, at(where, "output"), faults);
    existing(fields.sensitive?.input, input, at(where, "sensitive", "input"), "the input", faults);
    existing(fields.sensitive?.output, output, at(where, "sensitive", "output"), "the output", faults);
  }
}

/** What a JSON Schema node is in Cedar's terms, or why it is nothing there and what to use instead. */
function problem(node: JsonSchema): { readonly rule: string; readonly fix: string } | undefined {
  const nullable = Array.isArray(node.type) ? node.type.includes("null") : node.type === "null";
  const branches = node.anyOf ?? node.oneOf;
  if (nullable || branches?.some((branch) => branch.type === "null") === true) {
    return { rule: "may be null, which policies cannot judge", fix: "use .optional() instead of .nullable()" };
  }
  if (branches !== undefined || node.allOf !== undefined || Array.isArray(node.type)) {
    return { rule: "is a union, which policies cannot judge", fix: "use z.enum([…]) or one optional field per case" };
  }
  if (scalarOf(node) !== undefined) return undefined;
  if (node.type === "number")
    return {
      rule: "may have a fraction, which policies cannot judge",
      fix: "use z.int(), in the smallest unit (cents)",
    };
  if (node.$ref !== undefined) return { rule: "is recursive", fix: "use a fixed depth of strict objects" };
  if (node.type === "array") {
    if (node.items !== undefined && node.prefixItems === undefined) return undefined;
    return { rule: "is a tuple", fix: "use z.array(…) or z.strictObject({ … })" };
  }
  if (node.type === "object") {
    if (node.additionalProperties === false) return undefined;
    const open = node.properties === undefined || Object.keys(node.properties).length === 0;
    return open && node.additionalProperties !== undefined
      ? { rule: "is a record with open keys", fix: "use z.strictObject({ … }), or a list of { key, value }" }
      : { rule: "lets unknown fields through", fix: "use z.strictObject({ … })" };
  }
  return { rule: "has no fixed type", fix: "use strings, z.enum, z.int(), booleans, lists or strict objects of them" };
}

function representable(node: JsonSchema, where: Where, faults: Faults): void {
  const found = problem(node);
  if (found !== undefined) {
    faults.add("CS-1009", where, found);
    return;
  }
  if (node.items !== undefined) representable(node.items, { ...where, path: `${where.path}[]` }, faults);
  for (const [key, value] of Object.entries(node.properties ?? {})) {
    nameOf(key, at(where, key), faults);
    representable(value, at(where, key), faults);
  }
}

/** Field paths and Cedar attributes are written with these names. */
function nameOf(key: string, where: Where, faults: Faults): void {
  if (/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(key)) return;
  faults.add("CS-1009", where, {
    rule: "is not a usable field name",
    fix: "begin with a letter; use letters, digits and _, at most 64",
  });
}

/** Inputs of the workflow and outputs of tools are data, not judged: any JSON, but no unknown fields. */
function strictOnly(schema: JsonSchema | undefined, where: Where, faults: Faults): void {
  if (schema === undefined || schema.additionalProperties === false) return;
  faults.add("CS-1009", where, { rule: "lets unknown fields through", fix: "use z.strictObject({ … })" });
}

function existing(
  paths: readonly string[] | undefined,
  schema: JsonSchema | undefined,
  where: Where,
  owner: string,
  faults: Faults,
): void {
  if (schema === undefined) return;
  for (const [index, path] of (paths ?? []).entries()) {
    if (fieldAt(schema, path) !== undefined) continue;
    const fix = suggest(path, fieldPaths(schema));
    faults.add("CS-1008", at(where, index), { value: path, rule: `is not a field of ${owner}`, fix });
  }
}
