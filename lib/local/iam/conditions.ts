import type { KeyValue, RequestKeys } from "./keys.js";
import { OPERATORS, type Operator } from "./operators.js";
import { and, not, or, type Truth, truth } from "./truth.js";

/** One `operator → key → values` line of a Condition element. */
export type Condition = (keys: RequestKeys) => Truth;

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/** @param block the Condition element; whatever is not understood in it yields `unknown` */
export function compileConditions(block: unknown, variables: boolean): Condition {
  if (block === undefined) return () => "yes";
  if (!isRecord(block)) return () => "unknown";
  const lines = Object.entries(block).flatMap(([operator, keys]) =>
    isRecord(keys)
      ? Object.entries(keys).map(([key, values]) => compileLine(operator, key, values, variables))
      : [() => "unknown" as const],
  );
  return (keys) => and(...lines.map((line) => line(keys)));
}

function compileLine(name: string, key: string, rawValues: unknown, variables: boolean): Condition {
  const [, quantifier, base, ifExists] = OPERATOR.exec(name) ?? [];
  const values = policyValues(rawValues);
  if (base === undefined || values === undefined) return () => "unknown";
  if (base === "Null") {
    return quantifier === undefined && ifExists === undefined ? nullCondition(key, values) : () => "unknown";
  }
  const operator = OPERATORS.get(base);
  if (operator === undefined) return () => "unknown";
  const tests = values.map((value) => operator.compile(value, variables));
  const testOne = (value: string, keys: RequestKeys): Truth => {
    const any = or(...tests.map((test) => test(value, keys)));
    return operator.negated ? not(any) : any;
  };
  return (keys) => {
    const found = keys.read(key);
    if (found.kind === "unmodelled") return "unknown";
    if (found.kind === "absent") return whenAbsent(operator, quantifier, ifExists !== undefined);
    return overValues(found, quantifier, (value) => testOne(value, keys));
  };
}

function whenAbsent(operator: Operator, quantifier: string | undefined, ifExists: boolean): Truth {
  if (ifExists || quantifier === "ForAllValues") return "yes";
  if (quantifier === "ForAnyValue") return "no";
  return truth(operator.negated);
}

function overValues(
  found: Extract<KeyValue, { kind: "value" }>,
  quantifier: string | undefined,
  test: (value: string) => Truth,
): Truth {
  const results = found.values.map(test);
  if (quantifier === "ForAllValues") return and(...results);
  if (quantifier === "ForAnyValue") return or(...results);
  // AWS leaves the meaning of several values without a set operator open.
  return results.length === 1 ? (results[0] ?? "unknown") : "unknown";
}

function nullCondition(key: string, values: readonly string[]): Condition {
  const wanted = values.map((value) => value.toLowerCase());
  if (!wanted.every((value) => value === "true" || value === "false")) return () => "unknown";
  return (keys) => {
    const found = keys.read(key);
    if (found.kind === "unmodelled") return "unknown";
    const absent = String(found.kind === "absent");
    return truth(wanted.some((value) => value === absent));
  };
}

function policyValues(raw: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  const values = list.flatMap((value) =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? [String(value)] : [],
  );
  return values.length === list.length && values.length > 0 ? values : undefined;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
