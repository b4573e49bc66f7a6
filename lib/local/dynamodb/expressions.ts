/** Which attributes a DynamoDB expression touches: what `dynamodb:Attributes` and `dynamodb:LeadingKeys` show. */
import type { AttributeValue } from "./values.js";

export interface ExpressionMaps {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, AttributeValue>>;
}

interface Token {
  readonly kind: "name" | "value" | "symbol";
  readonly text: string;
}

const TOKEN = /\s*(?:([A-Za-z_#][\w#]*)|(:\w+)|(<=|>=|<>|\d+|[^\s\w]))/y;
const KEYWORDS = new Set(["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"]);

function tokens(expression: string): readonly Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const match = TOKEN.exec(expression);
    if (match === null) break;
    const [, name, value, symbol] = match;
    if (name !== undefined) found.push({ kind: "name", text: name });
    else if (value !== undefined) found.push({ kind: "value", text: value });
    else if (symbol !== undefined) found.push({ kind: "symbol", text: symbol });
  }
  return found;
}

/** The top-level attributes an expression names, e.g. `a` for `SET #a.b[0] = :v`. */
export function topLevelAttributes(expression: string | undefined, maps: ExpressionMaps): readonly string[] {
  if (expression === undefined) return [];
  const all = tokens(expression);
  return all.flatMap((token, index) => {
    const inPath = all[index - 1]?.text === ".";
    const isFunction = all[index + 1]?.text === "(" && !token.text.startsWith("#");
    if (token.kind !== "name" || inPath || isFunction || KEYWORDS.has(token.text.toUpperCase())) return [];
    return [attributeName(token.text, maps)];
  });
}

/** The values an attribute is compared with by `=`, on either side of the sign. */
export function equalValues(expression: string, attribute: string, maps: ExpressionMaps): readonly AttributeValue[] {
  const all = tokens(expression);
  const isAttribute = (token: Token | undefined): boolean =>
    token?.kind === "name" && attributeName(token.text, maps) === attribute;
  return all.flatMap((token, index) => {
    if (token.text !== "=") return [];
    const [left, right] = [all[index - 1], all[index + 1]];
    const value = isAttribute(left) ? right : isAttribute(right) ? left : undefined;
    const found = value?.kind === "value" ? maps.values[value.text] : undefined;
    return found === undefined ? [] : [found];
  });
}

function attributeName(token: string, maps: ExpressionMaps): string {
  return token.startsWith("#") ? (maps.names[token] ?? token) : token;
}
