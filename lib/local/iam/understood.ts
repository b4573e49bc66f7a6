/** What the check does not understand of a policy, told when the policy is loaded: later it would only deny, and nobody would know why. */
import type { PolicyDocument, PolicyStatement } from "../types.js";
import { isRecord } from "./conditions.js";
import { isKey, type RequestKeys } from "./keys.js";
import { OPERATORS } from "./operators.js";
import type { PolicyKind } from "./statement.js";
import { template } from "./variables.js";

export interface PolicyFault {
  /** from the document down, e.g. `["Statement", 0, "Condition", "StringResembles"]` */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function policyFaults(document: PolicyDocument, kind: PolicyKind): PolicyFault[] {
  const faults: PolicyFault[] = [];
  const { Version: version, Statement: statements } = document;
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17")
    faults.push({ path: ["Version"], message: `${version} is no policy version; use 2012-10-17` });
  const list: readonly PolicyStatement[] = "Effect" in statements ? [statements] : statements;
  const variables = version === "2012-10-17";
  for (const [index, statement] of list.entries()) {
    const at = "Effect" in statements ? ["Statement"] : ["Statement", index];
    for (const { path, message } of statementFaults(statement, kind, variables))
      faults.push({ path: [...at, ...path], message });
  }
  return faults;
}

function statementFaults(statement: PolicyStatement, kind: PolicyKind, variables: boolean): PolicyFault[] {
  const { Condition: condition = {} } = statement;
  return [
    ...oneOf(statement, "Action", "NotAction"),
    ...(kind === "trust" && statement.Resource === undefined && statement.NotResource === undefined
      ? []
      : oneOf(statement, "Resource", "NotResource")),
    ...textFaults(statement, variables),
    ...principalFaults(statement, kind),
    ...Object.entries(condition).flatMap(([operator, keys]) => conditionFaults(operator, keys, variables)),
  ];
}

function oneOf(statement: PolicyStatement, name: "Action" | "Resource", negation: "NotAction" | "NotResource") {
  const given = [statement[name], statement[negation]].filter((value) => value !== undefined);
  const [only] = given;
  if (given.length === 1 && only?.length !== 0) return [];
  return [{ path: [name], message: `needs exactly one of ${name} and ${negation}, with at least one value` }];
}

/** Every key has a value: then only what is malformed cannot be read. */
const ANY_KEYS: RequestKeys = { read: () => ({ kind: "value", values: ["x"], multivalued: false }) };
const isReadable = (text: string, variables: boolean): boolean =>
  template(text, { variables, wildcards: true }).expand(ANY_KEYS) !== undefined;

function textFaults(statement: PolicyStatement, variables: boolean): PolicyFault[] {
  return (["Resource", "NotResource"] as const).flatMap((name) =>
    listOf(statement[name])
      .filter((text) => typeof text === "string" && !isReadable(text, variables))
      .map((text) => ({ path: [name], message: `${String(text)} has a policy variable that is not understood` })),
  );
}

function principalFaults(statement: PolicyStatement, kind: PolicyKind): PolicyFault[] {
  const { Principal: principal, NotPrincipal: notPrincipal } = statement;
  const named = [principal, notPrincipal].filter((value) => value !== undefined);
  if (kind === "identity")
    return named.length === 0 ? [] : [{ path: ["Principal"], message: "an identity policy names no principal" }];
  if (named.length !== 1) return [{ path: ["Principal"], message: "needs exactly one of Principal and NotPrincipal" }];
  const name = principal === undefined ? "NotPrincipal" : "Principal";
  const [given] = named;
  if (given === "*") return [];
  if (!isRecord(given) || Object.keys(given).length === 0)
    return [{ path: [name], message: 'is neither "*" nor a map of AWS and Service' }];
  return Object.entries(given).flatMap(([key, value]) =>
    listOf(value)
      .filter((text) => !isPrincipal(key, text))
      .map((text) => ({
        path: [name, key],
        message: `${JSON.stringify(text)} is not understood; name accounts, ARNs or services`,
      })),
  );
}

function isPrincipal(kind: string, name: unknown): boolean {
  if (typeof name !== "string") return false;
  if (kind === "Service") return /^[a-z0-9.-]+$/.test(name);
  if (kind !== "AWS") return false;
  return name === "*" || /^\d{12}$/.test(name) || (name.startsWith("arn:") && !/[*?]|\$\{/.test(name));
}

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

function conditionFaults(name: string, keys: Readonly<Record<string, unknown>>, variables: boolean): PolicyFault[] {
  const [, quantifier, base = "", ifExists] = OPERATOR.exec(name) ?? [];
  const isNull = base === "Null" && quantifier === undefined && ifExists === undefined;
  const operator = OPERATORS.get(base);
  if (operator === undefined && !isNull)
    return [{ path: ["Condition", name], message: "is a condition operator that is not understood" }];
  return Object.entries(keys).flatMap(([key, raw]) => {
    const path = ["Condition", name, key];
    if (!isKey(key)) return [{ path, message: "is no condition key of AWS" }];
    const values = listOf(raw);
    if (values.length === 0) return [{ path, message: "has no value" }];
    return values
      .filter((value) => !isValue(value, operator, variables))
      .map((value) => ({ path, message: `${JSON.stringify(value)} is no value for ${name}` }));
  });
}

function isValue(value: unknown, operator: ReturnType<typeof OPERATORS.get>, variables: boolean): boolean {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return false;
  const text = String(value);
  if (operator === undefined) return /^(?:true|false)$/i.test(text);
  if (!isReadable(text, variables)) return false;
  return operator.kind === "text" || operator.compile(text, variables)(text, ANY_KEYS) !== "unknown";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
