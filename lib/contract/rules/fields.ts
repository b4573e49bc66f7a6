/** Looking fields up for a rule: reports what is missing, optional, repeated, sensitive or of the wrong type, in one way. */
import { type Draft, type DraftTool, toolReference } from "../draft.js";
import { type Faults, suggest, type Where } from "../faults.js";
import { fieldAt, fieldPaths, type JsonSchema, scalarOf, touchesSensitive } from "../schema-paths.js";

export type Scalar = "string" | "integer" | "boolean";

export interface Wanted {
  /** the field of the contract that names it */
  readonly where: Where;
  /** as written */
  readonly written: string;
  /** schema looked in; undefined when it is itself at fault, then nothing is reported */
  readonly schema: JsonSchema | undefined;
  readonly path: string;
  /** for messages: `the input of stripe.refund` */
  readonly owner: string;
  readonly types?: readonly Scalar[];
  /** it must be there in every value, once */
  readonly always?: boolean;
  /** sensitive paths of `schema`; the field may not touch them */
  readonly hidden?: readonly string[];
}

/** The schema of the wanted field, or undefined after reporting why it cannot be used. */
export function wantField(wanted: Wanted, faults: Faults): JsonSchema | undefined {
  const { where, written: value, schema, path, owner } = wanted;
  if (schema === undefined) return undefined;
  const field = fieldAt(schema, path);
  if (field === undefined) {
    faults.add("CS-1008", where, { value, rule: `is not a field of ${owner}`, fix: suggest(path, fieldPaths(schema)) });
    return undefined;
  }
  const type = scalarOf(field.schema);
  if (wanted.types !== undefined && (type === undefined || !wanted.types.includes(type))) {
    faults.add("CS-1008", where, {
      value,
      rule: `is ${article(typeName(field.schema))} in ${owner}`,
      fix: `use a field that is ${wanted.types.map(article).join(" or ")}`,
    });
    return undefined;
  }
  if (wanted.always === true && (field.optional || field.repeated)) {
    const rule = field.repeated ? `is in a list of ${owner}` : `is optional in ${owner}`;
    faults.add("CS-1008", where, { value, rule, fix: "use a field that every value has exactly once" });
    return undefined;
  }
  if (wanted.hidden !== undefined && touchesSensitive(path, wanted.hidden)) {
    faults.add("CS-1010", where, {
      value,
      rule: `is sensitive in ${owner}, and here its value would show`,
      fix: "use a field that is not sensitive",
    });
    return undefined;
  }
  return field.schema;
}

export function findTool(draft: Draft, name: string): DraftTool | undefined {
  return draft.tools.find((tool) => tool.fields.name === name);
}

/** The tool of that name, or undefined after reporting it. */
export function wantTool(draft: Draft, name: string, where: Where, faults: Faults): DraftTool | undefined {
  const tool = findTool(draft, name);
  if (tool === undefined && draft.namesKnown) {
    const names = draft.tools.flatMap((other) => other.fields.name ?? []);
    faults.add("CS-1008", where, { value: name, rule: "is not a tool of this contract", fix: suggest(name, names) });
  }
  return tool;
}

/** Resolves `input.<path>` (of the workflow) or `<tool>.<output path>`. Answers with the field's schema and the tool. */
export function wantSource(
  draft: Draft,
  source: string,
  where: Where,
  faults: Faults,
): { readonly schema: JsonSchema; readonly tool: DraftTool | undefined } | undefined {
  const wanted = { where, written: source, types: ["string", "integer", "boolean"], always: true } as const;
  if (source.startsWith("input.")) {
    const hidden = draft.fields.sensitive ?? [];
    const schema = wantField(
      { ...wanted, schema: draft.input, path: source.slice(6), owner: "the workflow's input", hidden },
      faults,
    );
    return schema === undefined ? undefined : { schema, tool: undefined };
  }
  const reference = toolReference(source);
  if (reference === undefined) {
    faults.add("CS-1008", where, {
      value: source,
      rule: "names no field",
      fix: 'use "input.<field>" or "<tool>.<output field>"',
    });
    return undefined;
  }
  const tool = wantTool(draft, reference.tool, where, faults);
  if (tool === undefined) return undefined;
  const hidden = tool.fields.sensitive?.output ?? [];
  const owner = `the output of ${reference.tool}`;
  const schema = wantField({ ...wanted, schema: tool.output, path: reference.path, owner, hidden }, faults);
  return schema === undefined ? undefined : { schema, tool };
}

function typeName(schema: JsonSchema): string {
  const scalar = scalarOf(schema);
  if (scalar !== undefined) return scalar;
  if (typeof schema.type === "string") return schema.type === "array" ? "list" : schema.type;
  return schema.type === undefined ? "union" : `${schema.type.join(" or ")}`;
}

function article(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}
