import type { PolicyDocument } from "../types.js";
import { AwsFault } from "../types.js";

export interface KeyNames {
  readonly partition: string;
  readonly sort?: string;
}
export interface KeySchemaElement {
  readonly AttributeName: string;
  readonly KeyType: "HASH" | "RANGE";
}
export interface IndexDefinition {
  readonly IndexName: string;
  readonly KeySchema: readonly KeySchemaElement[];
  readonly Projection: {
    readonly ProjectionType: "ALL" | "KEYS_ONLY" | "INCLUDE";
    readonly NonKeyAttributes?: readonly string[];
  };
}

/** What `CreateTable` of dynalite gets. */
export interface TableSchema {
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: "S" | "N" | "B" }[];
  readonly KeySchema: readonly KeySchemaElement[];
  readonly GlobalSecondaryIndexes?: readonly IndexDefinition[];
  readonly LocalSecondaryIndexes?: readonly IndexDefinition[];
}

/** What can change while the table exists. */
export interface TableSettings {
  readonly deletionProtection: boolean;
  readonly pointInTimeRecovery: boolean;
  readonly recoveryPeriodDays: number;
  readonly timeToLiveAttribute?: string;
  readonly resourcePolicy?: { readonly document: PolicyDocument; readonly text: string; readonly revision: string };
}

export interface TableDefinition {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly schema: TableSchema;
  readonly tableClass: "STANDARD" | "STANDARD_INFREQUENT_ACCESS";
  /** present when the template asks for a KMS key; the key itself is not used here */
  readonly encryption?: { readonly kmsKeyArn?: string };
  /** of tables with a stream */
  readonly streamArn?: string;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
  /** as the template says; `reset` returns to them */
  readonly settings: TableSettings;
}

export interface Table extends Omit<TableDefinition, "settings"> {
  readonly keys: KeyNames;
  settings: TableSettings;
}

export function keyNames(schema: readonly KeySchemaElement[]): KeyNames {
  const partition = schema.find((element) => element.KeyType === "HASH")?.AttributeName ?? "";
  const sort = schema.find((element) => element.KeyType === "RANGE")?.AttributeName;
  return sort === undefined ? { partition } : { partition, sort };
}

/** The tables that exist. */
export class Tables {
  readonly #defined = new Map<string, TableDefinition>();
  readonly #tables = new Map<string, Table>();
  /** made by a call, not by a template: once deleted they do not come back */
  readonly #called = new Set<string>();

  define(definition: TableDefinition, by: "template" | "call" = "template"): Table {
    if (by === "call") this.#called.add(definition.name);
    const table: Table = { ...definition, keys: keyNames(definition.schema.KeySchema) };
    this.#defined.set(definition.name, definition);
    this.#tables.set(definition.name, table);
    return table;
  }

  find(name: string): Table | undefined {
    return this.#tables.get(name);
  }

  /** @throws AwsFault ResourceNotFoundException */
  get(name: string): Table {
    const table = this.find(name);
    if (table === undefined) throw new AwsFault("ResourceNotFoundException", "Requested resource not found");
    return table;
  }

  byArn(arn: string): Table {
    const table = [...this.#tables.values()].find((candidate) => candidate.arn === arn);
    if (table === undefined) {
      throw new AwsFault("ResourceNotFoundException", `Requested resource not found: ResourcePolicy for ${arn}`);
    }
    return table;
  }

  names(): readonly string[] {
    return [...this.#tables.keys()].sort();
  }

  drop(name: string): void {
    this.#tables.delete(name);
    if (this.#called.delete(name)) this.#defined.delete(name);
  }

  /** every table as its template made it, deleted ones too; of those that a call made, the ones that are there */
  restoreDefinitions(): readonly Table[] {
    return [...this.#defined.values()].map((definition) => this.define(definition));
  }
}

/** The keys a read through an index (or the table itself) goes by. */
export function readKeys(table: Table, indexName: string | undefined): KeyNames {
  if (indexName === undefined) return table.keys;
  const indexes = [...(table.schema.GlobalSecondaryIndexes ?? []), ...(table.schema.LocalSecondaryIndexes ?? [])];
  const index = indexes.find((candidate) => candidate.IndexName === indexName);
  if (index === undefined) {
    throw new AwsFault("ValidationException", `The table does not have the specified index: ${indexName}`);
  }
  return keyNames(index.KeySchema);
}
