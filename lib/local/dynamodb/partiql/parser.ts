/**
 * The PartiQL that the embedded cloud speaks: `INSERT INTO "t" VALUE {…}` and `SELECT … FROM "t"[."index"] WHERE a = ? AND …`.
 * UPDATE and DELETE are read as far as IAM needs to know them.
 */
import type { AttributeValue, Item } from "../values.js";
import { Cursor } from "./cursor.js";
import { notModelled } from "./lexer.js";
import { parseMap, parseValue } from "./literals.js";

export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";
/** One of the conditions that AND joins. */
export type Condition =
  | {
      readonly kind: "compare";
      readonly attribute: string;
      readonly comparator: Comparator;
      readonly value: AttributeValue;
    }
  | {
      readonly kind: "between";
      readonly attribute: string;
      readonly low: AttributeValue;
      readonly high: AttributeValue;
    }
  | { readonly kind: "begins_with" | "contains"; readonly attribute: string; readonly value: AttributeValue }
  | { readonly kind: "missing"; readonly attribute: string; readonly negated: boolean };

export type Statement =
  | { readonly kind: "insert"; readonly table: string; readonly item: Item }
  | {
      readonly kind: "select";
      readonly table: string;
      readonly index?: string;
      /** undefined: `*` */
      readonly attributes?: readonly string[];
      readonly where: readonly Condition[];
    }
  | { readonly kind: "update" | "delete"; readonly table: string; readonly where: readonly Condition[] };

/** @throws AwsFault ValidationException for what is malformed or not modelled */
export function parseStatement(text: string, parameters: readonly AttributeValue[]): Statement {
  const cursor = new Cursor(text, parameters);
  const statement = parseAny(cursor);
  cursor.finish();
  return statement;
}

function parseAny(cursor: Cursor): Statement {
  if (cursor.takeWord("INSERT")) return parseInsert(cursor);
  if (cursor.takeWord("SELECT")) return parseSelect(cursor);
  if (cursor.takeWord("UPDATE")) return parseUpdate(cursor);
  if (cursor.takeWord("DELETE")) return parseDelete(cursor);
  if (cursor.isWord("EXISTS")) throw notModelled("EXISTS");
  throw cursor.unexpected("INSERT, SELECT, UPDATE or DELETE");
}

function parseInsert(cursor: Cursor): Statement {
  cursor.expectWord("INTO");
  const table = parseName(cursor);
  cursor.expectWord("VALUE");
  return { kind: "insert", table, item: parseMap(cursor) };
}

function parseSelect(cursor: Cursor): Statement {
  const attributes = cursor.takeSymbol("*") ? undefined : parseNames(cursor);
  cursor.expectWord("FROM");
  const table = parseName(cursor);
  const index = cursor.takeSymbol(".") ? parseName(cursor) : undefined;
  const where = parseWhere(cursor);
  if (cursor.isWord("ORDER")) throw notModelled("ORDER BY");
  return {
    kind: "select",
    table,
    where,
    ...(index === undefined ? {} : { index }),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

function parseUpdate(cursor: Cursor): Statement {
  const table = parseName(cursor);
  if (!cursor.isWord("SET") && !cursor.isWord("REMOVE")) throw cursor.unexpected("SET or REMOVE");
  skipUntil(cursor, "WHERE");
  const where = parseWhere(cursor);
  skipReturning(cursor);
  return { kind: "update", table, where };
}

function parseDelete(cursor: Cursor): Statement {
  cursor.expectWord("FROM");
  const table = parseName(cursor);
  const where = parseWhere(cursor);
  skipReturning(cursor);
  return { kind: "delete", table, where };
}

/** Passes over tokens, binding their parameters. */
function skipUntil(cursor: Cursor, word: string): void {
  while (cursor.peek().kind !== "end" && !cursor.isWord(word)) if (cursor.next().text === "?") cursor.bind();
}
function skipReturning(cursor: Cursor): void {
  if (cursor.isWord("RETURNING")) skipUntil(cursor, "");
}

function parseWhere(cursor: Cursor): readonly Condition[] {
  if (!cursor.takeWord("WHERE")) return [];
  const conditions = [parseCondition(cursor)];
  while (cursor.takeWord("AND")) conditions.push(parseCondition(cursor));
  if (cursor.isWord("OR")) throw notModelled("OR");
  return conditions;
}

function parseCondition(cursor: Cursor): Condition {
  if (cursor.isSymbol("(") || cursor.isWord("NOT")) throw notModelled("parentheses and NOT");
  for (const kind of ["begins_with", "contains"] as const) {
    if (cursor.takeWord(kind.toUpperCase())) return parseFunction(cursor, kind);
  }
  const attribute = parseName(cursor);
  if (cursor.isSymbol(".") || cursor.isSymbol("[")) throw notModelled("paths into an attribute");
  if (cursor.takeWord("BETWEEN")) {
    const low = parseValue(cursor);
    cursor.expectWord("AND");
    return { kind: "between", attribute, low, high: parseValue(cursor) };
  }
  if (cursor.takeWord("IS")) {
    const negated = cursor.takeWord("NOT");
    cursor.expectWord("MISSING");
    return { kind: "missing", attribute, negated };
  }
  if (cursor.isWord("IN")) throw notModelled("IN");
  return { kind: "compare", attribute, comparator: parseComparator(cursor), value: parseValue(cursor) };
}

function parseFunction(cursor: Cursor, kind: "begins_with" | "contains"): Condition {
  cursor.expectSymbol("(");
  const attribute = parseName(cursor);
  cursor.expectSymbol(",");
  const value = parseValue(cursor);
  cursor.expectSymbol(")");
  return { kind, attribute, value };
}

function parseComparator(cursor: Cursor): Comparator {
  for (const comparator of ["=", "<>", "<=", ">=", "<", ">"] as const)
    if (cursor.takeSymbol(comparator)) return comparator;
  if (cursor.takeSymbol("!=")) return "<>";
  throw cursor.unexpected("a comparison");
}

function parseNames(cursor: Cursor): readonly string[] {
  const names = [parseName(cursor)];
  while (cursor.takeSymbol(",")) names.push(parseName(cursor));
  if (cursor.isSymbol(".") || cursor.isSymbol("[")) throw notModelled("paths into an attribute");
  return names;
}

function parseName(cursor: Cursor): string {
  const token = cursor.peek();
  if ((token.kind !== "name" && token.kind !== "word") || token.text === "") throw cursor.unexpected("a name");
  return cursor.next().text;
}
