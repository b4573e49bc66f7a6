/** One line of an export, read for speed: most lines are canonical and are hashed as they stand. */
import { jcs, sha256Hex } from "../run/canonical.js";
import { JSON_FAULTS, jsonFault, MAX_JSON_DEPTH } from "../run/json.js";

/** A line that is JSON. */
export interface ParsedLine {
  readonly text: string;
  readonly value: unknown;
  /** proven canonical while it was read; false means not known */
  readonly plain: boolean;
}

/**
 * The value of a line, or a clause that says why it has none. What only parsing hides (a key given twice, a number that became another)
 * is left to `isCanonical`, which no such line passes; depth and names that schemas drop are refused here, before a schema sees them.
 */
export function parseLine(text: string): ParsedLine | { readonly why: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: "is not JSON (changed or cut off)" };
  }
  if (isPlainlyCanonical(text, value)) return { text, value, plain: true };
  const fault = isDeep(value, MAX_JSON_DEPTH) || text.includes(UNSAFE_KEY) ? jsonFault(value) : undefined;
  return fault === "too-deep" || fault === "unsafe-key"
    ? { why: `cannot be read: ${JSON_FAULTS[fault]}` }
    : { text, value, plain: false };
}

const UNSAFE_KEY = "__proto__";

/** Whether there is an array or object below so many others. */
function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (isDeep(value[i], levels - 1)) return true;
    return false;
  }
  for (const key in value) if (isDeep(Reflect.get(value, key), levels - 1)) return true;
  return false;
}

/** Whether the line is exactly the canonical JSON (RFC 8785) of the value parsed from it. */
export function isCanonical({ text, value, plain }: ParsedLine): boolean {
  if (plain) return true;
  try {
    return jcs(value) === text;
  } catch {
    // half a surrogate pair or nested without end: no canonical form, so the line is not it
    return false;
  }
}

const EXPONENT = /(?:^|[:,[])-?\d[\d.]*[eE]/;
const SURROGATE = /[\ud800-\udfff]/;

/**
 * A proof by length, in one pass and without writing the value again. Any other text of a value is longer than its canonical one, but for
 * round numbers with an exponent; whatever else is not canonical (white space, fractions of zero, members that come twice) only adds. So
 * without exponents and escapes, and with members in order, a line as long as its canonical form is that form. What passes is not
 * deeper than may be read, and has no name that schemas drop. False means not known.
 */
function isPlainlyCanonical(text: string, value: unknown): boolean {
  if (text.includes("\\") || text.includes(UNSAFE_KEY) || SURROGATE.test(text)) return false;
  const seen = { round: false };
  return canonicalLength(value, MAX_JSON_DEPTH, seen) === text.length && !(seen.round && EXPONENT.test(text));
}

/**
 * Of values whose strings need no escapes; NaN for what is nested deeper than so many levels, for keys that are out of order or moved by the
 * parser, and for numbers with fractions. Notes numbers that are no longer with an exponent: `1e2`, and none with fewer zeros.
 */
function canonicalLength(value: unknown, levels: number, seen: { round: boolean }): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) return Number.NaN;
    if (value % 100 === 0 && value !== 0) seen.round = true;
    return String(value).length;
  }
  if (typeof value === "boolean") return value ? 4 : 5;
  if (typeof value !== "object" || value === null) return 4;
  if (levels === 0) return Number.NaN;
  let length = 1;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) length += canonicalLength(value[i], levels - 1, seen) + 1;
  } else {
    let previous = "";
    for (const key in value) {
      if (key < previous || isDigit(key.charCodeAt(0))) return Number.NaN;
      length += key.length + 4 + canonicalLength(Reflect.get(value, key), levels - 1, seen);
      previous = key;
    }
  }
  return length === 1 ? 2 : length;
}

/** Keys like numbers are moved to the front by the parser. */
const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

/**
 * `eventHash` of a canonical event line without serialising it again: cuts `"hash":…,"prev":…,` out. After these two members come only
 * plain strings and numbers, in which a raw quote cannot stand, so the last place is the right one.
 */
export function hashOfLine(line: string, prev: string, hash: string): string {
  const members = `"hash":"${hash}","prev":"${prev}",`;
  const at = line.lastIndexOf(members);
  return sha256Hex(at === -1 ? prev + line : prev + line.slice(0, at) + line.slice(at + members.length));
}
