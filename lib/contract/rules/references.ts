/** Fields the workflow itself refers to: reference, unique, resource, facts, freshness, cross-references, the fixed plan. */
import * as z from "zod";
import { DEFAULTS } from "../defaults.js";
import type { Draft, DraftTool } from "../draft.js";
import { at, type Faults, suggest } from "../faults.js";
import { fieldAt, scalarOf } from "../schema-paths.js";
import { wantField, wantSource, wantTool } from "./fields.js";

/** Names that Cedar or the generated schema uses. */
const RESERVED_TYPES: readonly string[] = [
  ...["Agent", "Tenant", "Action", "Workflow"],
  ...["Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"],
];

export function checkReferences(draft: Draft, faults: Faults): void {
  names(draft, faults);
  inputFields(draft, faults);
  resource(draft, faults);
  crossReferences(draft, faults);
  plan(draft, faults);
}

function names({ fields, where }: Draft, faults: Faults): void {
  // Verified Permissions keeps these namespaces to itself.
  if (["aws", "amazon", "cedar"].includes((fields.name ?? "").replaceAll("-", ""))) {
    faults.add("CS-1005", at(where, "name"), {
      value: fields.name,
      rule: "is reserved by Verified Permissions",
      fix: "use another name",
    });
  }
  const type = fields.resource?.type;
  if (type !== undefined && RESERVED_TYPES.includes(type)) {
    faults.add("CS-1005", at(where, "resource", "type"), {
      value: type,
      rule: "is reserved in policies",
      fix: 'use the name of the thing acted on: "Customer"',
    });
  }
}

function inputFields({ fields, where, input }: Draft, faults: Faults): void {
  const hidden = fields.sensitive ?? [];
  const common = {
    schema: input,
    owner: "the workflow's input",
    always: true,
    hidden,
    types: ["string", "integer", "boolean"],
  } as const;
  if (fields.reference !== undefined) {
    wantField(
      {
        ...common,
        where: at(where, "reference"),
        written: fields.reference,
        path: fields.reference,
        types: ["string", "integer"],
      },
      faults,
    );
  }
  for (const [index, name] of (fields.unique ?? []).entries()) {
    wantField({ ...common, where: at(where, "unique", index), written: name, path: name }, faults);
  }
  for (const name of Object.keys(fields.freshness ?? {})) {
    const here = at(where, "freshness", name);
    const schema = wantField({ ...common, where: here, written: name, path: name, types: ["string"] }, faults);
    if (schema === undefined || schema.format === "date-time") continue;
    faults.add("CS-1008", here, {
      value: name,
      rule: "is not a time in the workflow's input",
      fix: "use z.iso.datetime() for it",
    });
  }
}

function resource(draft: Draft, faults: Faults): void {
  const { resource: given, sensitive } = draft.fields;
  if (given === undefined) return;
  const where = at(draft.where, "resource");
  wantField(
    {
      where: at(where, "id"),
      written: given.id,
      path: given.id.slice("input.".length),
      schema: draft.input,
      owner: "the workflow's input",
      types: ["string"],
      always: true,
      hidden: sensitive ?? [],
    },
    faults,
  );
  for (const [attribute, source] of Object.entries(given.facts ?? {})) {
    const here = at(where, "facts", attribute);
    if (attribute === "tenant") {
      faults.add("CS-1005", here, {
        value: attribute,
        rule: "is an attribute every resource has already",
        fix: "use another name",
      });
      continue;
    }
    const found = wantSource(draft, source, here, faults);
    // Words of outsiders must not become facts that policies trust. A fixed set of values or a number carries no words.
    if (
      found?.tool?.fields.untrusted === true &&
      scalarOf(found.schema) === "string" &&
      found.schema.enum === undefined
    ) {
      const rule = "is free text from a tool whose output outsiders write";
      faults.add("CS-1018", here, {
        value: source,
        rule,
        fix: "take it from a trusted tool, or give the field z.enum([…])",
      });
    }
  }
}

function crossReferences(draft: Draft, faults: Faults): void {
  const { crossReferences: given, sensitive } = draft.fields;
  for (const [name, source] of Object.entries(given ?? {})) {
    const here = at(draft.where, "crossReferences", name);
    const mine = wantField(
      {
        where: here,
        written: name,
        path: name,
        schema: draft.input,
        owner: "the workflow's input",
        types: ["string", "integer", "boolean"],
        always: true,
        hidden: sensitive ?? [],
      },
      faults,
    );
    if (source.startsWith("input.")) {
      faults.add("CS-1008", here, {
        value: source,
        rule: "compares the input with itself",
        fix: 'use "<tool>.<output field>"',
      });
      continue;
    }
    const theirs = wantSource(draft, source, here, faults);
    if (mine === undefined || theirs === undefined || scalarOf(mine) === scalarOf(theirs.schema)) continue;
    const rule = `(${scalarOf(theirs.schema)}) is of another type than input.${name} (${scalarOf(mine)})`;
    faults.add("CS-1008", here, { value: source, rule, fix: "compare fields of one type" });
  }
}

function plan(draft: Draft, faults: Faults): void {
  const { agent, outcomes } = draft.fields;
  if (agent?.kind !== "plan") return;
  const where = at(draft.where, "agent");
  const known = [...new Set([...(outcomes ?? DEFAULTS.outcomes), "escalated"])];
  if (!known.includes(agent.outcome)) {
    faults.add("CS-1008", at(where, "outcome"), {
      value: agent.outcome,
      rule: "is not an outcome of this contract",
      fix: suggest(agent.outcome, known),
    });
  }
  const before: string[] = [];
  for (const [index, step] of agent.steps.entries()) {
    const here = at(where, "steps", index);
    const tool = wantTool(draft, step.tool, at(here, "tool"), faults);
    if (tool !== undefined) planArgs(draft, tool, step.args, at(here, "args"), before, faults);
    before.push(step.tool);
  }
}

function planArgs(
  draft: Draft,
  tool: DraftTool,
  args: Readonly<Record<string, unknown>>,
  where: ReturnType<typeof at>,
  before: readonly string[],
  faults: Faults,
): void {
  const { input, fields } = tool;
  if (input === undefined) return;
  const names = Object.keys(input.properties ?? {});
  for (const required of input.required ?? []) {
    if (!Object.hasOwn(args, required))
      faults.add("CS-1008", at(where, required), { rule: "is missing", fix: `${fields.name} needs it` });
  }
  for (const [name, value] of Object.entries(args)) {
    const here = at(where, name);
    if (fieldAt(input, name) === undefined) {
      faults.add("CS-1008", here, { rule: `is not a field of the input of ${fields.name}`, fix: suggest(name, names) });
      continue;
    }
    const filled = typeof value === "string" ? [...value.matchAll(/\{([^{}]*)\}/g)] : [];
    for (const [, source = ""] of filled) {
      const called = /^[^.]+\.[^.]+(?=\.)/.exec(source)?.[0];
      if (!source.startsWith("input.") && called !== undefined && !before.includes(called)) {
        faults.add("CS-1017", here, {
          value: `{${source}}`,
          rule: "is not known at this step",
          fix: `call ${called} in an earlier step`,
        });
      } else {
        wantSource(draft, source, here, faults);
      }
    }
    const field = fields.input?.shape[name];
    if (filled.length === 0 && field !== undefined && !accepts(field, value)) {
      faults.add("CS-1008", here, {
        value,
        rule: `does not fit the input of ${fields.name}`,
        fix: "use a value its schema accepts",
      });
    }
  }
}

function accepts(field: z.core.$ZodType, value: unknown): boolean {
  try {
    return z.safeParse(field, value).success;
  } catch {
    return false; // a refinement of the team's own that throws
  }
}
