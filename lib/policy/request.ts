/**
 * From what the gate knows to what it asks Verified Permissions. Checks every value against the generated schema first: Cedar skips a policy
 * that fails on a missing attribute or an odd number, and a skipped `forbid` allows. No Cedar engine here: this runs in the gate's function.
 */
import { type Json, toJson } from "../contract/describe.js";
import type { Contract, Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { contextType, factTypes } from "./cedar-schema.js";
import { type CedarAttribute, type CedarRecord, misfit } from "./cedar-types.js";
import { agentId, namespaceOf } from "./names.js";

/** What one question to the policy engine is about. */
export interface PolicyFacts {
  readonly tenant: string;
  readonly stage: string;
  readonly requester: string;
  readonly tool: Tool;
  /** as parsed by `tool.input` */
  readonly args: Readonly<Record<string, unknown>>;
  readonly resource: { readonly id: string; readonly facts: Readonly<Record<string, string | number | boolean>> };
  readonly approvals: 0 | 1 | 2;
  readonly confidencePercent: number;
  readonly untrusted: boolean;
  readonly destinationFromRequester: boolean;
  /** by the names of `exposureNames`, the proposed action included */
  readonly exposure: Readonly<Record<string, number>>;
  readonly spentMicroUsd: number;
  readonly budgetLeftMicroUsd: number;
  /** 0 to 23, in the contract's time zone */
  readonly hour: number;
  /** 1 (Monday) to 7 */
  readonly weekday: number;
}

export interface EntityRef {
  readonly entityType: string;
  readonly entityId: string;
}
/** An entity in Cedar's JSON form. */
export interface EntityJson {
  readonly uid: { readonly type: string; readonly id: string };
  readonly attrs: Readonly<Record<string, Json>>;
  readonly parents: readonly { readonly type: string; readonly id: string }[];
}
/** Input of `IsAuthorized`, apart from the store. `context` and `entities` are sent as `cedarJson`. */
export interface AuthorizationRequest {
  readonly principal: EntityRef;
  readonly action: { readonly actionType: string; readonly actionId: string };
  readonly resource: EntityRef;
  readonly context: Readonly<Record<string, Json>>;
  /** agent, tenant and resource; actions and their groups are in the schema, where Verified Permissions wants them */
  readonly entities: readonly EntityJson[];
}

/**
 * @throws CountersignError CS-1120 when a value does not fit the schema, CS-1121 when a write's resource lacks a fact, CS-1122 when the
 * contract has no such tool
 */
export function authorizationRequest(contract: Contract, facts: PolicyFacts): AuthorizationRequest {
  const tool = contract.tools.find(({ name }) => name === facts.tool.name);
  if (tool === undefined) {
    throw new CountersignError("CS-1122", `policy: ${facts.tool.name} is not a tool of ${contract.name}`);
  }
  const namespace = namespaceOf(contract);
  const agent = { type: `${namespace}::Agent`, id: entityId("agent", agentId(contract)) };
  const tenant = { type: `${namespace}::Tenant`, id: entityId("tenant", facts.tenant) };
  const resource = { type: `${namespace}::${contract.resource.type}`, id: entityId("resource", facts.resource.id) };
  const context = fitted(
    types(contract, tool).context,
    contextOf(contract, tool, facts),
    `policy: ${tool.name}: context`,
  );
  return {
    principal: { entityType: agent.type, entityId: agent.id },
    action: { actionType: `${namespace}::Action`, actionId: tool.name },
    resource: { entityType: resource.type, entityId: resource.id },
    context,
    entities: [
      {
        uid: agent,
        attrs: {
          owner: contract.owner.email,
          autonomy: contract.autonomy,
          requester: facts.requester,
          tenant: facts.tenant,
        },
        parents: [tenant],
      },
      { uid: tenant, attrs: {}, parents: [] },
      { uid: resource, attrs: { ...resourceFacts(contract, tool, facts), tenant: facts.tenant }, parents: [] },
    ],
  };
}

function contextOf(contract: Contract, tool: Tool, facts: PolicyFacts): Readonly<Record<string, unknown>> {
  return {
    input: defined(facts.args),
    approvals: facts.approvals,
    confidence: facts.confidencePercent,
    autonomy: contract.autonomy,
    untrusted: facts.untrusted,
    destination_from_requester: facts.destinationFromRequester,
    reversibility: tool.reversibility,
    blast_radius: tool.blastRadius,
    data_class: tool.dataClass,
    exposure: facts.exposure,
    spent_micro_usd: facts.spentMicroUsd,
    budget_left_micro_usd: facts.budgetLeftMicroUsd,
    hour: facts.hour,
    weekday: facts.weekday,
    tenant: facts.tenant,
    stage: facts.stage,
  };
}

/** Reads may go without facts that are still to be looked up; writes may not. */
function resourceFacts(contract: Contract, tool: Tool, { resource }: PolicyFacts): Readonly<Record<string, Json>> {
  const attributes = types(contract, tool).facts;
  const missing = Object.keys(attributes).filter((fact) => !Object.hasOwn(resource.facts, fact));
  const fatal = tool.effect === "write" ? missing : missing.filter((fact) => attributes[fact]?.required !== false);
  if (fatal.length > 0) {
    const from = fatal.map((fact) => `${fact} (${contract.resource.facts[fact]})`).join(", ");
    throw new CountersignError(
      "CS-1121",
      `policy: ${tool.name}: not known of the ${contract.resource.type}: ${from}; look it up first`,
      { tool: tool.name, facts: fatal },
    );
  }
  return fitted({ type: "Record", attributes }, resource.facts, `policy: ${tool.name}: resource`);
}

function fitted(type: CedarRecord, value: unknown, path: string): Readonly<Record<string, Json>> {
  const wrong = misfit(type, value, path);
  if (wrong !== undefined) throw new CountersignError("CS-1120", `${wrong}; nothing is asked, the action is denied`);
  const json = toJson(value);
  if (json === null || typeof json !== "object" || isList(json))
    throw new CountersignError("CS-1120", `${path}: is not an object`);
  return json;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Verified Permissions takes 1 to 200 characters without line breaks. */
function entityId(what: string, id: string): string {
  if (/^.{1,200}$/u.test(id) && !/\p{Surrogate}|\p{Cc}/u.test(id)) return id;
  throw new CountersignError(
    "CS-1120",
    `policy: the ${what} id has ${id.length} characters or holds control characters; use 1 to 200 printable ones`,
  );
}

function defined(args: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}

interface Types {
  readonly context: CedarRecord;
  readonly facts: Readonly<Record<string, CedarAttribute>>;
}
// Contracts and tools never change once checked; the gate asks up to three times a step.
const known = new WeakMap<Contract, Map<string, Types>>();
function types(contract: Contract, tool: Tool): Types {
  const ofContract = known.get(contract) ?? new Map<string, Types>();
  known.set(contract, ofContract);
  const found = ofContract.get(tool.name) ?? { context: contextType(contract, tool), facts: factTypes(contract) };
  ofContract.set(tool.name, found);
  return found;
}
