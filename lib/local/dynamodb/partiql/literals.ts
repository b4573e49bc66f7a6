import type { AttributeValue, Item } from "../values.js";
import type { Cursor } from "./cursor.js";
import { malformed } from "./lexer.js";

const MAX_NESTING = 32;

/** A literal or a `?`. */
export function parseValue(cursor: Cursor, depth = 0): AttributeValue {
  if (depth > MAX_NESTING) throw malformed("nested deeper than 32");
  if (cursor.takeSymbol("?")) return cursor.bind();
  if (cursor.isSymbol("{")) return { M: parseMap(cursor, depth) };
  if (cursor.isSymbol("[")) return { L: parseSequence(cursor, "[", "]", depth) };
  if (cursor.isSymbol("<<")) return setOf(parseSequence(cursor, "<<", ">>", depth));
  const negative = cursor.takeSymbol("-");
  const token = cursor.peek();
  if (token.kind === "number") return { N: `${negative ? "-" : ""}${cursor.next().text}` };
  if (negative) throw cursor.unexpected("a number");
  if (token.kind === "text") return { S: cursor.next().text };
  if (cursor.takeWord("TRUE")) return { BOOL: true };
  if (cursor.takeWord("FALSE")) return { BOOL: false };
  if (cursor.takeWord("NULL")) return { NULL: true };
  throw cursor.unexpected("a value");
}

/** `{'name': value, …}` */
export function parseMap(cursor: Cursor, depth = 0): Item {
  const entries: [string, AttributeValue][] = [];
  cursor.expectSymbol("{");
  if (!cursor.isSymbol("}")) {
    do {
      const token = cursor.peek();
      if (token.kind !== "text") throw cursor.unexpected("an attribute name in single quotes");
      cursor.next();
      cursor.expectSymbol(":");
      if (token.text === "__proto__") throw malformed("an attribute cannot be named __proto__ here");
      if (entries.some(([name]) => name === token.text)) throw malformed(`attribute ${token.text} is given twice`);
      entries.push([token.text, parseValue(cursor, depth + 1)]);
    } while (cursor.takeSymbol(","));
  }
  cursor.expectSymbol("}");
  return Object.fromEntries(entries);
}

function parseSequence(cursor: Cursor, open: string, close: string, depth: number): readonly AttributeValue[] {
  const values: AttributeValue[] = [];
  cursor.expectSymbol(open);
  if (!cursor.isSymbol(close)) {
    do values.push(parseValue(cursor, depth + 1));
    while (cursor.takeSymbol(","));
  }
  cursor.expectSymbol(close);
  return values;
}

/** `<<1, 2>>`: all numbers or all strings. */
function setOf(values: readonly AttributeValue[]): AttributeValue {
  const numbers = values.flatMap((value) => ("N" in value ? [value.N] : []));
  if (numbers.length > 0 && numbers.length === values.length) return { NS: numbers };
  const texts = values.flatMap((value) => ("S" in value ? [value.S] : []));
  if (texts.length > 0 && texts.length === values.length) return { SS: texts };
  throw malformed("a set holds one or more values of one type: strings or numbers");
}
