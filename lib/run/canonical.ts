/** Canonical JSON (RFC 8785) and hashes over it. */
import { createHash, hash } from "node:crypto";
import { CountersignError } from "../errors.js";
import { hasLoneSurrogate, type Json, type JsonObject } from "./json.js";

export { asJson, isJson, type Json, type JsonObject, jsonFault, MAX_JSON_DEPTH } from "./json.js";

/**
 * RFC 8785. Members that are `undefined` are left out, as `JSON.stringify` does.
 * @throws CountersignError CS-3020 for what JSON cannot say: other types, infinities, lone surrogates
 */
export function jcs(value: unknown): string {
  const copy = inOrder(value);
  const text = copy === undefined ? undefined : JSON.stringify(copy);
  // half a surrogate pair would have been escaped
  return text === undefined || text.includes("\\ud") ? written(value) : text;
}

/** A copy whose members are in order, which the engine writes faster than we can; undefined when an object cannot keep that order. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return leaf(value);
  if (Array.isArray(value)) return itemsInOrder(value);
  const copy: Record<string, unknown> = {};
  for (const key of sortedKeys(value)) {
    const member: unknown = Reflect.get(value, key);
    if (member === undefined) continue;
    const ordered = inOrder(member);
    if (ordered === undefined || moves(key)) return undefined;
    copy[key] = ordered;
  }
  return copy;
}

/** Keys like numbers come first in an object whenever they were added, and `__proto__` is no member at all. */
function moves(key: string): boolean {
  const first = key.charCodeAt(0);
  return (first >= 0x30 && first <= 0x39) || key === "__proto__";
}

function itemsInOrder(items: readonly unknown[]): readonly unknown[] | undefined {
  const copy: unknown[] = [];
  for (let i = 0; i < items.length; i++) {
    const ordered = inOrder(items[i]);
    if (ordered === undefined) return undefined;
    copy.push(ordered);
  }
  return copy;
}

function written(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(leaf(value));
  if (Array.isArray(value)) return `[${Array.from(value, written).join(",")}]`;
  const members = sortedKeys(value).flatMap((key) => {
    const member: unknown = Reflect.get(value, key);
    return member === undefined ? [] : [`${quoted(key)}:${written(member)}`];
  });
  return `{${members.join(",")}}`;
}

function quoted(text: string): string {
  if (hasLoneSurrogate(text)) throw notJson("a string with half a surrogate pair");
  return JSON.stringify(text);
}

function leaf(value: unknown): string | number | boolean | null {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value !== "number") throw notJson(typeof value);
  if (!Number.isFinite(value)) throw notJson(String(value));
  return value;
}

/** By UTF-16 code units, as the RFC asks. Objects have few keys, for which insertion is twice as fast as sort(). */
function sortedKeys(object: object): string[] {
  const keys = Object.keys(object);
  if (keys.length > 32) return keys.sort();
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] ?? "";
    let at = i;
    for (let before = keys[at - 1]; before !== undefined && before > key; before = keys[at - 1]) keys[at--] = before;
    keys[at] = key;
  }
  return keys;
}

const notJson = (what: string) =>
  new CountersignError(
    "CS-3020",
    `canonical JSON: ${what} cannot be written; use strings, finite numbers, booleans, null, arrays and objects`,
  );

/** SHA-256 of the parts one after the other (text as UTF-8), 64 hex characters. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const [first = "", ...others] = parts;
  if (others.length === 0) return hash("sha256", first);
  const whole = createHash("sha256").update(first);
  for (const part of others) whole.update(part);
  return whole.digest("hex");
}

/** SHA-256(JCS(value)). */
export const hashJson = (value: unknown): string => sha256Hex(jcs(value));

export const sameJson = (left: unknown, right: unknown): boolean => jcs(left) === jcs(right);

/** Bytes of the value as JSON in UTF-8. */
export const jsonSizeBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "", "utf8");

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
