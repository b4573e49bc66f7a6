/**
 * JSONata as Step Functions runs it: version 2.0.6, `{% … %}` around one expression per string, `$states` and the
 * variables as bindings, no input document.
 */
import jsonata from "jsonata";
import * as z from "zod";
import { type EvaluationServices, registerFunctions, SERVICES_BINDING } from "./functions.js";

/** The variables of one evaluation, `states` among them. */
export type Bindings = Readonly<Record<string, unknown>>;

/** A parsed expression. Safe to share between executions. */
export interface Expression {
  /** the text between the delimiters, trimmed, as AWS quotes it */
  readonly source: string;
  readonly ast: unknown;
  /**
   * The value as plain JSON, undefined for "nothing". Answers at once for a plain path such as `$states.input.order.id`.
   *
   * Throws (or rejects with) `EvaluationError`.
   */
  evaluate(bindings: Bindings, services: EvaluationServices): unknown;
}

/** Why an expression gave no value: the end of AWS's sentence about it. */
export class EvaluationError extends Error {}

const DELIMITED = /^\{%([\s\S]*)%\}$/;

/** The expression in a string of a definition, undefined for a literal. Spaces outside the delimiters make a literal. */
export function expressionSource(text: string): string | undefined {
  return DELIMITED.exec(text)?.[1]?.trim();
}

const cache = new Map<string, Expression>();
const MAX_CACHED = 10_000;

/** Parses an expression (without delimiters), or takes it from the cache. Throws jsonata's error on a syntax error. */
export function compileExpression(source: string): Expression {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const compiled = jsonata(source);
  registerFunctions(compiled);
  const ast: unknown = compiled.ast();
  const path = plainPath(ast);
  const slow = async (bindings: Bindings, services: EvaluationServices): Promise<unknown> => {
    let result: unknown;
    try {
      result = await compiled.evaluate(undefined, { ...bindings, [SERVICES_BINDING]: services });
    } catch (error) {
      throw new EvaluationError(`threw an error during evaluation${describeThrown(error)}`);
    }
    return result === undefined ? undefined : plainJson(result);
  };
  const expression: Expression = {
    source,
    ast,
    evaluate(bindings, services) {
      if (path !== undefined) {
        const found = followPath(path, bindings);
        if (found !== UNSURE) return found;
      }
      return slow(bindings, services);
    },
  };
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(source, expression);
  return expression;
}

const Thrown = z.object({ code: z.string().optional(), message: z.string() });

/** `. T1006: Attempted to invoke a non-function`; an error without a code follows a colon. */
function describeThrown(error: unknown): string {
  const thrown = Thrown.safeParse(error);
  if (!thrown.success) return ": unknown error";
  const { code, message } = thrown.data;
  return code === undefined ? `: ${message}` : `. ${code}: ${message}`;
}

/** A node's own members: jsonata's parser leaves its own (`lbp`, `nud`) on the prototype, where a strict object would find them. */
const own = (node: unknown): unknown =>
  typeof node === "object" && node !== null && !Array.isArray(node) ? { ...node } : node;
const Step = z.preprocess(
  own,
  z.strictObject({ type: z.enum(["variable", "name"]), value: z.string(), position: z.number().optional() }),
);
const PlainPath = z.preprocess(own, z.strictObject({ type: z.literal("path"), steps: z.array(Step).min(1) }));

/** The names of a path without predicates, e.g. `["states", "input", "id"]`: most expressions are one, and need no engine. */
function plainPath(ast: unknown): readonly string[] | undefined {
  const single = Step.safeParse(ast);
  const steps = single.success ? [single.data] : PlainPath.safeParse(ast).data?.steps;
  if (steps === undefined) return undefined;
  const [first, ...rest] = steps;
  if (first?.type !== "variable" || first.value === "" || first.value === "$") return undefined;
  if (rest.some((step) => step.type !== "name")) return undefined;
  return steps.map((step) => step.value);
}

const UNSURE = Symbol("needs the engine");

/** Follows own properties of plain objects. Arrays on the way (JSONata maps over them) and missing names are the engine's. */
function followPath(path: readonly string[], bindings: Bindings): unknown {
  let value: unknown = bindings;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return UNSURE;
    value = Reflect.get(value, name);
  }
  return value === undefined ? UNSURE : value;
}

/**
 * The result without JSONata's marks (sequences, undefined members). Plain parts are shared, not copied.
 *
 * Throws `EvaluationError` for what JSON cannot say: functions, regular expressions, infinite numbers.
 */
export function plainJson(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new EvaluationError("returned an unsupported result type: a number that is not finite");
  }
  if (typeof value === "function") throw new EvaluationError("returned an unsupported result type: a function");
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? plainArray(value) : plainObject(value);
}

function plainArray(value: readonly unknown[]): unknown {
  let changed = Object.hasOwn(value, "sequence") || Object.hasOwn(value, "keepSingleton");
  const items = value.map((item) => {
    const plain = item === undefined ? null : plainJson(item);
    if (plain !== item) changed = true;
    return plain;
  });
  return changed ? items : value;
}

function plainObject(value: object): unknown {
  if (Object.hasOwn(value, "_jsonata_function") || Object.hasOwn(value, "_jsonata_lambda")) {
    throw new EvaluationError("returned an unsupported result type: a function");
  }
  let changed = false;
  const entries: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    const plain = member === undefined ? undefined : plainJson(member);
    if (plain !== member || plain === undefined) changed = true;
    if (plain !== undefined) entries.push([key, plain]);
  }
  return changed ? Object.fromEntries(entries) : value;
}
