/** What the table ports share: insert-only writes, consistent reads, and telling a lost race from a failure. */
import {
  type AttributeValue,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type * as z from "zod";
import { CountersignError } from "../errors.js";

export interface TableRef {
  readonly client: DynamoDBClient;
  readonly table: string;
}
export interface RowKey {
  readonly pk: string;
  readonly sk: string;
}
export type Row = Readonly<Record<string, unknown>> & RowKey;

/** PartiQL `INSERT` of one item and its parameters, in the order of the item's attributes. */
export function insertStatement(table: string, row: Row): { Statement: string; Parameters: AttributeValue[] } {
  const present = Object.entries(row).filter(([, value]) => value !== undefined);
  const members = present.map(([name]) => `'${name}': ?`).join(", ");
  const item = marshall(Object.fromEntries(present));
  return {
    Statement: `INSERT INTO "${table}" VALUE {${members}}`,
    Parameters: present.flatMap(([name]) => item[name] ?? []),
  };
}

/** Inserts a row; an existing one stays as it is. Needs `dynamodb:PartiQLInsert` only. */
export async function insertRow({ client, table }: TableRef, row: Row): Promise<"inserted" | "exists"> {
  try {
    await client.send(new ExecuteStatementCommand(insertStatement(table, row)));
    return "inserted";
  } catch (error) {
    if (isNamed(error, "DuplicateItemException") || isNamed(error, "ConditionalCheckFailedException")) return "exists";
    throw error;
  }
}

/** Reads one row consistently. Needs `dynamodb:GetItem`. */
export async function getRow<S extends z.ZodType>(
  { client, table }: TableRef,
  key: RowKey,
  schema: S,
): Promise<z.output<S> | undefined> {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : parseRow(table, unmarshall(Item), schema);
}

/** Reads one partition consistently, in order of `sk`, page by page. Needs `dynamodb:Query`. */
export async function queryRows<S extends z.ZodType>(
  { client, table }: TableRef,
  pk: string,
  sk: { readonly from?: string; readonly prefix?: string },
  schema: S,
  limit = Number.POSITIVE_INFINITY,
): Promise<z.output<S>[]> {
  const range = sk.prefix !== undefined ? " AND begins_with(sk, :sk)" : sk.from !== undefined ? " AND sk >= :sk" : "";
  const bound = sk.prefix ?? sk.from;
  const rows: z.output<S>[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: `pk = :pk${range}`,
        ExpressionAttributeValues: marshall(bound === undefined ? { ":pk": pk } : { ":pk": pk, ":sk": bound }),
        ...(Number.isFinite(limit) ? { Limit: limit } : {}),
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const item of page.Items ?? []) rows.push(parseRow(table, unmarshall(item), schema));
    start = page.LastEvaluatedKey;
  } while (start !== undefined && rows.length < limit);
  return rows;
}

/** Runs a conditional write; false when its condition did not hold. */
export async function held(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isNamed(error, "ConditionalCheckFailedException")) return false;
    throw error;
  }
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

/** Parses what was stored. The message names the place and the first fault, never the values. */
export function parseRow<S extends z.ZodType>(place: string, value: unknown, schema: S): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CountersignError(
    "CS-3402",
    `${place}: ${issue?.path.join(".") ?? ""} is not what was written there (${issue?.code ?? "invalid"}); restore it from a backup`,
  );
}

/**
 * Before anything is stored: what could not be read back would be in everybody's way for ever.
 * @throws CountersignError CS-3403
 */
export function checkForm<S extends z.ZodType>(what: string, schema: S, value: z.output<S>): void {
  const parsed = schema.safeParse(value);
  if (parsed.success) return;
  const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
  throw new CountersignError("CS-3403", `${what} is not of its form at ${path}; nothing is written`);
}

/** The JSON text that `parseJson` will read. @throws CountersignError CS-3403 */
export function jsonText<S extends z.ZodType>(what: string, schema: S, value: z.output<S>): string {
  checkForm(what, schema, value);
  return JSON.stringify(value);
}

/** Parses a JSON text that a port stored itself. */
export function parseJson<S extends z.ZodType>(place: string, text: string, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CountersignError("CS-3402", `${place}: not JSON any more; restore it from a backup`);
  }
  return parseRow(place, value, schema);
}
