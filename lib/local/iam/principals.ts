import type { Caller } from "../types.js";
import { isRecord } from "./conditions.js";
import { and, not, or, type Truth, truth } from "./truth.js";

/**
 * How a Principal element names the caller. `direct`: itself (or everyone); `account`: only its account, which hands the
 * decision over to identity policies.
 */
export interface PrincipalMatch {
  readonly direct: Truth;
  readonly account: Truth;
}

const NOBODY: PrincipalMatch = { direct: "no", account: "no" };
const UNKNOWN: PrincipalMatch = { direct: "unknown", account: "unknown" };

/** @param principal the element's value: `"*"` or `{AWS, Service, …}` */
export function matchPrincipal(principal: unknown, caller: Caller): PrincipalMatch {
  if (principal === "*") return { direct: "yes", account: "no" };
  if (!isRecord(principal)) return UNKNOWN;
  const entries = Object.entries(principal).flatMap(([kind, value]) => listOf(value).map((name) => ({ kind, name })));
  if (entries.length === 0) return UNKNOWN;
  return entries.map(({ kind, name }) => matchEntry(kind, name, caller)).reduce(either, NOBODY);
}

/**
 * Whether NotPrincipal leaves the caller out. AWS excepts a role session from a Deny only if session, role and account are
 * all named; for an Allow, being named in any of these ways is enough to be left out.
 */
export function notPrincipalApplies(principal: unknown, caller: Caller, effect: "Allow" | "Deny"): Truth {
  const found = matchPrincipal(principal, caller);
  if (effect === "Allow" || caller.service !== undefined) return not(or(found.direct, found.account));
  const session = matchPrincipal(principal, { ...caller, principalArn: caller.sessionArn });
  const role = matchPrincipal(principal, { ...caller, sessionArn: caller.principalArn });
  return not(and(session.direct, role.direct, found.account));
}

function matchEntry(kind: string, name: unknown, caller: Caller): PrincipalMatch {
  if (typeof name !== "string") return UNKNOWN;
  if (kind === "AWS") return matchAws(name, caller);
  if (kind === "Service") return { direct: matchService(name, caller), account: "no" };
  return UNKNOWN;
}

function matchAws(name: string, caller: Caller): PrincipalMatch {
  if (name === "*") return { direct: "yes", account: "no" };
  const account = /^(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?$/.exec(name)?.[1];
  if (account !== undefined) {
    const inAccount = truth(caller.service === undefined && caller.accountId === account);
    return { direct: truth(caller.principalArn === name && caller.service === undefined), account: inAccount };
  }
  // AWS accepts no wildcards here, and neither ids (AROA…) nor anything else that is no ARN is modelled.
  if (!name.startsWith("arn:") || /[*?]|\$\{/.test(name)) return UNKNOWN;
  const named = name === caller.principalArn || name === caller.sessionArn;
  return { direct: truth(caller.service === undefined && named), account: "no" };
}

function matchService(name: string, caller: Caller): Truth {
  if (name === caller.service) return "yes";
  // `states.eu-west-1.amazonaws.com` may or may not be `states.amazonaws.com`.
  const sameService = caller.service !== undefined && name.split(".")[0] === caller.service.split(".")[0];
  return sameService || /[*?]/.test(name) ? "unknown" : "no";
}

function either(a: PrincipalMatch, b: PrincipalMatch): PrincipalMatch {
  return { direct: or(a.direct, b.direct), account: or(a.account, b.account) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
