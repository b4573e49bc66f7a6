import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Cloud, COUNTERS_TABLE, faultOf, LOG_ARN, LOG_TABLE, policy, startCloud } from "./fixtures.js";

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.close());

describe("CreateTable", () => {
  const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" as const });
  const input = {
    TableName: "made-by-call",
    BillingMode: "PAY_PER_REQUEST" as const,
    AttributeDefinitions: [attribute("pk")],
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" as const }],
    Tags: [{ Key: "a", Value: "b" }],
  };

  it("makes a table once, which a reset empties and a deletion ends", async () => {
    const db = cloud.as("admin");
    const { TableDescription } = await db.send(new CreateTableCommand(input));
    expect(TableDescription).toMatchObject({ TableName: "made-by-call", TableStatus: "ACTIVE" });
    expect((await faultOf(db.send(new CreateTableCommand(input)))).name).toBe("ResourceInUseException");
    const Item = { pk: { S: "1" } };
    await db.send(new PutItemCommand({ TableName: "made-by-call", Item }));
    const read = () => db.send(new GetItemCommand({ TableName: "made-by-call", Key: Item }));
    expect((await read()).Item).toEqual(Item);
    await cloud.engine.reset();
    expect((await read()).Item).toBeUndefined();
    await db.send(new DeleteTableCommand({ TableName: "made-by-call" }));
    await cloud.engine.reset();
    expect((await faultOf(read())).name).toBe("ResourceNotFoundException");
  });

  it("needs its grant, and another for tags", async () => {
    cloud.policies.set("maker", [policy({ Effect: "Allow", Action: "dynamodb:CreateTable", Resource: "*" })]);
    const db = cloud.as("maker");
    expect((await faultOf(db.send(new CreateTableCommand(input)))).message).toMatch(/dynamodb:TagResource/);
    const { Tags: _, ...untagged } = input;
    await db.send(new CreateTableCommand(untagged));
    expect((await faultOf(cloud.as("other").send(new CreateTableCommand(untagged)))).name).toBe(
      "ResourceInUseException",
    );
    cloud.policies.set("nobody", []);
    expect((await faultOf(cloud.as("nobody").send(new CreateTableCommand(untagged)))).name).toBe(
      "AccessDeniedException",
    );
  });
});

describe("AWS::DynamoDB::GlobalTable", () => {
  it("is one table with its indexes and settings", async () => {
    const created = await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
    expect(created).toEqual({ ref: "log", Arn: LOG_ARN, TableId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const db = cloud.as("admin");
    const { Table } = await db.send(new DescribeTableCommand({ TableName: "log" }));
    expect(Table).toMatchObject({
      TableArn: LOG_ARN,
      TableStatus: "ACTIVE",
      CreationDateTime: new Date("2026-11-20T10:00:00Z"),
      DeletionProtectionEnabled: true,
      SSEDescription: { SSEType: "KMS" },
      GlobalSecondaryIndexes: [{ IndexName: "by-kind", IndexArn: `${LOG_ARN}/index/by-kind`, IndexStatus: "ACTIVE" }],
    });
    const ttl = await db.send(new DescribeTimeToLiveCommand({ TableName: "log" }));
    expect(ttl.TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "ttl" });
    const backups = await db.send(new DescribeContinuousBackupsCommand({ TableName: "log" }));
    expect(backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription).toMatchObject({
      PointInTimeRecoveryStatus: "ENABLED",
      RecoveryPeriodInDays: 35,
    });
    const tags = await db.send(new ListTagsOfResourceCommand({ ResourceArn: LOG_ARN }));
    expect(tags.Tags).toEqual([{ Key: "stage", Value: "dev" }]);
  });

  it.each<[string, object, RegExp]>([
    [
      "a stream of keys",
      { StreamSpecification: { StreamViewType: "KEYS_ONLY" } },
      /^CS-4030 .*Log.*StreamSpecification/,
    ],
    ["provisioned capacity", { BillingMode: "PROVISIONED" }, /^CS-4030 .*Log.*BillingMode/],
    ["no replica", { Replicas: [] }, /^CS-4030 .*Log.*Replicas/],
    ["a replica elsewhere", { Replicas: [{ Region: "us-east-1" }] }, /^CS-4023 .*Log.*Replicas.0.Region is us-east-1/],
    ["two replicas", { Replicas: [{ Region: "eu-west-1" }, { Region: "us-east-1" }] }, /^CS-4030 .*Log.*Replicas/],
    [
      "insights",
      { Replicas: [{ Region: "eu-west-1", ContributorInsightsSpecification: { Enabled: true } }] },
      /^CS-4030 .*ContributorInsightsSpecification/,
    ],
    [
      "an index that is none",
      { Replicas: [{ Region: "eu-west-1", GlobalSecondaryIndexes: [{ IndexName: "nope" }] }] },
      /^CS-4023 .*nope/,
    ],
    [
      "an attribute too many",
      { AttributeDefinitions: [...LOG_TABLE.AttributeDefinitions, { AttributeName: "x", AttributeType: "S" }] },
      /^CS-4023 .*differ in x/,
    ],
    ["TTL without an attribute", { TimeToLiveSpecification: { Enabled: true } }, /^CS-4023 .*TimeToLiveSpecification/],
  ])("is refused with %s", async (_name, change, expected) => {
    const fault = await faultOf(cloud.create("AWS::DynamoDB::GlobalTable", "Log", { ...LOG_TABLE, ...change }));
    expect(String(fault)).toMatch(expected);
  });

  it("needs a name of its own", async () => {
    await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
    const fault = await faultOf(cloud.create("AWS::DynamoDB::Table", "Other", { ...COUNTERS_TABLE, TableName: "log" }));
    expect(String(fault)).toMatch(/^CS-4021 .*Other.*log/);
  });
});

describe("AWS::DynamoDB::Table", () => {
  it("takes the default name and its settings at the top", async () => {
    const { TableName: _name, ...unnamed } = COUNTERS_TABLE;
    const created = await cloud.create("AWS::DynamoDB::Table", "Counters", {
      ...unnamed,
      DeletionProtectionEnabled: "true",
    });
    expect(created.ref).toBe("s-Counters");
    const { Table } = await cloud.as("admin").send(new DescribeTableCommand({ TableName: "s-Counters" }));
    expect(Table).toMatchObject({
      DeletionProtectionEnabled: true,
      BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    });
    expect(Table?.SSEDescription).toBeUndefined();
  });
});

describe("settings", () => {
  it("of TTL and backups are stored, shown, and undone by a reset", async () => {
    await cloud.create("AWS::DynamoDB::Table", "Counters", COUNTERS_TABLE);
    const db = cloud.as("admin");
    const ttl = (Enabled: boolean) =>
      db.send(
        new UpdateTimeToLiveCommand({
          TableName: "counters",
          TimeToLiveSpecification: { AttributeName: "until", Enabled },
        }),
      );
    expect((await faultOf(ttl(false))).message).toBe("TimeToLive is already disabled");
    await ttl(true);
    expect((await faultOf(ttl(true))).message).toBe("TimeToLive is already enabled");
    await db.send(
      new UpdateContinuousBackupsCommand({
        TableName: "counters",
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 },
      }),
    );
    const status = async () => [
      (await db.send(new DescribeTimeToLiveCommand({ TableName: "counters" }))).TimeToLiveDescription?.TimeToLiveStatus,
      (await db.send(new DescribeContinuousBackupsCommand({ TableName: "counters" }))).ContinuousBackupsDescription
        ?.PointInTimeRecoveryDescription?.RecoveryPeriodInDays,
    ];
    expect(await status()).toEqual(["ENABLED", 7]);
    await cloud.engine.reset();
    expect(await status()).toEqual(["DISABLED", undefined]);
  });

  it("lists tables by pages", async () => {
    await cloud.create("AWS::DynamoDB::Table", "Counters", COUNTERS_TABLE);
    await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
    const db = cloud.as("admin");
    const first = await db.send(new ListTablesCommand({ Limit: 1 }));
    expect(first).toMatchObject({ TableNames: ["counters"], LastEvaluatedTableName: "counters" });
    const rest = await db.send(new ListTablesCommand({ ExclusiveStartTableName: "counters" }));
    expect(rest.TableNames).toEqual(["log"]);
    expect(rest.LastEvaluatedTableName).toBeUndefined();
  });
});
