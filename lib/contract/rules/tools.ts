/** Rules inside one tool and between tools: effect, names, dependencies, compensation, exposure, titles. */
import type { Draft, DraftTool } from "../draft.js";
import { at, type Faults, show } from "../faults.js";
import { MAX_FUNCTION_MS } from "../shape.js";
import { findTool, wantField, wantTool } from "./fields.js";
import { durationBetween } from "./limits.js";

export function checkTools(draft: Draft, faults: Faults): void {
  uniqueNames(draft, faults);
  for (const tool of draft.tools) {
    effect(tool, faults);
    inputFields(tool, faults);
    exposure(tool, faults);
    title(tool, faults);
    dependencies(draft, tool, faults);
    compensation(draft, tool, faults);
    durationBetween(tool.fields.timeout, at(tool.where, "timeout"), { minMs: 1000, maxMs: MAX_FUNCTION_MS }, faults);
  }
  cycles(draft, faults);
}

function uniqueNames(draft: Draft, faults: Faults): void {
  const seen = new Map<string, string>();
  for (const { fields, where } of draft.tools) {
    if (fields.name === undefined) continue;
    // Functions and log groups are named with a dash for the dot.
    const physical = fields.name.replaceAll(".", "-");
    const first = seen.get(physical);
    if (first === undefined) seen.set(physical, fields.name);
    else
      faults.add("CS-1005", at(where, "name"), {
        value: fields.name,
        rule: `is taken by another tool (${show(first)})`,
        fix: "give each tool its own name",
      });
  }
}

const WRITE_NEEDS = {
  title: 'say in one line what an approver decides on: "Refund {amount_cents:EUR} to {resource}"',
  preview: "give a module that shows what would change, without changing it",
  idempotency: 'say what a repeat after an unknown outcome does: "key", "read-back" or "none"',
  reversibility: 'use "reversible", "compensable" or "irreversible"',
  blastRadius: 'say how far a mistake reaches: "record", "customer", "tenant" or "account"',
  errorDetectability: 'say when a mistake shows: "immediate", "delayed" or "hidden"',
  maturity: 'use "stable-api", "beta-api" or "experimental"',
} as const;
const WRITE_ONLY = [
  "title",
  "preview",
  "idempotency",
  "reversibility",
  "errorDetectability",
  "compensation",
  "exposure",
] as const;

function effect({ fields, where }: DraftTool, faults: Faults): void {
  if (fields.effect === "write") {
    for (const [field, fix] of Object.entries(WRITE_NEEDS)) {
      // A field that was there but wrong has its own fault already.
      if (Object.hasOwn(fields, field) || faults.list.some((fault) => fault.path === at(where, field).path)) continue;
      faults.add("CS-1007", at(where, field), { rule: "is missing, and writes need it", fix });
    }
  }
  if (fields.effect === "read") {
    for (const field of WRITE_ONLY) {
      if (fields[field] === undefined) continue;
      faults.add("CS-1007", at(where, field), {
        value: fields[field],
        rule: "means nothing for a read",
        fix: 'remove it, or set effect to "write"',
      });
    }
  }
}

function inputFields({ fields, where, input }: DraftTool, faults: Faults): void {
  const hidden = fields.sensitive?.input ?? [];
  const owner = "the tool's input";
  const common = { schema: input, owner, types: ["string"], always: true, hidden } as const;
  for (const field of ["destination", "resource"] as const) {
    const name = fields[field];
    if (name !== undefined) wantField({ ...common, where: at(where, field), written: name, path: name }, faults);
  }
  for (const [index, path] of (fields.outbound ?? []).entries()) {
    // May be sensitive: that is what the outbound check looks for.
    wantField(
      { schema: input, owner, where: at(where, "outbound", index), written: path, path, types: ["string"] },
      faults,
    );
  }
}

function exposure({ fields, where, input }: DraftTool, faults: Faults): void {
  if (fields.exposure === undefined) return;
  const { amount, per } = fields.exposure;
  const here = at(where, "exposure", "amount");
  const hidden = fields.sensitive?.input ?? [];
  const schema = wantField(
    {
      where: here,
      written: amount,
      path: amount,
      schema: input,
      owner: "the tool's input",
      types: ["integer"],
      always: true,
      hidden,
    },
    faults,
  );
  if (schema !== undefined && !((schema.minimum ?? -1) >= 0 || (schema.exclusiveMinimum ?? -1) >= 0)) {
    const rule = "can be negative, and a negative amount would lower the sum it should raise";
    faults.add("CS-1019", here, { value: amount, rule, fix: "use z.int().positive()" });
  }
  if (new Set(per).size < per.length) {
    faults.add("CS-1008", at(where, "exposure", "per"), {
      value: per,
      rule: "names a sum twice",
      fix: "name each once",
    });
  }
}

/** Placeholders of a title: `{field}`, `{field:EUR}`, `{resource}`. */
export function placeholders(
  title: string,
): readonly { readonly field: string; readonly currency?: string }[] | undefined {
  const rest = title.replace(/\{[A-Za-z][\w.]*(:[A-Z]{3})?\}/g, "");
  if (/[{}]/.test(rest)) return undefined;
  return [...title.matchAll(/\{([A-Za-z][\w.]*)(?::([A-Z]{3}))?\}/g)].map(([, field = "", currency]) =>
    currency === undefined ? { field } : { field, currency },
  );
}

function title({ fields, where, input }: DraftTool, faults: Faults): void {
  if (fields.title === undefined) return;
  const here = at(where, "title");
  const found = placeholders(fields.title);
  if (found === undefined) {
    faults.add("CS-1017", here, {
      value: fields.title,
      rule: "has an odd placeholder",
      fix: "use {field}, {field:EUR} or {resource}",
    });
    return;
  }
  const hidden = fields.sensitive?.input ?? [];
  for (const { field, currency } of found) {
    if (field === "resource" && currency === undefined) continue;
    const types = currency === undefined ? (["string", "integer", "boolean"] as const) : (["integer"] as const);
    wantField(
      { where: here, written: `{${field}}`, path: field, schema: input, owner: "the tool's input", types, hidden },
      faults,
    );
  }
}

function dependencies(draft: Draft, { fields, where, input }: DraftTool, faults: Faults): void {
  const hidden = fields.sensitive?.input ?? [];
  for (const [index, { tool: name, same }] of (fields.requires ?? []).entries()) {
    const here = at(where, "requires", index);
    const other = wantTool(draft, name, at(here, "tool"), faults);
    if (other === undefined) continue;
    for (const [position, field] of (same ?? []).entries()) {
      const place = {
        where: at(here, "same", position),
        written: field,
        path: field,
        types: ["string", "integer", "boolean"],
        always: true,
      } as const;
      const mine = wantField({ ...place, schema: input, owner: "the tool's input", hidden }, faults);
      if (mine === undefined) continue;
      wantField(
        { ...place, schema: other.input, owner: `the input of ${name}`, hidden: other.fields.sensitive?.input ?? [] },
        faults,
      );
    }
  }
}

function compensation(draft: Draft, { fields, where }: DraftTool, faults: Faults): void {
  const here = at(where, "compensation");
  const name = fields.compensation;
  if (fields.reversibility === "compensable" && name === undefined) {
    faults.add("CS-1007", here, {
      rule: "is missing, and compensable writes need it",
      fix: "name the tool of this contract that undoes this one",
    });
  }
  if (name === undefined || fields.effect !== "write") return;
  if (fields.reversibility !== undefined && fields.reversibility !== "compensable") {
    faults.add("CS-1007", here, {
      value: name,
      rule: `means nothing for a write that is ${fields.reversibility}`,
      fix: 'remove it, or set reversibility to "compensable"',
    });
    return;
  }
  const other = wantTool(draft, name, here, faults);
  if (other === undefined) return;
  // The tool itself is fine: a second message can set the first one right.
  if (other.fields.effect === "read") {
    faults.add("CS-1008", here, {
      value: name,
      rule: "is a read, which undoes nothing",
      fix: "name a tool that writes",
    });
  }
}

/** Tools that wait for one another would never run. */
function cycles(draft: Draft, faults: Faults): void {
  const needs = (name: string) => (findTool(draft, name)?.fields.requires ?? []).map((required) => required.tool);
  const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
    needs(from).some((next) => {
      if (next === goal) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, goal, seen);
    });
  for (const { fields, where } of draft.tools) {
    if (fields.name === undefined || !reaches(fields.name, fields.name, new Set())) continue;
    faults.add("CS-1008", at(where, "requires"), {
      value: fields.name,
      rule: "requires itself, directly or through others",
      fix: "break the circle",
    });
  }
}
