/** One line of an export, read for speed: most lines are canonical and are hashed as they stand. */
import { jcs, sha256Hex } from "../run/canonical.js";

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
