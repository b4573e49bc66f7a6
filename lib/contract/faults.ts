/** Collecting and rendering what is wrong: one `Fault` per mistake, each with path, value, rule, fix and file. */
import { relative } from "node:path";
import type * as z from "zod";
import type { ContractErrorCode } from "../errors/contract.js";
import type { Fault } from "./model.js";

/** Where in a contract, and in which file. */
export interface Where {
  /** `contract.tools[2]` */
  readonly path: string;
  /** absolute */
  readonly file: string;
}

/** `at(tool, "requires", 0)` → `contract.tools[2].requires[0]`, same file. */
export function at(where: Where, ...keys: readonly PropertyKey[]): Where {
  const path = keys.reduce<string>((before, key) => {
    if (typeof key === "number") return `${before}[${key}]`;
    const name = String(key);
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `${before}.${name}` : `${before}[${JSON.stringify(name)}]`;
  }, where.path);
  return { path, file: where.file };
}

export interface Told {
  readonly value?: unknown;
  /** what is wrong, as the rest of a sentence that begins with the value: `is not a host name` */
  readonly rule: string;
  /** what to do, as an imperative */
  readonly fix: string;
}

export class Faults {
  readonly list: Fault[] = [];
  add(code: ContractErrorCode, where: Where, told: Told): void {
    const value = Object.hasOwn(told, "value") ? show(told.value) : "";
    this.list.push({ code, path: where.path, rule: told.rule, value, fix: told.fix, file: where.file });
  }
}

const WARNINGS: readonly string[] = ["CS-1027", "CS-1119"];

/** Whether nothing is refused for it. */
export const isWarning = (fault: Pick<Fault, "code">): boolean => WARNINGS.includes(fault.code);

/**
 * `contract.tools[2].idempotency: "keys" is not allowed; use "key", "read-back" or "none" (workflows/…/stripe.ts)`. The file
 * is relative to `root` and left out when the path already names it.
 */
export function renderFault(fault: Fault, root: string = process.cwd()): string {
  const subject = fault.value === "" ? fault.rule : `${fault.value} ${fault.rule}`;
  const line = `${fault.path}: ${subject}; ${fault.fix}`;
  if (fault.file === "" || fault.path.includes(".cedar")) return line;
  const shown = relative(root, fault.file);
  return `${line} (${shown.startsWith("..") ? fault.file : shown})`;
}

/** A value as written, on one line and short. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  let text: string;
  try {
    text = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? typeof value);
  } catch {
    text = "an object that is not JSON";
  }
  if (text.length <= 60) return text;
  return `${text.slice(0, 56)}…${text.startsWith('"') ? '"' : ""}`;
}

/** `"key", "read-back" or "none"` */
export function oneOf(values: readonly string[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  const last = quoted.pop();
  return quoted.length === 0 ? String(last) : `${quoted.join(", ")} or ${last}`;
}

/** `; did you mean "purpose"?` as a fix: the nearest allowed name if one is near, else all of them. */
export function suggest(name: string, allowed: readonly string[], otherwise = "remove it"): string {
  const ranked = allowed.map((other) => ({ other, far: distance(name, other) })).sort((a, b) => a.far - b.far);
  const near = ranked[0];
  if (near !== undefined && near.far <= Math.max(2, Math.floor(name.length / 3)))
    return `did you mean "${near.other}"?`;
  return allowed.length === 0 ? otherwise : `use ${oneOf(allowed.slice(0, 24))}`;
}

/** Levenshtein distance, on the first 64 characters. */
function distance(from: string, to: string): number {
  const [a, b] = [from.slice(0, 64), to.slice(0, 64)];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * One fault per issue of a failed zod parse. The schemas of shape.ts give every leaf its fix as the error message; for a strict
 * object the message lists its fields.
 */
export function addIssues(faults: Faults, issues: readonly z.core.$ZodIssue[], raw: unknown, where: Where): void {
  for (const issue of issues) {
    const here = at(where, ...issue.path);
    if (issue.code === "unrecognized_keys") {
      const allowed = issue.message.split(",");
      for (const key of issue.keys) {
        faults.add("CS-1002", at(here, key), { rule: "is not a field of a contract", fix: suggest(key, allowed) });
      }
      continue;
    }
    const value = valueAt(raw, issue.path);
    if (value === undefined) faults.add("CS-1003", here, { rule: "is missing", fix: issue.message });
    else faults.add("CS-1004", here, { value, rule: ruleOf(issue), fix: issue.message });
  }
}

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small")
    return issue.origin === "string" || issue.origin === "array" ? "is too short" : "is too small";
  if (issue.code === "too_big")
    return issue.origin === "string" || issue.origin === "array" ? "is too long" : "is too large";
  return "is not allowed";
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined,
    raw,
  );
}
