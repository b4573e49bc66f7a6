/** Entities and context as an authorization request writes them (typed attribute values, or Cedar's own JSON) → Cedar's JSON. */
import * as z from "zod";
import { AwsFault } from "../../types.js";

type CedarJson = null | boolean | number | string | CedarJson[] | { [name: string]: CedarJson };

/** Deeper values are refused: no policy reads them, and Cedar's parser is recursive. */
const MAX_DEPTH = 32;

export const entityIdentifier = z.strictObject({
  entityType: z.string().min(1).max(200),
  entityId: z.string().min(1).max(200),
});
export const actionIdentifier = z.strictObject({
  actionType: z
    .string()
    .max(200)
    .regex(/^(?:\w+::)*Action$/),
  actionId: z.string().min(1).max(200),
});
export type EntityIdentifier = z.output<typeof entityIdentifier>;

const long = z.int("must be an integer within ±2^53: Cedar has no fractions and JSON no longer integers");

/** One member each, as `AttributeValue` of the API. */
const attributeValue: z.ZodType<CedarJson> = z.lazy(() =>
  z.union([
    z.strictObject({ boolean: z.boolean() }).transform((value) => value.boolean),
    z.strictObject({ long }).transform((value) => value.long),
    z.strictObject({ string: z.string() }).transform((value) => value.string),
    z.strictObject({ set: z.array(attributeValue) }).transform((value) => value.set),
    z.strictObject({ record: attributes }).transform((value) => value.record),
    z.strictObject({ entityIdentifier }).transform((value) => ({ __entity: cedarUid(value.entityIdentifier) })),
    z.strictObject({ ipaddr: z.string() }).transform((value) => extension("ip", value.ipaddr)),
    z.strictObject({ decimal: z.string() }).transform((value) => extension("decimal", value.decimal)),
    z.strictObject({ datetime: z.string() }).transform((value) => extension("datetime", value.datetime)),
    z.strictObject({ duration: z.string() }).transform((value) => extension("duration", value.duration)),
  ]),
);
const attributes = z.record(z.string().min(1), attributeValue);

export const contextDefinition = z.union([
  z.strictObject({ contextMap: attributes }),
  z.strictObject({ cedarJson: z.string() }),
]);
export const entitiesDefinition = z.union([
  z.strictObject({
    entityList: z.array(
      z.strictObject({
        identifier: entityIdentifier,
        attributes: attributes.optional(),
        parents: z.array(entityIdentifier).optional(),
        tags: attributes.optional(),
      }),
    ),
  }),
  z.strictObject({ cedarJson: z.string() }),
]);

const uid = z.strictObject({ type: z.string().min(1), id: z.string() });
const uidForm = z.union([uid, z.strictObject({ __entity: uid }).transform((value) => value.__entity)]);
const cedarValue: z.ZodType<CedarJson> = z.json();
const cedarEntity = z.strictObject({
  uid: uidForm,
  attrs: z.record(z.string().min(1), cedarValue),
  parents: z.array(uidForm),
  tags: z.record(z.string(), cedarValue).exactOptional(),
});
export type CedarEntity = z.output<typeof cedarEntity>;
export type CedarContext = Record<string, CedarJson>;

/** @throws AwsFault ValidationException */
export function contextOf(definition: z.output<typeof contextDefinition> | undefined): CedarContext {
  if (definition === undefined) return {};
  if ("contextMap" in definition) return definition.contextMap;
  return parseCedarJson("context.cedarJson", definition.cedarJson, z.record(z.string().min(1), cedarValue));
}

/** @throws AwsFault ValidationException, also for actions: those come from the store's schema */
export function entitiesOf(definition: z.output<typeof entitiesDefinition> | undefined): CedarEntity[] {
  const entities = definition === undefined ? [] : entityList(definition);
  const action = entities.find((entity) => isActionType(entity.uid.type));
  if (action !== undefined)
    throw invalid(`entities: ${action.uid.type} is an action; actions are taken from the policy store's schema`);
  return entities;
}

function entityList(definition: z.output<typeof entitiesDefinition>): CedarEntity[] {
  if ("cedarJson" in definition)
    return parseCedarJson("entities.cedarJson", definition.cedarJson, z.array(cedarEntity));
  return definition.entityList.map((entity) => ({
    uid: cedarUid(entity.identifier),
    attrs: entity.attributes ?? {},
    parents: (entity.parents ?? []).map(cedarUid),
    ...(entity.tags !== undefined && { tags: entity.tags }),
  }));
}

export function cedarUid(identifier: EntityIdentifier): { type: string; id: string } {
  return { type: identifier.entityType, id: identifier.entityId };
}

function isActionType(type: string): boolean {
  return type === "Action" || type.endsWith("::Action");
}

function extension(fn: string, arg: string): CedarJson {
  return { __extn: { fn, arg } };
}

function parseCedarJson<T extends z.ZodType>(path: string, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${path}: no JSON: ${String(cause)}`);
  }
  checkValues(value, path, 0);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => `${[path, ...issue.path].map(String).join(".")}: ${issue.message}`).join("; "),
  );
}

/** Refuses what Cedar cannot read, with the path of the value: nulls, fractions, integers that JSON has already rounded. */
function checkValues(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(`${path}: nested deeper than ${MAX_DEPTH}`);
  if (value === null) throw invalid(`${path}: null is not allowed in Cedar; leave the attribute out`);
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw invalid(`${path}: ${value} must be an integer within ±2^53; Cedar has no fractions`);
  if (typeof value !== "object") return;
  for (const [name, member] of Object.entries(value)) checkValues(member, `${path}.${name}`, depth + 1);
}

export function invalid(message: string): AwsFault {
  return new AwsFault("ValidationException", message, 400);
}

/** Typed attribute values are read by a recursive parser too: refuses JSON that is nested too deeply before it starts. */
export function checkDepth(value: unknown, depth = 0): void {
  // A typed value takes two levels of JSON; the request around it a few more.
  if (depth > 2 * MAX_DEPTH + 8) throw invalid(`request nested deeper than ${MAX_DEPTH} values`);
  if (typeof value !== "object" || value === null) return;
  for (const member of Object.values(value)) checkDepth(member, depth + 1);
}
