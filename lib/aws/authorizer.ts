/** Verified Permissions. Needs `verifiedpermissions:IsAuthorized` and `BatchGetPolicy` on the workflow's policy store. */
import {
  BatchGetPolicyCommand,
  IsAuthorizedCommand,
  type VerifiedPermissionsClient,
} from "@aws-sdk/client-verifiedpermissions";
import type { AuthorizationRequest } from "../policy/request.js";

export interface PolicySource {
  /** `@id` of the policy; its opaque id when it has none */
  readonly id: string;
  /** `@reason`, else the first comment, else "" */
  readonly reason: string;
  readonly text: string;
}
export interface Verdict {
  readonly allowed: boolean;
  readonly determining: readonly PolicySource[];
  /** Cedar skipped a policy: any entry means deny, whatever `allowed` says */
  readonly errors: readonly string[];
}
export interface Authorizer {
  ask(request: AuthorizationRequest): Promise<Verdict>;
}

export function verifiedPermissions(client: VerifiedPermissionsClient, policyStoreId: string): Authorizer {
  // Policy stores are immutable per policy set, so a policy's text never changes under its id.
  const known = new Map<string, PolicySource>();
  const resolve = async (policyIds: readonly string[]) => {
    const unknown = policyIds.filter((policyId) => !known.has(policyId));
    for (let at = 0; at < unknown.length; at += 100) {
      const requests = unknown.slice(at, at + 100).map((policyId) => ({ policyStoreId, policyId }));
      const { results = [] } = await client.send(new BatchGetPolicyCommand({ requests }));
      for (const found of results) {
        const statement = found.definition?.static?.statement;
        if (found.policyId !== undefined && statement !== undefined)
          known.set(found.policyId, readSource(found.policyId, statement));
      }
    }
    return policyIds.map((policyId) => known.get(policyId) ?? { id: policyId, reason: "", text: "" });
  };
  return {
    async ask({ principal, action, resource, context, entities }) {
      const answer = await client.send(
        new IsAuthorizedCommand({
          policyStoreId,
          principal,
          action,
          resource,
          context: { cedarJson: JSON.stringify(context) },
          entities: { cedarJson: JSON.stringify(entities) },
        }),
      );
      const policyIds = (answer.determiningPolicies ?? []).flatMap(({ policyId }) => policyId ?? []);
      return {
        allowed: answer.decision === "ALLOW",
        determining: await resolve(policyIds),
        errors: (answer.errors ?? []).map(({ errorDescription }) => errorDescription ?? "a policy failed to evaluate"),
      };
    },
  };
}

const BLANK = /(?:\s|\/\/[^\n]*(?:\n|$))*/y;
const ANNOTATION = /@([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(\s*"((?:[^"\\]|\\.)*)"\s*\))?/y;

/** Reads the annotations and the first comment, which stand before the policy's effect. */
export function readSource(policyId: string, text: string): PolicySource {
  const annotations = new Map<string, string>();
  const comments: string[] = [];
  let at = 0;
  for (;;) {
    BLANK.lastIndex = at;
    const blank = BLANK.exec(text)?.[0] ?? "";
    comments.push(...blank.split("\n").flatMap((line) => /\/\/\s*(\S.*)$/.exec(line)?.[1] ?? []));
    ANNOTATION.lastIndex = at + blank.length;
    const found = ANNOTATION.exec(text);
    if (found === null) break;
    annotations.set(found[1] ?? "", (found[2] ?? "").replace(/\\(["\\'])/g, "$1"));
    at = ANNOTATION.lastIndex;
  }
  return {
    id: annotations.get("id") ?? policyId,
    reason: annotations.get("reason") ?? comments[0]?.trim() ?? "",
    text: text.trim(),
  };
}
