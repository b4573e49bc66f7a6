/**
 * The operations' inputs. Legacy members (`Expected`, `AttributeUpdates`, `KeyConditions`, …) are refused: they would
 * touch attributes that the IAM check does not see.
 */
import * as z from "zod";
import { attributeValue, item } from "./values.js";

export const tableName = z.string().regex(/^[a-zA-Z0-9_.-]{3,255}$/, "a table name of 3 to 255 letters, digits, _ . -");
const expression = z.string().min(1).exactOptional();
const names = z.record(z.string(), z.string()).exactOptional();
const values = z.record(z.string(), attributeValue).exactOptional();
const consumedCapacity = z.enum(["INDEXES", "TOTAL", "NONE"]).exactOptional();
const noCapacity = z.literal("NONE", "the embedded cloud counts no capacity here").exactOptional();
const noMetrics = z.literal("NONE", "the embedded cloud has no item collection metrics").exactOptional();
const onFailure = z.enum(["ALL_OLD", "NONE"]).exactOptional();
const indexName = z.string().min(1).exactOptional();
const limit = z.int().min(1).exactOptional();
const token = z.string().min(1).max(36).exactOptional();

const keyed = { TableName: tableName, Key: item };
const conditional = {
  ConditionExpression: expression,
  ExpressionAttributeNames: names,
  ExpressionAttributeValues: values,
};
const projected = { ProjectionExpression: expression, ExpressionAttributeNames: names };
const writeOptions = {
  ReturnConsumedCapacity: consumedCapacity,
  ReturnItemCollectionMetrics: noMetrics,
  ReturnValuesOnConditionCheckFailure: onFailure,
};

export const getItem = z.strictObject({
  ...keyed,
  ...projected,
  ConsistentRead: z.boolean().exactOptional(),
  ReturnConsumedCapacity: consumedCapacity,
});
export const putItem = z.strictObject({
  TableName: tableName,
  Item: item,
  ...conditional,
  ...writeOptions,
  ReturnValues: z.enum(["NONE", "ALL_OLD"]).exactOptional(),
});
export const updateItem = z.strictObject({
  ...keyed,
  ...conditional,
  ...writeOptions,
  UpdateExpression: expression,
  ReturnValues: z.enum(["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]).exactOptional(),
});
export const deleteItem = z.strictObject({
  ...keyed,
  ...conditional,
  ...writeOptions,
  ReturnValues: z.enum(["NONE", "ALL_OLD"]).exactOptional(),
});

const read = {
  TableName: tableName,
  IndexName: indexName,
  ...projected,
  ExpressionAttributeValues: values,
  FilterExpression: expression,
  Select: z.enum(["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"]).exactOptional(),
  Limit: limit,
  ExclusiveStartKey: item.exactOptional(),
  ConsistentRead: z.boolean().exactOptional(),
  ReturnConsumedCapacity: consumedCapacity,
};
export const query = z.strictObject({
  ...read,
  KeyConditionExpression: z.string().min(1),
  ScanIndexForward: z.boolean().exactOptional(),
});
export const scan = z.strictObject({
  ...read,
  Segment: z.int().min(0).exactOptional(),
  TotalSegments: z.int().min(1).exactOptional(),
});

export const batchGetItem = z.strictObject({
  RequestItems: z.record(
    tableName,
    z.strictObject({ Keys: z.array(item).min(1).max(100), ...projected, ConsistentRead: z.boolean().exactOptional() }),
  ),
  ReturnConsumedCapacity: consumedCapacity,
});
const writeRequest = z.union([
  z.strictObject({ PutRequest: z.strictObject({ Item: item }) }),
  z.strictObject({ DeleteRequest: z.strictObject({ Key: item }) }),
]);
export const batchWriteItem = z.strictObject({
  RequestItems: z.record(tableName, z.array(writeRequest).min(1).max(25)),
  ReturnConsumedCapacity: noCapacity,
  ReturnItemCollectionMetrics: noMetrics,
});

const inTransaction = { ReturnValuesOnConditionCheckFailure: onFailure };
export const transactWriteItem = z.strictObject({
  Put: z.strictObject({ TableName: tableName, Item: item, ...conditional, ...inTransaction }).exactOptional(),
  Update: z
    .strictObject({ ...keyed, ...conditional, ...inTransaction, UpdateExpression: z.string().min(1) })
    .exactOptional(),
  Delete: z.strictObject({ ...keyed, ...conditional, ...inTransaction }).exactOptional(),
  ConditionCheck: z
    .strictObject({ ...keyed, ...conditional, ...inTransaction, ConditionExpression: z.string().min(1) })
    .exactOptional(),
});
const hundred = "Member must have length less than or equal to 100";
export const transactWriteItems = z.strictObject({
  TransactItems: z.array(transactWriteItem).min(1).max(100, hundred),
  ClientRequestToken: token,
  ReturnConsumedCapacity: noCapacity,
  ReturnItemCollectionMetrics: noMetrics,
});
export const transactGetItems = z.strictObject({
  TransactItems: z
    .array(z.strictObject({ Get: z.strictObject({ ...keyed, ...projected }) }))
    .min(1)
    .max(100, hundred),
  ReturnConsumedCapacity: noCapacity,
});

const statement = {
  Statement: z.string().min(1).max(8192, "Member must have length less than or equal to 8192"),
  Parameters: z.array(attributeValue).min(1).exactOptional(),
  ReturnValuesOnConditionCheckFailure: z.literal("NONE", "an INSERT that fails shows no item").exactOptional(),
};
export const executeStatement = z.strictObject({
  ...statement,
  ConsistentRead: z.boolean().exactOptional(),
  Limit: limit,
  NextToken: z.string().min(1).max(32_768).exactOptional(),
  ReturnConsumedCapacity: noCapacity,
});
export const executeTransaction = z.strictObject({
  TransactStatements: z.array(z.strictObject(statement)).min(1).max(100, hundred),
  ClientRequestToken: token,
  ReturnConsumedCapacity: noCapacity,
});
export const batchExecuteStatement = z.strictObject({
  Statements: z
    .array(z.strictObject({ ...statement, ConsistentRead: z.boolean().exactOptional() }))
    .min(1)
    .max(25, "Member must have length less than or equal to 25"),
  ReturnConsumedCapacity: noCapacity,
});

/** Members that a table of a template has, too, under the same names; what they may be is checked there. */
export const createTable = z.strictObject({
  TableName: tableName,
  AttributeDefinitions: z.array(z.json()),
  KeySchema: z.array(z.json()),
  BillingMode: z.string().exactOptional(),
  GlobalSecondaryIndexes: z.array(z.json()).exactOptional(),
  LocalSecondaryIndexes: z.array(z.json()).exactOptional(),
  DeletionProtectionEnabled: z.boolean().exactOptional(),
  TableClass: z.string().exactOptional(),
  Tags: z.array(z.json()).exactOptional(),
});
export const onTable = z.strictObject({ TableName: tableName });
export const listTables = z.strictObject({
  ExclusiveStartTableName: tableName.exactOptional(),
  Limit: z.int().min(1).max(100).exactOptional(),
});
export const updateTable = z.strictObject({ TableName: tableName, DeletionProtectionEnabled: z.boolean() });
export const updateTimeToLive = z.strictObject({
  TableName: tableName,
  TimeToLiveSpecification: z.strictObject({ AttributeName: z.string().min(1).max(255), Enabled: z.boolean() }),
});
export const updateContinuousBackups = z.strictObject({
  TableName: tableName,
  PointInTimeRecoverySpecification: z.strictObject({
    PointInTimeRecoveryEnabled: z.boolean(),
    RecoveryPeriodInDays: z.int().min(1).max(35).exactOptional(),
  }),
});
const resourceArn = z.string().min(1).max(1283);
export const onResource = z.strictObject({ ResourceArn: resourceArn });
export const deleteResourcePolicy = z.strictObject({
  ResourceArn: resourceArn,
  ExpectedRevisionId: z.string().min(1).max(255).exactOptional(),
});
export const putResourcePolicy = z.strictObject({
  ResourceArn: resourceArn,
  Policy: z.string().min(1).max(20_480),
  ExpectedRevisionId: z.string().min(1).max(255).exactOptional(),
});
