/** One policy store: schema, policies, decisions by the real Cedar engine on a policy set parsed once. */
import { randomUUID } from "node:crypto";
import { type PolicyJson, preparsePolicySet, statefulIsAuthorized, validate } from "@cedar-policy/cedar-wasm/nodejs";
import { CountersignError } from "../../../errors.js";
import type { AwsFault } from "../../types.js";
import {
  MAX_UNSCOPED_POLICIES_BYTES,
  messagesOf,
  policyRefused,
  readPolicy,
  readSchema,
  type StoreSchema,
} from "./refusals.js";
import { type CedarContext, type CedarEntity, cedarUid, type EntityIdentifier, invalid } from "./values.js";

export interface StoredPolicy {
  readonly id: string;
  /** `name/<name>` */
  readonly name?: string;
  readonly statement: string;
  readonly description?: string;
  readonly json: PolicyJson;
  readonly createdAtMs: number;
}
export interface StoreOptions {
  readonly id: string;
  readonly arn: string;
  /** for messages, e.g. `AWS::VerifiedPermissions::PolicyStore Policies of stack billing-dev` */
  readonly place: string;
  readonly mode: "STRICT" | "OFF";
  readonly schemaText?: string;
  readonly description?: string;
  readonly deletionProtection: "ENABLED" | "DISABLED";
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}
export interface Question {
  readonly principal: EntityIdentifier;
  readonly action: { readonly actionType: string; readonly actionId: string };
  readonly resource: EntityIdentifier;
  readonly context: CedarContext;
}
export interface Decision {
  readonly decision: "ALLOW" | "DENY";
  readonly determiningPolicies: readonly { readonly policyId: string }[];
  readonly errors: readonly { readonly errorDescription: string }[];
}

export class PolicyStore {
  readonly schema: StoreSchema | undefined;
  private readonly policies = new Map<string, StoredPolicy>();
  /** Cedar keeps parsed sets by name for the whole process; the name must be this store's alone. */
  private readonly parsedSetName = randomUUID();
  private parsedSetIsCurrent = false;

  /** @throws CountersignError CS-4033 for a schema Verified Permissions would refuse */
  constructor(readonly options: StoreOptions) {
    this.schema = options.schemaText === undefined ? undefined : readSchema(options.place, options.schemaText);
  }

  /** @throws CountersignError CS-4034 naming the policy and Cedar's message, CS-4031 for a name that is taken */
  add(place: string, policy: Omit<StoredPolicy, "json">): StoredPolicy {
    const taken = [...this.policies.values()].find((other) => other.name !== undefined && other.name === policy.name);
    if (taken !== undefined)
      throw new CountersignError(
        "CS-4031",
        `${place}: the store already has a policy ${policy.name}; names are unique`,
      );
    const json = readPolicy(place, policy.statement);
    if (this.options.mode === "STRICT") this.validateStrictly(place, policy.statement);
    const stored = { ...policy, json };
    this.policies.set(policy.id, stored);
    const unscoped = [...this.policies.values()].filter((each) => each.json.resource.op === "All");
    const sizeBytes = unscoped.reduce((sum, each) => sum + Buffer.byteLength(each.statement), 0);
    if (sizeBytes > MAX_UNSCOPED_POLICIES_BYTES)
      throw policyRefused(
        place,
        `policies without a resource scope share ${MAX_UNSCOPED_POLICIES_BYTES} bytes per store, now ${sizeBytes}; scope some of them`,
      );
    this.parsedSetIsCurrent = false;
    return stored;
  }

  /** by id or `name/<name>` */
  policy(idOrName: string): StoredPolicy | undefined {
    if (!idOrName.startsWith("name/")) return this.policies.get(idOrName);
    return [...this.policies.values()].find((policy) => policy.name === idOrName);
  }

  list(): readonly StoredPolicy[] {
    return [...this.policies.values()];
  }

  /**
   * Asks Cedar. As on AWS the request is not held against the schema: a policy that meets a missing attribute is
   * skipped and named in `errors`. The schema contributes the actions and their groups.
   * @throws AwsFault ValidationException when entities or context are no Cedar data
   */
  decide(question: Question, entities: readonly CedarEntity[]): Decision {
    this.parse();
    const answer = statefulIsAuthorized({
      principal: cedarUid(question.principal),
      action: { type: question.action.actionType, id: question.action.actionId },
      resource: cedarUid(question.resource),
      context: question.context,
      entities: [...entities, ...(this.schema?.actions ?? [])],
      preparsedPolicySetId: this.parsedSetName,
    });
    if (answer.type === "failure") throw requestRefused(messagesOf(answer.errors));
    const { decision, diagnostics } = answer.response;
    return {
      decision: decision === "allow" ? "ALLOW" : "DENY",
      determiningPolicies: diagnostics.reason.map((policyId) => ({ policyId })),
      errors: diagnostics.errors.map(({ policyId, error }) => ({
        errorDescription: `while evaluating policy ${policyId}, encountered the following error: ${messagesOf([error])}`,
      })),
    };
  }

  private parse(): void {
    if (this.parsedSetIsCurrent) return;
    const staticPolicies = Object.fromEntries(this.list().map((policy) => [policy.id, policy.statement]));
    const parsed = preparsePolicySet(this.parsedSetName, { staticPolicies });
    if (parsed.type === "failure") throw policyRefused(this.options.place, messagesOf(parsed.errors));
    this.parsedSetIsCurrent = true;
  }

  private validateStrictly(place: string, statement: string): void {
    if (this.schema === undefined)
      throw policyRefused(place, "the store validates strictly but has no schema; give it Schema.CedarJson");
    const answer = validate({
      schema: this.schema.json,
      policies: { staticPolicies: { policy: statement } },
      validationSettings: { mode: "strict" },
    });
    if (answer.type === "failure") throw policyRefused(place, messagesOf(answer.errors));
    if (answer.validationErrors.length > 0)
      throw policyRefused(place, messagesOf(answer.validationErrors.map((fault) => fault.error)));
  }
}

function requestRefused(reason: string): AwsFault {
  return invalid(`the authorization request is no valid Cedar data: ${reason}`);
}
