/** Canonical JSON (RFC 8785) and hashes over it. */
import { createHash } from "node:crypto";
import { CountersignError } from "../errors.js";
import { hasLoneSurrogate, type Json, type JsonObject } from "./json.js";

export { asJson, isJson, type Json, type JsonObject, jsonFault, MAX_JSON_DEPTH } from "./json.js";

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

/** Bytes of the value as JSON in UTF-8. */
export const jsonSizeBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "", "utf8");

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
