/** Canonical JSON (RFC 8785), hashes over it, and what hostile JSON is measured by before anything recursive touches it. */
import { createHash } from "node:crypto";
import { CountersignError } from "../errors.js";

/** Any JSON value, as zod types it. Never changed in place. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Deepest nesting that is read: far above any contract's schema, far below any stack's end. */
export const MAX_JSON_DEPTH = 64;

const LONE_SURROGATE = /\p{Surrogate}/u;
const ANY_SURROGATE = /[\ud800-\udfff]/;
const hasLoneSurrogate = (text: string) => ANY_SURROGATE.test(text) && LONE_SURROGATE.test(text);

/**
 * RFC 8785. Members that are `undefined` are left out, as `JSON.stringify` does.
 * @throws CountersignError CS-3020 for what JSON cannot say: other types, infinities, lone surrogates
 */
export function jcs(value: unknown): string {
  switch (typeof value) {
    case "string":
      if (hasLoneSurrogate(value)) throw notJson("a string with half a surrogate pair");
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) throw notJson(String(value));
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? jcsArray(value) : jcsObject(value);
    default:
      throw notJson(typeof value);
  }
}

function jcsArray(items: readonly unknown[]): string {
  let text = "[";
  for (let i = 0; i < items.length; i++) text += (i === 0 ? "" : ",") + jcs(items[i]);
  return `${text}]`;
}

function jcsObject(object: object): string {
  let text = "";
  // the default order of sort() is that of UTF-16 code units, as the RFC asks
  for (const key of Object.keys(object).sort()) {
    const member: unknown = Reflect.get(object, key);
    if (member !== undefined) text += `${text === "" ? "" : ","}${jcs(key)}:${jcs(member)}`;
  }
  return `{${text}}`;
}

const notJson = (what: string) =>
  new CountersignError(
    "CS-3020",
    `canonical JSON: ${what} cannot be written; use strings, finite numbers, booleans, null, arrays and objects`,
  );

/** SHA-256 of the parts one after the other (text as UTF-8), 64 hex characters. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** SHA-256(JCS(value)). */
export const hashJson = (value: unknown): string => sha256Hex(jcs(value));

export const sameJson = (left: unknown, right: unknown): boolean => jcs(left) === jcs(right);

/** Why a value cannot be kept as JSON: too deep, or not well-formed; undefined when it can. Not recursive: safe on any depth. */
export function jsonFault(value: unknown): "too-deep" | "not-json" | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: at, depth } = next;
    if (depth > MAX_JSON_DEPTH) return "too-deep";
    if (typeof at === "string" ? hasLoneSurrogate(at) : !isPlain(at)) return "not-json";
    if (typeof at !== "object" || at === null) continue;
    for (const [key, member] of Object.entries(at)) {
      if (hasLoneSurrogate(key)) return "not-json";
      if (member !== undefined || Array.isArray(at)) open.push({ value: member, depth: depth + 1 });
    }
  }
  return undefined;
}

function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "boolean" || value === null) return true;
  if (typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

/** A value as `Json`, or undefined when it is not (see `jsonFault`). */
export function asJson(value: unknown): Json | undefined {
  return isJson(value) ? value : undefined;
}
export const isJson = (value: unknown): value is Json => value !== undefined && jsonFault(value) === undefined;

/** Bytes of the value as JSON in UTF-8. */
export const jsonSizeBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "", "utf8");

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
