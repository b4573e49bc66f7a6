/**
 * Redaction: a sensitive value is in the log as `{ $commitment: SHA-256(nonce ‖ JCS(value)) }`. The nonce is derived from
 * the run's secret, so a repeat redacts to the same bytes, and nobody without the secret can try values against it.
 */
import { createHmac } from "node:crypto";
import { placesAt } from "../contract/schema-paths.js";
import { CountersignError } from "../errors.js";
import { asJson, type Json, jcs, sha256Hex } from "./canonical.js";
import type { Commitment } from "./events.js";

/** A value that is in the log as a commitment: what goes to the vault. `nonce` is 64 hex characters. */
export interface SealedValue {
  readonly nonce: string;
  readonly value: Json;
}

/** Gives the nonce (64 hex characters) for a concrete path such as `items[0].note`. */
export type NonceFor = (path: string) => string;

/** What of a turn is sealed: part of the nonce, and the first part of the key in the vault. */
export type SealedWhat =
  | "input"
  | "args"
  | "view"
  | "rationale"
  | "summary"
  | "excerpt"
  | "output"
  | "error"
  | "preview"
  | "approval"
  | `note.${string}`;

/**
 * Nonces of one thing in one turn: HMAC-SHA256(secret, `<turn>|<what>|<path>`). Bound to the turn and not to the invocation, so
 * that gate and close-run, a first try and a repeat all redact alike.
 */
export function noncesOf(runSecret: Uint8Array, turn: number, what: SealedWhat): NonceFor {
  return (path) => createHmac("sha256", runSecret).update(`${turn}|${what}|${path}`).digest("hex");
}

/** SHA-256(nonce bytes ‖ UTF-8 of JCS(value)). */
export function commit(value: Json, nonce: string): Commitment {
  return { $commitment: sha256Hex(Buffer.from(nonce, "hex"), jcs(value)) };
}

export interface Redacted {
  readonly redacted: Json;
  /** by concrete path */
  readonly sealed: Readonly<Record<string, SealedValue>>;
}

/**
 * Replaces every value that `paths` name, in objects and arrays alike. A path inside a value that another path replaces
 * goes with it. Absent values stay absent.
 */
export function redact(value: Json, paths: readonly string[], nonceFor: NonceFor): Redacted {
  const places = paths.flatMap((path) => placesAt(value, path).map((place) => place.path));
  const wanted = new Set(places);
  const sealed: Record<string, SealedValue> = {};
  const walk = (at: Json, path: string): Json => {
    if (wanted.has(path)) {
      const nonce = nonceFor(path);
      sealed[path] = { nonce, value: at };
      return { ...commit(at, nonce) };
    }
    return mapJson(at, path, walk);
  };
  return { redacted: mapJson(value, "", walk), sealed };
}

/**
 * The same from nonces that travel with the value, for who has no secret (a tool, the approval desk).
 * @throws CountersignError CS-3021 when a sensitive value has no nonce, or a nonce names no sensitive value
 */
export function redactWithNonces(
  value: Json,
  paths: readonly string[],
  nonces: Readonly<Record<string, string>>,
): Json {
  const { redacted, sealed } = redact(value, paths, (path) => {
    const nonce = Object.hasOwn(nonces, path) ? nonces[path] : undefined;
    if (nonce === undefined) throw unsealed(path, "has no nonce");
    return nonce;
  });
  const extra = Object.keys(nonces).find((path) => !Object.hasOwn(sealed, path));
  if (extra !== undefined) throw unsealed(extra, "has a nonce but is not a sensitive value");
  return redacted;
}

const unsealed = (path: string, fault: string) =>
  new CountersignError("CS-3021", `redaction: ${path} ${fault}; the value was changed on its way`, { path });

/** path → nonce, as an action carries them. */
export function nonceMap(sealed: Readonly<Record<string, SealedValue>>): Record<string, string> {
  return Object.fromEntries(Object.entries(sealed).map(([path, { nonce }]) => [path, nonce]));
}

/** Keys as the vault holds them: `<what>|<concrete path>`. */
export function sealedAs(
  what: SealedWhat,
  sealed: Readonly<Record<string, SealedValue>>,
): Readonly<Record<string, SealedValue>> {
  return Object.fromEntries(Object.entries(sealed).map(([path, value]) => [`${what}|${path}`, value]));
}

/** One whole value as a commitment with what goes to the vault. */
export function seal(
  runSecret: Uint8Array,
  turn: number,
  what: SealedWhat,
  value: Json,
): { readonly commitment: Commitment; readonly sealed: Readonly<Record<string, SealedValue>> } {
  const nonce = noncesOf(runSecret, turn, what)("");
  return { commitment: commit(value, nonce), sealed: { [`${what}|`]: { nonce, value } } };
}

function mapJson(value: Json, path: string, walk: (at: Json, path: string) => Json): Json {
  if (Array.isArray(value)) return value.map((item: Json, index) => walk(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return value;
  // Object.fromEntries and not assignment: a key `__proto__` stays a key
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[key, walk(member, path === "" ? key : `${path}.${key}`)]],
    ),
  );
}

/** The value at the path as JSON; undefined when it is absent. */
export function jsonAt(value: Json, path: string): Json | undefined {
  const place = placesAt(value, path)[0];
  return place === undefined ? undefined : asJson(place.value);
}
