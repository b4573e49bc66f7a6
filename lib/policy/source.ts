/** From `policies/*.cedar` and the generated guardrails to one policy set with one hash. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { policySetTextToParts, policyToJson, templateToJson } from "@cedar-policy/cedar-wasm/nodejs";
import { sha256Jcs } from "../contract/hash.js";
import type { Contract } from "../contract/model.js";
import { type CedarSchema, cedarSchema } from "./cedar-schema.js";
import { guardrails } from "./guardrails.js";
import { nestingFault } from "./nesting.js";

/** One policy as a team wrote it, or the whole text of a file that does not parse (`checkPolicies` says why). */
export interface PolicySource {
  /** `@id`; "" when there is none */
  readonly id: string;
  readonly text: string;
  /** absolute */
  readonly file: string;
  /** where the text begins, from 1 */
  readonly line: number;
  /** `@reason` */
  readonly reason?: string;
}

export interface SetPolicy {
  readonly id: string;
  readonly text: string;
  /** a sentence for the person who is asked; `policy <id>` when the team wrote none */
  readonly reason: string;
  readonly source: "team" | "guardrail";
  readonly file?: string;
  readonly line?: number;
}

export interface PolicySet {
  /** the team's in file order, then the guardrails */
  readonly policies: readonly SetPolicy[];
  readonly schema: CedarSchema;
  /** hex SHA-256 of the schema and every policy's id and text, in any order */
  readonly hash: string;
}

/** Every policy in the `.cedar` files of a folder, in order of file name and place. None when the folder does not exist. */
export function loadPolicies(folder: string): readonly PolicySource[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".cedar"))
    .sort()
    .flatMap((name) => splitPolicies(readFileSync(join(folder, name), "utf8"), resolve(folder, name)));
}

export function splitPolicies(text: string, file: string): readonly PolicySource[] {
  // Lint says why.
  if (nestingFault(text) !== undefined) return [{ id: "", text, file, line: 1 }];
  const parts = policySetTextToParts(text);
  if (parts.type === "failure") return [{ id: "", text, file, line: 1 }];
  const blank = withoutComments(text);
  const taken: number[] = [];
  return [...parts.policies, ...parts.policy_templates]
    .map((part) => {
      // The parts come without places, sorted by number as text; comments may hold copies of policies.
      const wanted = withoutComments(part);
      let from = blank.indexOf(wanted);
      while (from !== -1 && taken.includes(from)) from = blank.indexOf(wanted, from + 1);
      taken.push(from);
      return { part, from: Math.max(from, 0) };
    })
    .sort((a, b) => a.from - b.from)
    .map(({ part, from }) => {
      const { id, reason } = annotationsOf(part);
      const line = text.slice(0, from).split("\n").length;
      return { id: id ?? "", text: part, file, line, ...(reason ? { reason } : {}) };
    });
}

/** Replaces comments by as many spaces. */
function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*/g, (found) =>
    found.startsWith("/") ? " ".repeat(found.length) : found,
  );
}

function annotationsOf(part: string): { readonly id?: string | undefined; readonly reason?: string | undefined } {
  const policy = policyToJson(part);
  const parsed = policy.type === "success" ? policy : templateToJson(part);
  const found = parsed.type === "success" ? (parsed.json.annotations ?? {}) : {};
  // An annotation without a value is null here, whatever the types say.
  return { id: found.id ?? undefined, reason: found.reason ?? undefined };
}

/** The whole set: what is deployed, hashed, shown and judged by. */
export function policySet(contract: Contract, sources: readonly PolicySource[]): PolicySet {
  const team = sources.map(
    ({ id, text, reason, file, line }): SetPolicy => ({
      id,
      text,
      reason: reason ?? `policy ${id}`,
      source: "team",
      file,
      line,
    }),
  );
  const generated = guardrails(contract).map((rule): SetPolicy => ({ ...rule, source: "guardrail" }));
  const policies = [...team, ...generated];
  const schema = cedarSchema(contract);
  const hashed = policies
    .map(({ id, text }) => ({ id, text }))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.text < b.text ? -1 : 1));
  return { policies, schema, hash: sha256Jcs({ policies: hashed, schema }) };
}
