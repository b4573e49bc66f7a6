import type { Caller, CloudContext } from "../types.js";
import type { Access } from "./access.js";
import type { Store } from "./store.js";
import type { Table, Tables } from "./tables.js";
import type { IdempotencyTokens } from "./tokens.js";
import type { Writes } from "./writes.js";

/** What the operations work with. */
export interface Database {
  readonly ctx: CloudContext;
  readonly tables: Tables;
  readonly access: Access;
  readonly writes: Writes;
  readonly tokens: IdempotencyTokens;
  /** the real items */
  main(): Store;
  /** makes a table from the properties of `AWS::DynamoDB::Table`; @throws CountersignError CS-4023, CS-4030 */
  createTable(name: string, properties: Readonly<Record<string, unknown>>): Promise<Table>;
  /** deletes the table with its items, also on disk */
  dropTable(name: string): Promise<void>;
}

/** One operation: parses its own input, asks for access, answers the output's members. */
export type Operation = (db: Database, body: Buffer, caller: Caller) => object | Promise<object>;
