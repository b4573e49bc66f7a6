/**
 * Our read-only data as the Cedar engine's types want it: mutable JSON. The engine parses it itself and says what is wrong, so the copy
 * is all that is needed; it also keeps the engine from holding on to ours.
 */
import type { Context, Entities, Schema } from "@cedar-policy/cedar-wasm/nodejs";
import type { CedarSchema } from "./cedar-schema.js";
import type { AuthorizationRequest } from "./request.js";

export function engineSchema(schema: CedarSchema): Schema {
  return JSON.parse(JSON.stringify(schema));
}
export function engineContext(context: AuthorizationRequest["context"]): Context {
  return JSON.parse(JSON.stringify(context));
}
export function engineEntities(entities: AuthorizationRequest["entities"]): Entities {
  return JSON.parse(JSON.stringify(entities));
}
