/** What Verified Permissions refuses although Cedar does not, and the limits of its quotas page. */
import {
  checkParseSchema,
  type DetailedError,
  type PolicyJson,
  policyToJson,
  type SchemaJson,
} from "@cedar-policy/cedar-wasm/nodejs";
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import { nestingFault } from "../../../policy/nesting.js";
import { readJson } from "../../../run/json.js";

export const MAX_POLICY_BYTES = 10_000;
export const MAX_SCHEMA_BYTES = 100_000;
export const MAX_REQUEST_BYTES = 1_000_000;
/** All policies of a store whose scope names no resource. */
export const MAX_UNSCOPED_POLICIES_BYTES = 200_000;

const RESERVED_NAMESPACES = new Set(["aws", "amazon", "cedar"]);

/** Of a schema, what this engine itself reads; Cedar's own parser checks the rest. */
const schemaShape = z.record(
  z.string(),
  z.looseObject({
    actions: z
      .record(
        z.string(),
        z.looseObject({ memberOf: z.array(z.looseObject({ id: z.string(), type: z.string().optional() })).optional() }),
      )
      .default({}),
  }),
);

export interface StoreSchema {
  /** JSON text, as written */
  readonly text: string;
  readonly json: SchemaJson<string>;
  readonly namespaces: readonly string[];
  /** the actions with their groups, as entities */
  readonly actions: readonly ActionEntity[];
}
export interface ActionEntity {
  readonly uid: { readonly type: string; readonly id: string };
  readonly attrs: Record<string, never>;
  readonly parents: { readonly type: string; readonly id: string }[];
}

/** @throws CountersignError CS-4033 */
export function readSchema(place: string, text: string): StoreSchema {
  const refuse = (reason: string) =>
    new CountersignError("CS-4033", `${place}: schema refused: ${reason}`, { place, reason });
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > MAX_SCHEMA_BYTES) throw refuse(`${sizeBytes} bytes; Verified Permissions takes ${MAX_SCHEMA_BYTES}`);
  const read = readJson(text, MAX_SCHEMA_BYTES);
  if (!read.ok) throw refuse(`CedarJson: ${read.why}`);
  const { value } = read;
  const parsed = schemaShape.safeParse(value);
  if (!parsed.success)
    throw refuse(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
  const empty = emptyKey(value, "");
  if (empty !== undefined) throw refuse(`${empty} has an empty name; Verified Permissions refuses empty names`);
  const namespaces = Object.keys(parsed.data);
  if (namespaces.length > 1) throw refuse(`${namespaces.length} namespaces (${namespaces.join(", ")}); one is allowed`);
  for (const namespace of namespaces)
    if (namespace.split("::").some((part) => RESERVED_NAMESPACES.has(part.toLowerCase())))
      throw refuse(`namespace ${namespace} is reserved; choose one without aws, amazon and cedar`);
  const json = schemaJson(value);
  const check = checkParseSchema(json);
  if (check.type === "failure") throw refuse(messagesOf(check.errors));
  return { text, json, namespaces, actions: actionsOf(parsed.data) };
}

/** A static policy, parsed by Cedar. @throws CountersignError CS-4034 */
export function readPolicy(place: string, statement: string): PolicyJson {
  const sizeBytes = Buffer.byteLength(statement);
  if (sizeBytes > MAX_POLICY_BYTES)
    throw policyRefused(place, `${sizeBytes} bytes; Verified Permissions takes ${MAX_POLICY_BYTES}; split it`);
  const deep = nestingFault(statement);
  if (deep !== undefined) throw policyRefused(place, `it ${deep}; the embedded engine reads no deeper ones; split it`);
  const parsed = policyToJson(statement);
  if (parsed.type === "failure") throw policyRefused(place, messagesOf(parsed.errors));
  return parsed.json;
}

export function policyRefused(place: string, reason: string): CountersignError {
  return new CountersignError("CS-4034", `${place}: policy refused: ${reason}`, { place, reason });
}

/** Cedar's messages with its help, in one line. */
export function messagesOf(errors: readonly DetailedError[]): string {
  return errors.map((error) => (error.help === null ? error.message : `${error.message} (${error.help})`)).join("; ");
}

/** Cedar itself checks the shape next; this only tells the compiler what it is going to be given. */
function schemaJson(value: unknown): SchemaJson<string> {
  return z.custom<SchemaJson<string>>((candidate) => typeof candidate === "object" && candidate !== null).parse(value);
}

function actionsOf(schema: z.output<typeof schemaShape>): ActionEntity[] {
  return Object.entries(schema).flatMap(([namespace, definition]) => {
    const actionType = namespace === "" ? "Action" : `${namespace}::Action`;
    return Object.entries(definition.actions).map(([id, action]) => ({
      uid: { type: actionType, id },
      attrs: {},
      parents: (action.memberOf ?? []).map((group) => ({ type: group.type ?? actionType, id: group.id })),
    }));
  });
}

function emptyKey(value: unknown, path: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const here = path === "" ? name : `${path}.${name}`;
    if (name === "") return path === "" ? "the namespace" : `a member of ${path}`;
    const deeper = emptyKey(member, here);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
