import { epochSeconds } from "../services/support/request.js";
import type { IndexDefinition, Table } from "./tables.js";

/** A table as DescribeTable shows it. Item counts and sizes are left out: AWS updates them every six hours. */
export function describe(table: Table, status: "ACTIVE" | "DELETING") {
  const { schema, settings } = table;
  const index = (definition: IndexDefinition) => ({
    ...definition,
    IndexArn: `${table.arn}/index/${definition.IndexName}`,
  });
  const global = schema.GlobalSecondaryIndexes?.map((definition) => ({ ...index(definition), IndexStatus: status }));
  const local = schema.LocalSecondaryIndexes?.map(index);
  return {
    TableName: table.name,
    TableArn: table.arn,
    TableId: table.id,
    TableStatus: status,
    CreationDateTime: epochSeconds(table.createdAtMs),
    AttributeDefinitions: schema.AttributeDefinitions,
    KeySchema: schema.KeySchema,
    BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    TableClassSummary: { TableClass: table.tableClass },
    DeletionProtectionEnabled: settings.deletionProtection,
    ...(global === undefined ? {} : { GlobalSecondaryIndexes: global }),
    ...(local === undefined ? {} : { LocalSecondaryIndexes: local }),
    ...(table.encryption === undefined ? {} : { SSEDescription: encryption(table.encryption) }),
  };
}

function encryption({ kmsKeyArn }: NonNullable<Table["encryption"]>) {
  return { Status: "ENABLED", SSEType: "KMS", ...(kmsKeyArn === undefined ? {} : { KMSMasterKeyArn: kmsKeyArn }) };
}
