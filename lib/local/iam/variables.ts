import type { RequestKeys } from "./keys.js";
import { ANY_ONE, ANY_RUN, glob, literal, type Pattern, type Token } from "./pattern.js";

interface Variable {
  readonly key: string;
  readonly fallback?: string;
}
type Piece = { readonly tokens: Pattern } | { readonly variable: Variable };

/** Text of a policy element, read once: literal text, wildcards, `${variables}`. */
export interface Template {
  /** the pattern for this request; undefined when a variable is not understood */
  expand(keys: RequestKeys): Pattern | undefined;
}

export interface TemplateOptions {
  /** policy variables exist from version 2012-10-17 on; before, `${` is plain text */
  readonly variables: boolean;
  readonly wildcards: boolean;
}

const VARIABLE = /^([A-Za-z0-9:/_.@+=-]+?)(?:\s*,\s*'([^']*)')?$/;

export function template(text: string, options: TemplateOptions): Template {
  const plain = options.wildcards ? glob : literal;
  if (!options.variables || !text.includes("${")) {
    const pattern = plain(text);
    return { expand: () => pattern };
  }
  const pieces = split(text, plain);
  return { expand: (keys) => (pieces === undefined ? undefined : fill(pieces, keys)) };
}

function split(text: string, plain: (text: string) => Pattern): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("${", at);
    if (open < 0) break;
    const close = text.indexOf("}", open);
    if (close < 0) return undefined;
    const piece = readPiece(text.slice(open + 2, close));
    if (piece === undefined) return undefined;
    pieces.push({ tokens: plain(text.slice(at, open)) }, piece);
    at = close + 1;
  }
  return [...pieces, { tokens: plain(text.slice(at)) }];
}

function readPiece(inside: string): Piece | undefined {
  if (inside === "*" || inside === "?" || inside === "$") return { tokens: literal(inside) };
  const [, key, fallback] = VARIABLE.exec(inside) ?? [];
  if (key?.includes(":") !== true) return undefined;
  return { variable: { key, ...(fallback === undefined ? {} : { fallback }) } };
}

function fill(pieces: readonly Piece[], keys: RequestKeys): Pattern | undefined {
  const tokens: Token[] = [];
  for (const piece of pieces) {
    const part = "tokens" in piece ? piece.tokens : substitute(piece.variable, keys);
    if (part === undefined) return undefined;
    tokens.push(...part);
  }
  return tokens;
}

function substitute(variable: Variable, keys: RequestKeys): Pattern | undefined {
  const found = keys.read(variable.key);
  if (found.kind === "absent") return variable.fallback === undefined ? undefined : literal(variable.fallback);
  if (found.kind === "unmodelled" || found.multivalued) return undefined;
  const [value] = found.values;
  // Whether a wildcard that a request brings along acts as one is nowhere documented.
  return value === undefined || glob(value).some((token) => token === ANY_RUN || token === ANY_ONE)
    ? undefined
    : literal(value);
}
