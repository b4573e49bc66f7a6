/** A SELECT as the Query, Scan or GetItem it stands for. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { AwsFault } from "../../types.js";
import { type KeyNames, readKeys, type Table } from "../tables.js";
import { type AttributeValue, type Item, item } from "../values.js";
import { notModelled } from "./lexer.js";
import type { Condition, Statement } from "./parser.js";

export type Select = Extract<Statement, { kind: "select" }>;

export interface PageOptions {
  readonly consistent: boolean;
  readonly limit?: number;
  readonly startKey?: Item;
}

/** Collects attribute names and values under placeholders. */
class Placeholders {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, AttributeValue> = {};

  name(attribute: string): string {
    const known = Object.entries(this.names).find(([, name]) => name === attribute)?.[0];
    const placeholder = known ?? `#n${Object.keys(this.names).length}`;
    this.names[placeholder] = attribute;
    return placeholder;
  }
  value(value: AttributeValue): string {
    const placeholder = `:v${Object.keys(this.values).length}`;
    this.values[placeholder] = value;
    return placeholder;
  }
  condition(condition: Condition): string {
    const name = this.name(condition.attribute);
    switch (condition.kind) {
      case "compare":
        return `${name} ${condition.comparator} ${this.value(condition.value)}`;
      case "between":
        return `${name} BETWEEN ${this.value(condition.low)} AND ${this.value(condition.high)}`;
      case "missing":
        return `attribute_${condition.negated ? "" : "not_"}exists(${name})`;
      default:
        return `${condition.kind}(${name}, ${this.value(condition.value)})`;
    }
  }
}

/** The partition key's value that the statement asks for; undefined when it reads the whole table. */
export function partitionValue(
  select: { readonly where: readonly Condition[] },
  keys: KeyNames,
): AttributeValue | undefined {
  return equality(select.where, keys.partition)?.value;
}

function equality(where: readonly Condition[], attribute: string) {
  for (const condition of where) {
    if (condition.kind === "compare" && condition.comparator === "=" && condition.attribute === attribute)
      return condition;
  }
  return undefined;
}

/** @throws AwsFault ValidationException for conditions that are not modelled */
export function toRead(
  select: Select,
  table: Table,
  page: PageOptions,
): { operation: "Query" | "Scan"; input: object } {
  const keys = readKeys(table, select.index);
  const placeholders = new Placeholders();
  const partition = equality(select.where, keys.partition);
  const sort = partition === undefined ? undefined : select.where.find((condition) => isSortCondition(condition, keys));
  const rest = select.where.filter((condition) => condition !== partition && condition !== sort);
  if (partition !== undefined && rest.some((condition) => [keys.partition, keys.sort].includes(condition.attribute))) {
    throw notModelled("more than one condition on a key attribute");
  }
  const join = (conditions: readonly Condition[]) => conditions.map((one) => placeholders.condition(one)).join(" AND ");
  const input = {
    TableName: table.name,
    ...(select.index === undefined ? {} : { IndexName: select.index }),
    ...(partition === undefined ? {} : { KeyConditionExpression: join(sort ? [partition, sort] : [partition]) }),
    ...(rest.length === 0 ? {} : { FilterExpression: join(rest) }),
    ...(select.attributes === undefined ? {} : { ProjectionExpression: project(select.attributes, placeholders) }),
    ...(Object.keys(placeholders.names).length === 0 ? {} : { ExpressionAttributeNames: placeholders.names }),
    ...(Object.keys(placeholders.values).length === 0 ? {} : { ExpressionAttributeValues: placeholders.values }),
    ...(page.consistent ? { ConsistentRead: true } : {}),
    ...(page.limit === undefined ? {} : { Limit: page.limit }),
    ...(page.startKey === undefined ? {} : { ExclusiveStartKey: page.startKey }),
  };
  return { operation: partition === undefined ? "Scan" : "Query", input };
}

/** The GetItem of a SELECT that names one item by its whole key. */
export function toGet(select: Select, table: Table): { readonly key: Item; readonly input: object } {
  const { partition, sort } = table.keys;
  const values = [partition, ...(sort === undefined ? [] : [sort])].flatMap((name) => {
    const value = equality(select.where, name)?.value;
    return value === undefined ? [] : [[name, value] as const];
  });
  const wanted = sort === undefined ? 1 : 2;
  if (select.index !== undefined || values.length < wanted) {
    throw new AwsFault(
      "ValidationException",
      "Select statements within a transaction or batch must specify the primary key in the where clause.",
    );
  }
  if (select.where.length > wanted) throw notModelled("a condition besides the key in a transaction or batch");
  const key: Item = Object.fromEntries(values);
  const placeholders = new Placeholders();
  const projection = select.attributes === undefined ? undefined : project(select.attributes, placeholders);
  const projected = { ProjectionExpression: projection, ExpressionAttributeNames: placeholders.names };
  return { key, input: { TableName: table.name, Key: key, ...(projection === undefined ? {} : projected) } };
}

function project(attributes: readonly string[], placeholders: Placeholders): string {
  return attributes.map((attribute) => placeholders.name(attribute)).join(", ");
}

function isSortCondition(condition: Condition, keys: KeyNames): boolean {
  if (condition.attribute !== keys.sort) return false;
  if (condition.kind === "compare") return condition.comparator !== "<>";
  return condition.kind === "between" || condition.kind === "begins_with";
}

const tokenContent = z.strictObject({ of: z.string(), key: item });

/** NextToken: where the next page begins, good for the same statement only. */
export function nextToken(statement: string, parameters: readonly AttributeValue[], key: Item): string {
  return Buffer.from(JSON.stringify({ of: fingerprint(statement, parameters), key })).toString("base64url");
}
/** @throws AwsFault ValidationException for a token of another statement */
export function startKeyOf(token: string, statement: string, parameters: readonly AttributeValue[]): Item {
  const invalid = new AwsFault("ValidationException", "Given NextToken is not valid for the statement and parameters");
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
  } catch {
    throw invalid;
  }
  const parsed = tokenContent.safeParse(content);
  if (!parsed.success || parsed.data.of !== fingerprint(statement, parameters)) throw invalid;
  return parsed.data.key;
}
function fingerprint(statement: string, parameters: readonly AttributeValue[]): string {
  return createHash("sha256")
    .update(JSON.stringify([statement, parameters]))
    .digest("base64url");
}
