import type { Caller } from "../types.js";
import { compileConditions, isRecord } from "./conditions.js";
import type { RequestKeys } from "./keys.js";
import { glob, matches, matchesArn } from "./pattern.js";
import { matchPrincipal, notPrincipalApplies, type PrincipalMatch } from "./principals.js";
import { and, not, or, type Truth, truth } from "./truth.js";
import { template } from "./variables.js";

/** What a statement is asked about. */
export interface Request {
  readonly caller: Caller;
  readonly action: string;
  readonly resource: string;
  readonly keys: RequestKeys;
}

/** Whose policy the statement belongs to. A trust policy has no Resource: it speaks of its role. */
export type PolicyKind = "identity" | "resource" | "trust";

export interface Statement {
  readonly effect: "Allow" | "Deny";
  /** action, resource, condition and everything else but the principal */
  applies(request: Request): Truth;
  /** whom the statement speaks of; an identity policy speaks of its holder */
  names(caller: Caller): PrincipalMatch;
}

const HOLDER: PrincipalMatch = { direct: "yes", account: "no" };
const ELEMENTS = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];
const VERSIONS = ["2012-10-17", "2008-10-17"];

/** Reads a policy document without trusting its shape: what is wrong in it becomes `unknown`. */
export function compilePolicy(document: unknown, kind: PolicyKind): readonly Statement[] {
  if (!isRecord(document)) return [compileStatement(undefined, kind, { variables: false, understood: false })];
  const version = document.Version;
  const understood =
    Object.keys(document).every((key) => ["Version", "Id", "Statement"].includes(key)) &&
    (version === undefined || VERSIONS.some((known) => known === version));
  const statements = listOf(document.Statement);
  return statements.map((raw) => compileStatement(raw, kind, { variables: version === "2012-10-17", understood }));
}

interface Reading {
  readonly variables: boolean;
  readonly understood: boolean;
}

function compileStatement(raw: unknown, kind: PolicyKind, reading: Reading): Statement {
  // Nothing readable: a Deny of everything, for everyone.
  if (!isRecord(raw)) return { effect: "Deny", applies: () => "unknown", names: () => HOLDER };
  const effect = raw.Effect === "Allow" ? "Allow" : "Deny";
  const readable =
    reading.understood && raw.Effect === effect && Object.keys(raw).every((key) => ELEMENTS.includes(key));
  const action = compileActions(raw);
  const resource = compileResources(raw, kind, reading.variables);
  const condition = compileConditions(raw.Condition, reading.variables);
  return {
    effect,
    applies(request) {
      const asked = action(request);
      if (asked === "no") return "no";
      return and(asked, resource(request), condition(request.keys), readable ? "yes" : "unknown");
    },
    names: compilePrincipal(raw, kind, effect),
  };
}

function compileActions(raw: Readonly<Record<string, unknown>>): (request: Request) => Truth {
  const patterns = oneOf(raw, "Action", "NotAction", (text) => glob(text.toLowerCase()));
  if (patterns === undefined) return () => "unknown";
  return ({ action }) => {
    const found = truth(patterns.items.some((pattern) => matches(pattern, action.toLowerCase())));
    return patterns.negated ? not(found) : found;
  };
}

function compileResources(raw: Readonly<Record<string, unknown>>, kind: PolicyKind, variables: boolean) {
  if (kind === "trust" && raw.Resource === undefined && raw.NotResource === undefined) return (): Truth => "yes";
  const templates = oneOf(raw, "Resource", "NotResource", (text) => template(text, { variables, wildcards: true }));
  if (templates === undefined) return (): Truth => "unknown";
  return ({ resource, keys }: Request): Truth => {
    const found = templates.items.map((wanted) => {
      const pattern = wanted.expand(keys);
      return pattern === undefined ? "unknown" : matchesArn(pattern, resource);
    });
    return templates.negated ? not(or(...found)) : or(...found);
  };
}

function compilePrincipal(raw: Readonly<Record<string, unknown>>, kind: PolicyKind, effect: "Allow" | "Deny") {
  const { Principal: principal, NotPrincipal: notPrincipal } = raw;
  const unknown: PrincipalMatch = { direct: "unknown", account: "unknown" };
  if (kind === "identity") return () => (principal === undefined && notPrincipal === undefined ? HOLDER : unknown);
  if ((principal === undefined) === (notPrincipal === undefined)) return () => unknown;
  if (principal !== undefined) return (caller: Caller) => matchPrincipal(principal, caller);
  return (caller: Caller): PrincipalMatch => ({
    direct: notPrincipalApplies(notPrincipal, caller, effect),
    account: "no",
  });
}

/** Exactly one of an element and its negation, as a list of texts; undefined for anything else. */
function oneOf<T>(raw: Readonly<Record<string, unknown>>, name: string, negation: string, read: (text: string) => T) {
  const negated = raw[name] === undefined;
  if (!negated && raw[negation] !== undefined) return undefined;
  const list = listOf(negated ? raw[negation] : raw[name]);
  const texts = list.filter((text) => typeof text === "string");
  return list.length === 0 || texts.length !== list.length ? undefined : { negated, items: texts.map(read) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
