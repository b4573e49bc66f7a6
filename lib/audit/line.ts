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
  const fault = isSuspect(line) ? jsonFault(value) : undefined;
  return fault === "too-deep" || fault === "unsafe-key" ? { why: `cannot be read: ${JSON_FAULTS[fault]}` } : { value };
}

/** Measuring every value would cost more than verifying it: a line with few brackets is not deep. */
function isSuspect(line: string): boolean {
  return countUpTo(line, "{") + countUpTo(line, "[") > MAX_JSON_DEPTH || line.includes("__proto__");
}

function countUpTo(line: string, bracket: string): number {
  let count = 0;
  for (let at = line.indexOf(bracket); at !== -1 && count <= MAX_JSON_DEPTH; at = line.indexOf(bracket, at + 1))
    count += 1;
  return count;
}

/** Whether the line is exactly the canonical JSON (RFC 8785) of the value parsed from it. */
export function isCanonical(line: string, value: unknown): boolean {
  // what JSON.stringify gives back unchanged, with its keys in order, is canonical; an escaped surrogate is the exception
  if (hasSortedKeys(value) && !line.includes("\\ud") && JSON.stringify(value) === line) return true;
  try {
    return jcs(value) === line;
  } catch {
    // half a surrogate pair: no canonical form, so the line is not it
    return false;
  }
}

function hasSortedKeys(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!hasSortedKeys(value[i])) return false;
    return true;
  }
  let previous = "";
  for (const [key, member] of Object.entries(value)) {
    if (key < previous || !hasSortedKeys(member)) return false;
    previous = key;
  }
  return true;
}

/**
 * `eventHash` of a canonical event line without serialising it again: cuts `"hash":…,"prev":…,` out. After these two members come only
 * plain strings and numbers, in which a raw quote cannot stand, so the last place is the right one.
 */
export function hashOfLine(line: string, prev: string, hash: string): string {
  const members = `"hash":"${hash}","prev":"${prev}",`;
  const at = line.lastIndexOf(members);
  return sha256Hex(prev, at === -1 ? line : line.slice(0, at) + line.slice(at + members.length));
}
