/** `AWS::DynamoDB::GlobalTable` and `AWS::DynamoDB::Table` as table definitions. Replicas elsewhere are refused. */
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { stableUuid } from "../services/support/ids.js";
import { resourcePolicy } from "../services/support/policies.js";
import { parseProperties, tagList, templateBoolean, templateInteger, where } from "../services/support/properties.js";
import type { PolicyDocument, ResourceRequest } from "../types.js";
import { tableName } from "./requests.js";
import { storedPolicy } from "./settings.js";
import type { TableDefinition, TableSchema, TableSettings } from "./tables.js";

const keySchema = z
  .array(z.strictObject({ AttributeName: z.string().min(1).max(255), KeyType: z.enum(["HASH", "RANGE"]) }))
  .min(1)
  .max(2);
const index = z.strictObject({
  IndexName: z.string().regex(/^[a-zA-Z0-9_.-]{3,255}$/),
  KeySchema: keySchema,
  Projection: z.strictObject({
    ProjectionType: z.enum(["ALL", "KEYS_ONLY", "INCLUDE"]),
    NonKeyAttributes: z.array(z.string()).min(1).exactOptional(),
  }),
});
const schema = {
  TableName: tableName.exactOptional(),
  AttributeDefinitions: z.array(
    z.strictObject({ AttributeName: z.string().min(1).max(255), AttributeType: z.enum(["S", "N", "B"]) }),
  ),
  KeySchema: keySchema,
  BillingMode: z.literal("PAY_PER_REQUEST", "only PAY_PER_REQUEST is modelled"),
  GlobalSecondaryIndexes: z.array(index).min(1).exactOptional(),
  LocalSecondaryIndexes: z.array(index).min(1).exactOptional(),
  StreamSpecification: z
    .strictObject({ StreamViewType: z.literal("NEW_IMAGE", "only NEW_IMAGE is modelled") })
    .exactOptional(),
  TimeToLiveSpecification: z
    .strictObject({ Enabled: templateBoolean, AttributeName: z.string().min(1).exactOptional() })
    .exactOptional(),
};
const perRegion = {
  DeletionProtectionEnabled: templateBoolean.exactOptional(),
  PointInTimeRecoverySpecification: z
    .strictObject({
      PointInTimeRecoveryEnabled: templateBoolean,
      RecoveryPeriodInDays: templateInteger.exactOptional(),
    })
    .exactOptional(),
  ResourcePolicy: z.strictObject({ PolicyDocument: resourcePolicy }).exactOptional(),
  TableClass: z.enum(["STANDARD", "STANDARD_INFREQUENT_ACCESS"]).exactOptional(),
  Tags: tagList.exactOptional(),
};
const sse = { SSEEnabled: templateBoolean, SSEType: z.literal("KMS").exactOptional() };

const globalTable = z.strictObject({
  ...schema,
  SSESpecification: z.strictObject(sse).exactOptional(),
  Replicas: z.tuple(
    [
      z.strictObject({
        ...perRegion,
        Region: z.string(),
        GlobalSecondaryIndexes: z.array(z.strictObject({ IndexName: z.string() })).exactOptional(),
        SSESpecification: z.strictObject({ KMSMasterKeyId: z.string() }).exactOptional(),
      }),
    ],
    "one replica, in the stack's own region",
  ),
});
const table = z.strictObject({
  ...schema,
  ...perRegion,
  SSESpecification: z.strictObject({ ...sse, KMSMasterKeyId: z.string().exactOptional() }).exactOptional(),
});

/** On AWS the time at which the stream was switched on. */
const STREAM_LABEL = "2026-01-01T00:00:00.000";

/** Where the table is made. */
export interface Place {
  readonly region: string;
  readonly nowMs: number;
  arnOf(tableName: string): string;
}

/** @throws CountersignError CS-4023, CS-4030 */
export function fromGlobalTable(request: ResourceRequest, place: Place): TableDefinition {
  const properties = parseProperties(request, globalTable);
  const [replica] = properties.Replicas;
  if (replica.Region !== place.region) {
    throw unmodelled(
      request,
      "Replicas.0.Region",
      `is ${replica.Region}; only the stack's own region ${place.region} is modelled`,
    );
  }
  const indexes = (properties.GlobalSecondaryIndexes ?? []).map((definition) => definition.IndexName);
  for (const { IndexName: name } of replica.GlobalSecondaryIndexes ?? []) {
    if (!indexes.includes(name))
      throw unmodelled(request, "Replicas.0.GlobalSecondaryIndexes", `names ${name}, which is no index of the table`);
  }
  const key = replica.SSESpecification?.KMSMasterKeyId;
  return definitionOf(request, place, properties, replica, {
    enabled: properties.SSESpecification?.SSEEnabled ?? false,
    key,
  });
}

/** @throws CountersignError CS-4023, CS-4030 */
export function fromTable(request: ResourceRequest, place: Place): TableDefinition {
  const properties = parseProperties(request, table);
  const { SSEEnabled: enabled = false, KMSMasterKeyId: key } = properties.SSESpecification ?? {};
  return definitionOf(request, place, properties, properties, { enabled, key });
}

type SchemaProperties = z.output<z.ZodObject<typeof schema>>;
type RegionProperties = z.output<z.ZodObject<typeof perRegion>>;

function definitionOf(
  request: ResourceRequest,
  place: Place,
  properties: SchemaProperties,
  regional: RegionProperties,
  encryption: { readonly enabled: boolean; readonly key: string | undefined },
): TableDefinition {
  const name = properties.TableName ?? request.defaultName;
  return {
    name,
    arn: place.arnOf(name),
    id: stableUuid(request),
    createdAtMs: place.nowMs,
    schema: schemaOf(request, properties),
    tableClass: regional.TableClass ?? "STANDARD",
    tags: regional.Tags ?? [],
    settings: settingsOf(request, properties, regional),
    ...(properties.StreamSpecification === undefined
      ? {}
      : { streamArn: `${place.arnOf(name)}/stream/${STREAM_LABEL}` }),
    ...(encryption.enabled ? { encryption: encryption.key === undefined ? {} : { kmsKeyArn: encryption.key } } : {}),
  };
}

function schemaOf(request: ResourceRequest, properties: SchemaProperties): TableSchema {
  const {
    AttributeDefinitions: attributes,
    KeySchema,
    GlobalSecondaryIndexes: global,
    LocalSecondaryIndexes: local,
  } = properties;
  const schemas = [KeySchema, ...[...(global ?? []), ...(local ?? [])].map((definition) => definition.KeySchema)];
  const used = new Set(schemas.flat().map((element) => element.AttributeName));
  const defined = new Set(attributes.map((attribute) => attribute.AttributeName));
  const differ = [...used, ...defined].filter((name) => !used.has(name) || !defined.has(name));
  if (differ.length > 0) {
    throw unmodelled(
      request,
      "AttributeDefinitions",
      `and the key schemas differ in ${differ.join(", ")}; list exactly the key attributes`,
    );
  }
  return {
    AttributeDefinitions: attributes,
    KeySchema,
    ...(global === undefined ? {} : { GlobalSecondaryIndexes: global }),
    ...(local === undefined ? {} : { LocalSecondaryIndexes: local }),
  };
}

function settingsOf(request: ResourceRequest, properties: SchemaProperties, regional: RegionProperties): TableSettings {
  const recovery = regional.PointInTimeRecoverySpecification;
  return {
    deletionProtection: regional.DeletionProtectionEnabled ?? false,
    pointInTimeRecovery: recovery?.PointInTimeRecoveryEnabled ?? false,
    recoveryPeriodDays: recovery?.RecoveryPeriodInDays ?? 35,
    ...timeToLive(request, properties.TimeToLiveSpecification),
    ...policyOf(regional.ResourcePolicy?.PolicyDocument),
  };
}

function timeToLive(request: ResourceRequest, wanted: SchemaProperties["TimeToLiveSpecification"]) {
  if (wanted?.Enabled !== true) return {};
  if (wanted.AttributeName !== undefined) return { timeToLiveAttribute: wanted.AttributeName };
  throw unmodelled(
    request,
    "TimeToLiveSpecification.AttributeName",
    "is missing; name the attribute that holds the epoch seconds",
  );
}

function policyOf(document: PolicyDocument | undefined) {
  return document === undefined ? {} : { resourcePolicy: storedPolicy(JSON.stringify(document)) };
}

function unmodelled(request: ResourceRequest, property: string, problem: string): CountersignError {
  return new CountersignError("CS-4023", `${where(request)}: ${property} ${problem}`, {
    logicalId: request.logicalId,
    property,
  });
}
