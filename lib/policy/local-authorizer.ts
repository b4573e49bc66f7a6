/**
 * The Cedar engine itself, for tests, lint and backtests. Everything is parsed once; a decision then takes about a tenth of a
 * millisecond. Answers like the gate reads Verified Permissions: any error denies.
 */
import {
  type DetailedError,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import { CountersignError } from "../errors.js";
import type { CedarSchema } from "./cedar-schema.js";
import { engineContext, engineEntities, engineSchema } from "./engine.js";
import type { AuthorizationRequest } from "./request.js";
import type { PolicySet } from "./source.js";

export interface LocalDecision {
  readonly decision: "allow" | "deny";
  /** `@id`s: permits when allowed, forbids when denied; empty when nothing permitted */
  readonly determining: readonly string[];
  /** policies that failed to evaluate, or why the request is not valid; any entry means deny */
  readonly errors: readonly string[];
}
export type LocalAuthorizer = (request: AuthorizationRequest) => LocalDecision;

/** @throws CountersignError CS-1130 when the set or schema does not parse, or an @id is missing or double */
export function createAuthorizer(set: Pick<PolicySet, "policies" | "hash">, schema: CedarSchema): LocalAuthorizer {
  const ids = set.policies.map(({ id }) => id);
  const odd = ids.find((id, index) => id === "" || ids.indexOf(id) !== index);
  if (odd !== undefined) {
    throw new CountersignError(
      "CS-1130",
      `policies: @id ${JSON.stringify(odd)} is empty or there twice; run \`countersign workflow check\``,
    );
  }
  // The engine caches by name for the life of the process; the hash makes equal sets share, and different ones never.
  const name = `countersign:${set.hash}`;
  const staticPolicies = Object.fromEntries(set.policies.map(({ id, text }) => [id, text]));
  for (const answer of [preparseSchema(name, engineSchema(schema)), preparsePolicySet(name, { staticPolicies })]) {
    if (answer.type === "success") continue;
    throw new CountersignError("CS-1130", `policies: ${messages(answer.errors)}; run \`countersign workflow check\``);
  }
  return (request) => {
    const answer = statefulIsAuthorized({
      principal: { type: request.principal.entityType, id: request.principal.entityId },
      action: { type: request.action.actionType, id: request.action.actionId },
      resource: { type: request.resource.entityType, id: request.resource.entityId },
      context: engineContext(request.context),
      entities: engineEntities(request.entities),
      preparsedPolicySetId: name,
      preparsedSchemaName: name,
      validateRequest: true,
    });
    if (answer.type === "failure") return { decision: "deny", determining: [], errors: [messages(answer.errors)] };
    const { decision, diagnostics } = answer.response;
    const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
    return { decision: errors.length > 0 ? "deny" : decision, determining: diagnostics.reason.toSorted(), errors };
  };
}

function messages(errors: readonly DetailedError[]): string {
  return errors.map((error) => error.message).join("; ");
}
