/**
 * How deep a Cedar text is, before the engine reads it. The engine is WebAssembly with a small stack: a text that is too deep ends it, and
 * every later call in the process fails with it, also those that decide.
 */

/** Brackets in brackets. The engine ends at about 100. */
const MAX_NESTING = 32;
/** The engine's validator ends at 350 `&&`, 150 `+`, 200 members of members or 200 `else`: a chain is as deep as it is long. */
const WEIGHTS: Readonly<Record<string, number>> = { "&&": 3, "||": 3, "+": 7, "-": 7, "*": 7, else: 5 };
const MEMBER_WEIGHT = 5;
/** 1050 is the end. */
const MAX_WEIGHT = 600;

const PIECE = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|[([{}\]);]|\belse\b|&&|\|\||[.+*,<>=-]/gs;

/** What of the text the engine would not survive, as the rest of a sentence; undefined when it may be read. */
export function nestingFault(text: string): string | undefined {
  let depth = 0;
  let weight = 0;
  /** `a.b["c"].d` and the longest of them */
  let members = 0;
  let longest = 0;
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece === "(" || piece === "[" || piece === "{") depth += 1;
    else if (piece === ")" || piece === "]" || piece === "}") depth = Math.max(0, depth - 1);
    else if (piece === ";" && depth === 0) [weight, longest] = [0, 0];
    weight += WEIGHTS[piece] ?? 0;
    if (piece === "." || piece === "[") members += 1;
    else if (piece !== "]" && !piece.startsWith('"')) members = 0;
    longest = Math.max(longest, members);
    if (depth > MAX_NESTING) return `is nested deeper than ${MAX_NESTING} brackets`;
    if (weight + longest * MEMBER_WEIGHT > MAX_WEIGHT)
      return "has too long a chain of operators, members or conditions";
  }
  return undefined;
}
