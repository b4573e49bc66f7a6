/**
 * The Cedar engine itself, for tests, lint and backtests. Everything is parsed once, and Cedar sees only the policies that can apply, so a
 * decision takes about a tenth of a millisecond however many policies there are. Answers like the gate reads Verified Permissions: any
 * error denies.
 */
import {
  type CheckParseAnswer,
  type DetailedError,
  type PolicyJson,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import { CountersignError } from "../errors.js";
import type { CedarSchema } from "./cedar-schema.js";
import { engineContext, engineEntities, engineSchema } from "./engine.js";
import { nestingFault } from "./nesting.js";
import type { AuthorizationRequest } from "./request.js";
import { PolicySlices, type Slice, type SliceAction, type SlicePolicy } from "./slices.js";
import type { PolicySet, SetPolicy } from "./source.js";

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
  const ids = new Set(set.policies.map(({ id }) => id));
  if (ids.size !== set.policies.length || ids.has("")) {
    const odd = set.policies.find(
      ({ id }, index) => id === "" || set.policies.findIndex((other) => other.id === id) !== index,
    );
    throw new CountersignError(
      "CS-1130",
      `policies: @id ${JSON.stringify(odd?.id)} is empty or there twice; run \`countersign workflow check\``,
    );
  }
  // The engine caches by name for the life of the process; the hash makes equal sets share, and different ones never.
  const name = `countersign:${set.hash}`;
  loaded(preparseSchema(name, engineSchema(schema)));
  const parsed = set.policies.map(parsedPolicy);
  const schemas = parsed.some(({ scope }) => speaksOfActions(scope)) ? undefined : new SchemaSlices(name, schema);
  const slices = new PolicySlices(parsed, actionsOf(schema));
  const setNames = new Map<Slice, string>();
  const nameOf = (slice: Slice): string => {
    const known = setNames.get(slice);
    if (known !== undefined) return known;
    const setName = `${name}:${slice.name}`;
    loaded(preparsePolicySet(setName, { staticPolicies: { ...slice.staticPolicies } }));
    setNames.set(slice, setName);
    return setName;
  };
  return (request) => {
    const action = { type: request.action.actionType, id: request.action.actionId };
    const resource = { type: request.resource.entityType, id: request.resource.entityId };
    const answer = statefulIsAuthorized({
      principal: { type: request.principal.entityType, id: request.principal.entityId },
      action,
      resource,
      context: engineContext(request.context),
      entities: engineEntities(request.entities),
      preparsedPolicySetId: nameOf(slices.for(action, resource)),
      preparsedSchemaName: schemas?.for(action) ?? name,
      validateRequest: true,
    });
    if (answer.type === "failure") return { decision: "deny", determining: [], errors: [messages(answer.errors)] };
    const { decision, diagnostics } = answer.response;
    const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
    return { decision: errors.length > 0 ? "deny" : decision, determining: diagnostics.reason.toSorted(), errors };
  };
}

/** The engine goes through all actions of a schema at every question: each action has a schema without the others. */
class SchemaSlices {
  private readonly known = new Map<string, string>();

  constructor(
    /** of the whole schema, which answers for actions that it does not have */
    private readonly name: string,
    private readonly schema: CedarSchema,
  ) {}

  for({ type, id }: SliceAction["uid"]): string {
    const key = `${type}::${id}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const own = schemaOfAction(this.schema, type, id);
    if (own === undefined) return this.name;
    const name = `${this.name}:schema:${key}`;
    loaded(preparseSchema(name, engineSchema(own)));
    this.known.set(key, name);
    return name;
  }
}

/** The schema with this action and the groups it is in; undefined when it has no such action. */
function schemaOfAction(schema: CedarSchema, type: string, id: string): CedarSchema | undefined {
  const found = Object.entries(schema).find(
    ([namespace, { actions }]) => type === `${namespace}::Action` && Object.hasOwn(actions, id),
  );
  if (found === undefined) return undefined;
  const [namespace, { actions, ...others }] = found;
  const needed = new Set([id]);
  for (const name of needed) for (const group of actions[name]?.memberOf ?? []) needed.add(group.id);
  const kept = Object.fromEntries(Object.entries(actions).filter(([name]) => needed.has(name)));
  return { ...schema, [namespace]: { ...others, actions: kept } };
}

function parsedPolicy({ id, text }: SetPolicy): SlicePolicy & { readonly scope: PolicyJson } {
  const deep = nestingFault(text);
  if (deep !== undefined) throw unreadable(`policy ${id} ${deep}`);
  const parsed = policyToJson(text);
  return { id, text, scope: parsed.type === "success" ? parsed.json : refuse(parsed.errors) };
}

/** Whether a condition names an action, whose groups only the whole schema knows. */
const speaksOfActions = ({ conditions }: PolicyJson): boolean => JSON.stringify(conditions).includes('::Action"');

function actionsOf(schema: CedarSchema): SliceAction[] {
  return Object.entries(schema).flatMap(([namespace, { actions }]) => {
    const type = `${namespace}::Action`;
    return Object.entries(actions).map(([id, { memberOf = [] }]) => ({
      uid: { type, id },
      parents: memberOf.map((group) => ({ type, id: group.id })),
    }));
  });
}

function loaded(answer: CheckParseAnswer): void {
  if (answer.type === "failure") refuse(answer.errors);
}

function refuse(errors: readonly DetailedError[]): never {
  throw unreadable(messages(errors));
}

const unreadable = (why: string) =>
  new CountersignError("CS-1130", `policies: ${why}; run \`countersign workflow check\``);

function messages(errors: readonly DetailedError[]): string {
  return errors.map((error) => error.message).join("; ");
}
