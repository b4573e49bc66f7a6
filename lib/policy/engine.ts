/**
 * Our read-only data as the Cedar engine's types want it: mutable JSON. The engine parses it itself and says what is wrong, so the copy
 * is all that is needed; it also keeps the engine from holding on to ours.
 */
import { setFlagsFromString } from "node:v8";
import type { Context, Entities, Schema } from "@cedar-policy/cedar-wasm/nodejs";
import type { CedarSchema } from "./cedar-schema.js";
import type { AuthorizationRequest } from "./request.js";

// V8 of Node 20 dies ("unreachable code" in its deoptimizer) when it has inlined a hot call into WebAssembly and takes it back: after
// some ten thousand decisions in one process.
setFlagsFromString("--no-turbo-inline-js-wasm-calls");

export function engineSchema(schema: CedarSchema): Schema {
  return JSON.parse(JSON.stringify(schema));
}
export function engineContext(context: AuthorizationRequest["context"]): Context {
  return JSON.parse(JSON.stringify(context));
}
export function engineEntities(entities: AuthorizationRequest["entities"]): Entities {
  return JSON.parse(JSON.stringify(entities));
}
