/**
 * JSON from outside: the one reader, and the one list of what is refused. What passes means the same to everybody who reads it later, so
 * what is hashed and shown is what is used (docs/decisions: "JSON from outside is read one way").
 */

/** Deepest nesting that is read: far above any contract's schema, far below any stack's end. */
export const MAX_JSON_DEPTH = 64;
/** Deepest nesting of a value that is put into objects of ours, which are read again: inputs, results, previews. */
export const MAX_VALUE_DEPTH = 48;

/** Any JSON value, as zod types it. Never changed in place. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Why a value is refused; the sentence is for people and holds nothing of the value. */
export const JSON_FAULTS = {
  "too-large": "it is too large",
  "too-deep": `it is nested deeper than ${MAX_JSON_DEPTH} levels`,
  "not-json": "it is not JSON",
  "half-character": "a text in it holds half a character (a lone surrogate)",
  "duplicate-key": "an object in it has the same key twice",
  "unsafe-key": 'an object in it has the key "__proto__"',
  "unsafe-number":
    "a number in it cannot be kept exactly: whole numbers go to ±9007199254740991, larger ones are texts",
} as const;
export type JsonFault = keyof typeof JSON_FAULTS;

const LONE_SURROGATE = /\p{Surrogate}/u;
const ANY_SURROGATE = /[\ud800-\udfff]/;
export const hasLoneSurrogate = (text: string): boolean => ANY_SURROGATE.test(text) && LONE_SURROGATE.test(text);

/** Why a value cannot be kept; undefined when it can. Not recursive: safe on any depth, before anything recursive touches the value. */
export function jsonFault(value: unknown): JsonFault | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: at, depth } = next;
    if (depth > MAX_JSON_DEPTH) return "too-deep";
    const fault = ownFault(at);
    if (fault !== undefined) return fault;
    if (typeof at !== "object" || at === null) continue;
    for (const [key, member] of Object.entries(at)) {
      if (key === "__proto__") return "unsafe-key";
      if (hasLoneSurrogate(key)) return "half-character";
      if (member !== undefined || Array.isArray(at)) open.push({ value: member, depth: depth + 1 });
    }
  }
  return undefined;
}

/** Whether a value is nested deeper than so many levels. Not recursive. */
export function isDeeper(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((at) => (typeof at === "object" && at !== null ? Object.values(at) : []));
  }
  return false;
}

function ownFault(value: unknown): JsonFault | undefined {
  switch (typeof value) {
    case "string":
      return hasLoneSurrogate(value) ? "half-character" : undefined;
    case "number":
      if (!Number.isFinite(value)) return "not-json";
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? "unsafe-number" : undefined;
    case "boolean":
      return undefined;
    case "object": {
      if (value === null || Array.isArray(value)) return undefined;
      const prototype: unknown = Object.getPrototypeOf(value);
      return prototype === Object.prototype || prototype === null ? undefined : "not-json";
    }
    default:
      return "not-json";
  }
}

/** Whether a value that was recorded is JSON of this depth at most, whatever its numbers and texts: they were hashed as they are. */
export function isRecordedJson(value: unknown, maxDepth = 2 * MAX_JSON_DEPTH): value is Json {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || maxDepth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isRecordedJson(item, maxDepth - 1));
  if (ownFault(value) !== undefined) return false;
  for (const key of Object.keys(value)) if (!isRecordedJson(Reflect.get(value, key), maxDepth - 1)) return false;
  return true;
}

/** A value as `Json`, or undefined when it is not (see `jsonFault`). */
export function asJson(value: unknown): Json | undefined {
  return isJson(value) ? value : undefined;
}
export const isJson = (value: unknown): value is Json => value !== undefined && jsonFault(value) === undefined;

export type JsonRead =
  | { readonly ok: true; readonly value: Json }
  | {
      readonly ok: false;
      readonly fault: JsonFault;
      /** a clause such as `it is not JSON: Unexpected token …` */
      readonly why: string;
    };

/** Reads a text, or the UTF-8 bytes of one. `maxBytes` counts UTF-8; memory and time are within a small multiple of it. */
export function readJson(source: string | Uint8Array, maxBytes: number): JsonRead {
  if (source.length > maxBytes) return refused("too-large", `: more than ${maxBytes} bytes`);
  const text = typeof source === "string" ? source : utf8(source);
  if (text === undefined) return refused("not-json", ": its bytes are not UTF-8");
  if (Buffer.byteLength(text, "utf8") > maxBytes) return refused("too-large", `: more than ${maxBytes} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const bom = text.startsWith("\ufeff") ? "it begins with a byte order mark" : undefined;
    return refused("not-json", `: ${bom ?? (error instanceof Error ? error.message : "unreadable")}`);
  }
  const fault = jsonFault(value) ?? textFault(text);
  if (fault !== undefined) return refused(fault);
  // jsonFault has seen all of it
  return isJson(value) ? { ok: true, value } : refused("not-json");
}

/** The value, or undefined for whatever `readJson` refuses. */
export function readJsonOr<T>(source: string | Uint8Array, maxBytes: number, otherwise: T): Json | T {
  const read = readJson(source, maxBytes);
  return read.ok ? read.value : otherwise;
}

const refused = (fault: JsonFault, more = ""): JsonRead => ({ ok: false, fault, why: `${JSON_FAULTS[fault]}${more}` });

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const NUMBER = /-?\d[\d.eE+-]*/y;
const COLON = /[ \t\r\n]*:/y;

/** What parsing hides: a key given twice (the last one wins), a number too small for anything but 0. The text is known to be JSON. */
function textFault(text: string): JsonFault | undefined {
  /** keys of each open object; null for an array */
  const open: (Set<string> | null)[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys && matchAt(COLON, text, end) !== undefined) {
        const key: unknown = JSON.parse(text.slice(at, end));
        if (keys.has(String(key))) return "duplicate-key";
        keys.add(String(key));
      }
      at = end;
      continue;
    }
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(null);
    else if (character === "}" || character === "]") open.pop();
    const literal = matchAt(NUMBER, text, at);
    if (literal !== undefined && Number(literal) === 0 && /^[^eE]*[1-9]/.test(literal)) return "unsafe-number";
    at += literal?.length ?? 1;
  }
  return undefined;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** The place after the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at);
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
}
