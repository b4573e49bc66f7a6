import type { AccessAnswer, AccessQuestion, PolicyDocument } from "../types.js";
import { type IamEnvironment, requestKeys, resourceAccount } from "./keys.js";
import { compilePolicy, type PolicyKind, type Request, type Statement } from "./statement.js";
import { or } from "./truth.js";

/** What a set of policies says to one request. */
interface Verdict {
  readonly denied: boolean;
  /** an Allow that names the caller itself */
  readonly allowed: boolean;
  /** an Allow that names the caller's account: identity policies decide */
  readonly delegated: boolean;
}

const compiled: Readonly<Record<PolicyKind, WeakMap<PolicyDocument, readonly Statement[]>>> = {
  identity: new WeakMap(),
  resource: new WeakMap(),
  trust: new WeakMap(),
};

function statementsOf(document: PolicyDocument, kind: PolicyKind): readonly Statement[] {
  const known = compiled[kind].get(document);
  if (known !== undefined) return known;
  const statements = compilePolicy(document, kind);
  compiled[kind].set(document, statements);
  return statements;
}

/**
 * AWS's documented policy evaluation for one request, pure.
 *
 * @param identity the caller's identity policies; undefined when there is no such role
 * @param resourceKind `trust` when the resource policy is a role's trust policy
 */
export function evaluateAccess(
  question: AccessQuestion,
  identity: readonly PolicyDocument[] | undefined,
  env: IamEnvironment,
  resourceKind: "resource" | "trust" = "resource",
): AccessAnswer {
  const { caller, action, resource } = question;
  const request: Request = { caller, action, resource, keys: requestKeys(question, env) };
  const own = judge(caller.service === undefined ? (identity ?? []) : [], "identity", request);
  const attached = judge(question.resourcePolicy === undefined ? [] : [question.resourcePolicy], resourceKind, request);
  const refuse = (why: string): AccessAnswer => ({
    allowed: false,
    message: `User: ${caller.sessionArn} is not authorized to perform: ${action} on resource: ${resource} ${why}`,
  });
  if (own.denied) return refuse("with an explicit deny in an identity-based policy");
  if (attached.denied) return refuse("with an explicit deny in a resource-based policy");
  const needsResource = caller.service !== undefined || question.requireResourceAllow === true;
  const foreign = caller.service === undefined && caller.accountId !== resourceAccount(question, env);
  if (caller.service === undefined && !foreign && identity === undefined) {
    return refuse(`because no role ${caller.principalArn} exists`);
  }
  const byIdentity = `because no identity-based policy allows the ${action} action`;
  const byResource = `because no resource-based policy allows the ${action} action`;
  if (foreign) {
    if (!own.allowed) return refuse(byIdentity);
    return attached.allowed || attached.delegated ? allow() : refuse(byResource);
  }
  if (attached.allowed) return allow();
  if (!needsResource) return own.allowed ? allow() : refuse(byIdentity);
  if (!attached.delegated) return refuse(byResource);
  return own.allowed ? allow() : refuse(byIdentity);
}

function allow(): AccessAnswer {
  return { allowed: true, message: "" };
}

function judge(documents: readonly PolicyDocument[], kind: PolicyKind, request: Request): Verdict {
  let allowed = false;
  let delegated = false;
  for (const document of documents) {
    for (const statement of statementsOf(document, kind)) {
      const applies = statement.applies(request);
      if (applies === "no") continue;
      const named = statement.names(request.caller);
      if (statement.effect === "Deny") {
        if (or(named.direct, named.account) !== "no") return { denied: true, allowed: false, delegated: false };
      } else if (applies === "yes") {
        allowed ||= named.direct === "yes";
        delegated ||= named.account === "yes";
      }
    }
  }
  return { denied: false, allowed, delegated };
}
