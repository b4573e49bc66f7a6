import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamoDbEngine, type ItemChange } from "../../../lib/local/dynamodb/index.js";
import { createIamCheck } from "../../../lib/local/iam/index.js";
import {
  AwsFault,
  type Caller,
  type CloudContext,
  type Engine,
  type PolicyDocument,
  type PolicyStatement,
} from "../../../lib/local/types.js";

export const ACCOUNT = "111111111111";
export const REGION = "eu-west-1";
export const LOG_ARN = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/log`;
export const ALLOW_ALL: PolicyDocument = {
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Action: "*", Resource: "*" },
};

export function roleArn(name: string): string {
  return `arn:aws:iam::${ACCOUNT}:role/countersign/dev/${name}`;
}
export function policy(...Statement: readonly PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement };
}

/** A table with sort key and one index, as CDK's TableV2 writes it. */
export const LOG_TABLE = {
  TableName: "log",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "sk", AttributeType: "S" },
    { AttributeName: "kind", AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "by-kind",
      KeySchema: [{ AttributeName: "kind", KeyType: "HASH" }],
      Projection: { ProjectionType: "ALL" },
    },
  ],
  SSESpecification: { SSEEnabled: true, SSEType: "KMS" },
  TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
  Replicas: [
    {
      Region: REGION,
      GlobalSecondaryIndexes: [{ IndexName: "by-kind" }],
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      Tags: [{ Key: "stage", Value: "dev" }],
    },
  ],
};
export const COUNTERS_TABLE = {
  TableName: "counters",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "N" }],
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
};

export interface Cloud {
  readonly engine: Engine;
  /** identity policies by role name; a role that is not listed may do everything */
  readonly policies: Map<string, PolicyDocument[]>;
  readonly changes: ItemChange[];
  nowMs: number;
  create(type: string, logicalId: string, properties: object): Promise<Readonly<Record<string, unknown>>>;
  /** a client whose caller is this role */
  as(role: string): DynamoDBClient;
  close(): Promise<void>;
}

/** An engine behind a loopback endpoint that takes the caller from the access key. */
export async function startCloud(options: { readonly dataDir?: string } = {}): Promise<Cloud> {
  const policies = new Map<string, PolicyDocument[]>();
  const clock = { nowMs: Date.parse("2026-11-20T10:00:00Z") };
  const now = () => clock.nowMs;
  const policiesOf = (arn: string) => policies.get(arn.slice(arn.lastIndexOf("/") + 1)) ?? [ALLOW_ALL];
  const ctx: CloudContext = {
    region: REGION,
    accountId: ACCOUNT,
    clock: { now, at: () => () => {} },
    iam: createIamCheck({ policiesOf }, { accountId: ACCOUNT, region: REGION, now }),
    functions: { invoke: () => Promise.reject(new Error("no functions here")) },
    endpoint: () => "http://127.0.0.1",
    publish: () => {},
    log: () => {},
    ...options,
  };
  const changes: ItemChange[] = [];
  const engine = await createDynamoDbEngine(ctx, { onCommit: (committed) => changes.push(...committed) });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const role = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
      const target = String(request.headers["x-amz-target"]);
      const reply = await answer(engine, role, target.slice(target.indexOf(".") + 1), Buffer.concat(chunks));
      response.writeHead(reply.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const clients: DynamoDBClient[] = [];
  return {
    engine,
    policies,
    changes,
    get nowMs() {
      return clock.nowMs;
    },
    set nowMs(value) {
      clock.nowMs = value;
    },
    async create(type, logicalId, properties) {
      const factory = engine.resources[type];
      if (factory === undefined) throw new Error(`no factory for ${type}`);
      const request = { type, logicalId, stackName: "s", defaultName: `s-${logicalId}`, metadata: {} };
      const created = await factory({ ...request, properties: { ...properties } });
      return { ref: created.ref, ...created.attributes };
    },
    as(role) {
      const endpoint = `http://127.0.0.1:${portOf(server.address())}`;
      const credentials = { accessKeyId: role, secretAccessKey: "secret" };
      const client = new DynamoDBClient({ endpoint, region: REGION, credentials, maxAttempts: 1 });
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
    },
  };
}

async function answer(engine: Engine, role: string, operation: string, body: Buffer) {
  const caller: Caller = {
    principalArn: roleArn(role),
    sessionArn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/s`,
    accountId: ACCOUNT,
  };
  const call = {
    service: "dynamodb",
    caller,
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    headers: {},
    body,
    operation,
  };
  try {
    return await engine.handle(call);
  } catch (error) {
    if (!(error instanceof AwsFault))
      return { status: 500, body: { __type: "InternalFailure", message: String(error) } };
    const __type = `com.amazonaws.dynamodb.v20120810#${error.code}`;
    return { status: error.status, body: { __type, message: error.message, ...error.members } };
  }
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}

/** The error's name and message; fails when nothing was thrown. */
export async function faultOf(attempt: Promise<unknown>): Promise<Error> {
  const outcome = await attempt.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error("expected a fault");
}

export const key = (pk: string, sk: string) => ({ pk: { S: pk }, sk: { S: sk } });
