/**
 * From each grant of a role: calls that it allows, and the calls one step beside it. A step is another action, another resource,
 * or a condition that does not hold; nothing else of the call differs, so a refusal can have that one reason only.
 */
import * as z from "zod";
import type { AccessQuestion, PolicyDocument } from "../../lib/local/types.js";
import { ACTIONS, WITHOUT_RESOURCE } from "./isolation-actions.js";

export type Call = Pick<AccessQuestion, "action" | "resource" | "context">;
export interface Wider {
  readonly kind: "action" | "resource" | "condition";
  readonly call: Call;
  /** the condition key that does not hold */
  readonly key?: string;
}
/** One action on one resource pattern, of one statement. */
export interface Grant {
  readonly sid: string;
  readonly action: string;
  readonly resource: string;
  readonly conditions: readonly Condition[];
}
interface Condition {
  readonly operator: keyof typeof OPERATORS;
  readonly key: string;
  readonly values: readonly string[];
}

/** Operators whose neighbours are known; whether the key takes several values. */
const OPERATORS = { StringEquals: false, "ForAllValues:StringLike": true, Null: false } as const;
const texts = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((value) => (typeof value === "string" ? [value] : value));
const statement = z.strictObject({
  Sid: z.string(),
  Effect: z.literal("Allow"),
  Action: texts,
  Resource: texts,
  Condition: z
    .partialRecord(z.enum(["StringEquals", "ForAllValues:StringLike", "Null"]), z.record(z.string(), texts))
    .default({}),
});
const document = z.object({ Statement: z.union([statement, z.array(statement)]).transform((value) => [value].flat()) });

/** @throws for every statement, action, resource or condition whose neighbours it does not know: then nothing is shown of it */
export function grantsOf(policies: readonly PolicyDocument[]): Grant[] {
  return policies
    .flatMap((policy) => document.parse(policy).Statement)
    .flatMap(({ Sid: sid, Action, Resource, Condition }) => {
      const conditions = Object.entries(Condition).flatMap(([name, keys]) => {
        const operator = z.enum(["StringEquals", "ForAllValues:StringLike", "Null"]).parse(name);
        return Object.entries(keys).map(([key, values]) => ({ operator, key, values }));
      });
      return Action.flatMap((action) => Resource.map((resource) => known({ sid, action, resource, conditions })));
    });
}

function known(grant: Grant): Grant {
  const [service = "", name = ""] = grant.action.split(":");
  if (ACTIONS[service]?.includes(name) !== true)
    throw new Error(`${grant.sid}: no neighbours are known of the action ${grant.action}`);
  if ((grant.resource === "*") !== WITHOUT_RESOURCE.has(grant.action))
    throw new Error(`${grant.sid}: ${grant.action} on ${grant.resource}`);
  for (const { operator, key, values } of grant.conditions) {
    if (operator === "Null" && values.join() !== "false") throw new Error(`${grant.sid}: Null ${key} ${values.join()}`);
  }
  return grant;
}

/** Text that the pattern matches. */
export const sample = (pattern: string): string => pattern.replaceAll("*", "x1").replaceAll("?", "A");
const globs = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "s",
  ).test(text);

/** Every call that the grant was made for: one for each value that its conditions allow. */
export function granted({ action, resource, conditions }: Grant): Call[] {
  const base = Object.fromEntries(conditions.map((condition) => [condition.key, contextValue(condition, conditions)]));
  const variants = conditions.flatMap(({ operator, key, values }) =>
    operator === "Null"
      ? []
      : values.map((value) => ({ ...base, [key]: OPERATORS[operator] ? [sample(value)] : value })),
  );
  return (variants.length === 0 ? [base] : variants).map((context) => ({
    action,
    resource: sample(resource),
    context,
  }));
}

function contextValue(condition: Condition, all: readonly Condition[]): string | readonly string[] {
  const bounded = all.find(({ operator, key }) => operator !== "Null" && key === condition.key) ?? condition;
  const value = bounded.operator === "Null" ? "x1" : sample(bounded.values[0] ?? "");
  return OPERATORS[bounded.operator] ? [value] : value;
}

/**
 * @param own every grant of the same role: a neighbour that another of them allows is no step outside
 * @param others every grant of every role: real names to try, beside made-up ones
 */
export function widerThan(grant: Grant, own: readonly Grant[], others: readonly Grant[]): Wider[] {
  const [call] = granted(grant);
  if (call === undefined) return [];
  const actions = neighbours(grant.action).filter(
    (action) => !own.some((one) => one.action === action && globs(one.resource, call.resource)),
  );
  const sameAction = own.filter(({ action }) => action === grant.action);
  const service = grant.action.split(":")[0] ?? "";
  const resources =
    grant.resource === "*"
      ? []
      : [
          ...beside(grant.resource),
          ...others.filter(({ action }) => action.startsWith(`${service}:`)).map(({ resource }) => sample(resource)),
        ].filter((resource) => !sameAction.some((one) => globs(one.resource, resource)));
  return [
    ...actions.map((action): Wider => ({ kind: "action", call: { ...call, action } })),
    ...[...new Set(resources)].map((resource): Wider => ({ kind: "resource", call: { ...call, resource } })),
    ...grant.conditions.flatMap((condition) => unmet(condition, call, sameAction, others)),
  ];
}

function neighbours(action: string): string[] {
  const [service = ""] = action.split(":");
  return (ACTIONS[service] ?? []).map((name) => `${service}:${name}`).filter((name) => name !== action);
}

/** Texts just outside a pattern: each of its fixed parts changed at either end, and a fixed end made shorter and longer. */
export function beside(pattern: string): string[] {
  const ends = /[*?]$/.test(pattern)
    ? []
    : [`${sample(pattern)}2`, `${sample(pattern)}/x1`, sample(pattern).slice(0, -1)];
  // What stands before the name (`arn:aws:dynamodb:<region>:<account>:`) says whose it is; that is another question.
  const from = pattern.startsWith("arn:") ? pattern.split(":").slice(0, 5).join(":").length + 1 : 0;
  const runs = [...pattern.matchAll(/[^*?]+/g)]
    .flatMap(({ 0: text, index }) => [index, index + text.length - 1])
    .map((at) => Math.max(at, from));
  const changed = [...new Set(runs)].map(
    (at) => `${sample(pattern.slice(0, at))}${pattern[at] === "~" ? "!" : "~"}${sample(pattern.slice(at + 1))}`,
  );
  return [...ends, ...changed];
}

function unmet(
  { operator, key, values }: Condition,
  call: Call,
  sameAction: readonly Grant[],
  others: readonly Grant[],
): Wider[] {
  const { [key]: _own, ...without } = call.context ?? {};
  const wider = (context: Call["context"]): Wider => ({
    kind: "condition",
    key,
    call: { ...call, context: context ?? {} },
  });
  if (operator === "Null") return [wider(without)];
  const elsewhere = others.flatMap(({ conditions }) =>
    conditions.filter((one) => one.key === key && one.operator === operator).flatMap((one) => one.values.map(sample)),
  );
  const allowed = sameAction
    .filter((one) => globs(one.resource, call.resource))
    .flatMap(({ conditions }) =>
      conditions.filter((one) => one.key === key && one.operator !== "Null").flatMap((one) => one.values),
    );
  const foreign = [...new Set([...values.flatMap(beside), ...elsewhere, ""])].filter(
    (value) => !allowed.some((pattern) => globs(pattern, value)),
  );
  if (!OPERATORS[operator]) return [wider(without), ...foreign.map((value) => wider({ ...without, [key]: value }))];
  const own = sample(values[0] ?? "");
  const sets = foreign.flatMap((value) => [[value], [own, value]]).map((value) => wider({ ...without, [key]: value }));
  // A set operator holds of a request without the key: a statement needs a line against that.
  return [wider(without), ...sets];
}

/** The same grant, wider by just this step: what a slip in a construct would make of it. */
export function widened({ sid, action, resource, conditions }: Grant, { kind, call, key }: Wider): PolicyDocument {
  const kept = conditions.filter((condition) => kind !== "condition" || condition.key !== key);
  const Condition: Record<string, Record<string, readonly string[]>> = {};
  for (const { operator, key: name, values } of kept) Condition[operator] = { ...Condition[operator], [name]: values };
  const statement = {
    Sid: sid,
    Effect: "Allow" as const,
    Action: kind === "action" ? call.action : action,
    Resource: kind === "resource" ? call.resource : resource,
    Condition,
  };
  return { Version: "2012-10-17", Statement: [statement] };
}
