/** One policy store: schema, policies, decisions by the real Cedar engine on a policy set parsed once. */
import { randomUUID } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { type PolicyJson, preparsePolicySet, statefulIsAuthorized, validate } from "@cedar-policy/cedar-wasm/nodejs";
import { CountersignError } from "../../../errors.js";
import { PolicySlices, type Slice, type Uid } from "../../../policy/slices.js";
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

// V8 of Node 20 dies ("unreachable code" in its deoptimizer) when it has inlined a hot call into WebAssembly and takes it back: after
// some ten thousand decisions in one process.
setFlagsFromString("--no-turbo-inline-js-wasm-calls");

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
  private currentSchema: StoreSchema | undefined;
  private readonly policies = new Map<string, StoredPolicy>();
  private readonly names = new Set<string>();
  private unscopedBytes = 0;
  private slices: PolicySlices | undefined;
  private setNames = new Map<Slice, string>();

  /** @throws CountersignError CS-4033 for a schema Verified Permissions would refuse */
  constructor(readonly options: StoreOptions) {
    if (options.schemaText !== undefined) this.putSchema(options.schemaText);
  }

  get schema(): StoreSchema | undefined {
    return this.currentSchema;
  }

  /** For policies that come later: those of before are not checked again, as on AWS. @throws CountersignError CS-4033 */
  putSchema(text: string): StoreSchema {
    const schema = readSchema(this.options.place, text);
    this.currentSchema = schema;
    // The actions' groups decide which policies can apply.
    this.slices = undefined;
    return schema;
  }

  /** @throws CountersignError CS-4034 naming the policy and Cedar's message, CS-4031 for a name that is taken */
  add(place: string, policy: Omit<StoredPolicy, "json">): StoredPolicy {
    if (policy.name !== undefined && this.names.has(policy.name))
      throw new CountersignError(
        "CS-4031",
        `${place}: the store already has a policy ${policy.name}; names are unique`,
      );
    const json = readPolicy(place, policy.statement);
    if (this.options.mode === "STRICT") this.validateStrictly(place, policy.statement);
    const unscopedBytes = json.resource.op === "All" ? Buffer.byteLength(policy.statement) : 0;
    if (this.unscopedBytes + unscopedBytes > MAX_UNSCOPED_POLICIES_BYTES)
      throw policyRefused(
        place,
        `policies without a resource scope share ${MAX_UNSCOPED_POLICIES_BYTES} bytes per store, now ${this.unscopedBytes + unscopedBytes}; scope some of them`,
      );
    const stored = { ...policy, json };
    this.policies.set(policy.id, stored);
    if (policy.name !== undefined) this.names.add(policy.name);
    this.unscopedBytes += unscopedBytes;
    this.slices = undefined;
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
    const action = { type: question.action.actionType, id: question.action.actionId };
    const resource = cedarUid(question.resource);
    const answer = statefulIsAuthorized({
      principal: cedarUid(question.principal),
      action,
      resource,
      context: question.context,
      entities: [...entities, ...(this.schema?.actions ?? [])],
      preparsedPolicySetId: this.parsedSet(action, resource),
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

  /** The name under which Cedar has the policies that can apply, parsed. */
  private parsedSet(action: Uid, resource: Uid): string {
    if (this.slices === undefined) {
      const policies = this.list().map(({ id, statement, json }) => ({ id, text: statement, scope: json }));
      this.slices = new PolicySlices(policies, this.schema?.actions ?? []);
      this.setNames = new Map();
    }
    const slice = this.slices.for(action, resource);
    const known = this.setNames.get(slice);
    if (known !== undefined) return known;
    // Cedar keeps parsed sets by name for the whole process; the name must be this slice's alone.
    const name = randomUUID();
    const parsed = preparsePolicySet(name, { staticPolicies: { ...slice.staticPolicies } });
    if (parsed.type === "failure") throw policyRefused(this.options.place, messagesOf(parsed.errors));
    this.setNames.set(slice, name);
    return name;
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
