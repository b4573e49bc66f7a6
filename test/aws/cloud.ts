/** Tables and buckets of a stage on the embedded engines, with the ports on them. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { createDynamoDbEngine } from "../../lib/local/dynamodb/index.js";
import { createKmsEngine } from "../../lib/local/services/kms.js";
import { createS3Engine } from "../../lib/local/services/s3.js";
import type { RunRef } from "../../lib/run/keys.js";
import { create, serve, testCloud } from "../local/services/harness.js";

const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });
const TABLE = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [attribute("pk"), attribute("sk")],
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  Replicas: [{ Region: "eu-central-1" }],
};

export interface TestStage {
  readonly dynamo: DynamoDBClient;
  readonly s3: S3Client;
  table(name: "log" | "effects" | "control" | "approvals" | "budgets"): {
    readonly client: DynamoDBClient;
    readonly table: string;
  };
  bucket(name: "context" | "vault"): { readonly client: S3Client; readonly bucket: string };
  /** empties everything */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function startStage(): Promise<TestStage> {
  const cloud = testCloud();
  const tables = await createDynamoDbEngine(cloud.ctx);
  const buckets = createS3Engine(cloud.ctx, { keys: createKmsEngine(cloud.ctx).keys });
  for (const name of ["log", "effects", "control", "approvals", "budgets"])
    await create(tables, "AWS::DynamoDB::GlobalTable", name, { TableName: name, ...TABLE });
  for (const name of ["context", "vault"]) await create(buckets, "AWS::S3::Bucket", name, { BucketName: name });
  const [tableServer, bucketServer] = await Promise.all([serve(tables), serve(buckets)]);
  const dynamo = new DynamoDBClient(tableServer.config());
  const s3 = new S3Client(bucketServer.config());
  return {
    dynamo,
    s3,
    table: (table) => ({ client: dynamo, table }),
    bucket: (bucket) => ({ client: s3, bucket }),
    async reset() {
      await Promise.all([tables.reset(), buckets.reset()]);
    },
    async close() {
      dynamo.destroy();
      s3.destroy();
      await Promise.all([tableServer.close(), bucketServer.close()]);
      await Promise.all([tables.close(), buckets.close()]);
    },
  };
}

let runs = 0;
/** A run that no other test has. */
export function newRun(over: Partial<RunRef> = {}): RunRef {
  runs += 1;
  return { workflow: "billing-dispute", tenant: "acme", runId: `bd-dp_${runs}`, ...over };
}
