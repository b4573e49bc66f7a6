/** One line of an export, read for speed: most lines are canonical and are hashed as they stand. */
import { jcs, sha256Hex } from "../run/canonical.js";
import { JSON_FAULTS, jsonFault, MAX_JSON_DEPTH } from "../run/json.js";

/**
 * The value of a line, or a clause that says why it has none. What only parsing hides (a key given twice, a number that became another)
 * is left to `isCanonical`, which no such line passes; depth and names that schemas drop are refused here, before a schema sees them.
 */
export function parseLine(line: string): { readonly value: unknown } | { readonly why: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { why: "is not JSON (changed or cut off)" };
  }
  const fault = isDeep(value, MAX_JSON_DEPTH) || line.includes("__proto__") ? jsonFault(value) : undefined;
  return fault === "too-deep" || fault === "unsafe-key" ? { why: `cannot be read: ${JSON_FAULTS[fault]}` } : { value };
}

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
export function isCanonical(line: string, value: unknown): boolean {
  try {
    return isPlainlyCanonical(line, value) || jcs(value) === line;
  } catch {
    // half a surrogate pair or nested without end: no canonical form, so the line is not it
    return false;
  }
}

const EXPONENT = /(?:^|[:,[])-?\d[\d.]*[eE]/;
const SURROGATE = /[\ud800-\udfff]/;

/**
 * A proof by length, in one pass and without writing the value again. No text of a value is shorter than its canonical one, but for
 * numbers with an exponent; whatever else is not canonical (white space, fractions of zero, members that come twice) only adds. So
 * without exponents and escapes, and with members in order, a line as long as its canonical form is that form. False means not known.
 */
function isPlainlyCanonical(line: string, value: unknown): boolean {
  if (line.includes("\\") || EXPONENT.test(line) || SURROGATE.test(line)) return false;
  return canonicalLength(value) === line.length;
}

/** Of values whose strings need no escapes; NaN for keys that are out of order or moved by the parser, and for numbers with fractions. */
function canonicalLength(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value).length : Number.NaN;
  if (typeof value === "boolean") return value ? 4 : 5;
  if (typeof value !== "object" || value === null) return 4;
  let length = 1;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) length += canonicalLength(value[i]) + 1;
  } else {
    let previous = "";
    for (const key in value) {
      if (key < previous || isDigit(key.charCodeAt(0))) return Number.NaN;
      length += key.length + 4 + canonicalLength(Reflect.get(value, key));
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
