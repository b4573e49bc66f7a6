/** The embedded engines without a socket between them and the SDK: for what is measured in one process. */
import { Readable } from "node:stream";
import type { HttpRequest } from "@smithy/protocol-http";
import { HttpResponse } from "@smithy/protocol-http";
import { createDynamoDbEngine } from "../lib/local/dynamodb/index.js";
import { AwsFault, type CloudContext, type Engine } from "../lib/local/types.js";

const REGION = "eu-central-1";
const ACCOUNT = "111111111111";
const caller = {
  principalArn: `arn:aws:iam::${ACCOUNT}:role/bench`,
  sessionArn: `arn:aws:sts::${ACCOUNT}:assumed-role/bench/bench`,
  accountId: ACCOUNT,
};
const refused = () => {
  throw new Error("no engine of this benchmark calls functions or sets timers");
};

/** Everybody may do everything: what the access check costs is in the whole runs. */
export const context: CloudContext = {
  region: REGION,
  accountId: ACCOUNT,
  clock: { now: Date.now, at: refused },
  iam: { evaluate: () => ({ allowed: true, message: "" }), authorize: () => {} },
  functions: { invoke: refused },
  endpoint: () => "http://127.0.0.1:0",
  publish: () => {},
  log: () => {},
};

/** DynamoDB with these tables, keys `pk` and `sk`. */
export async function tables(names: readonly string[]): Promise<Engine> {
  const engine = await createDynamoDbEngine(context);
  const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });
  for (const name of names) {
    await engine.resources["AWS::DynamoDB::GlobalTable"]?.({
      type: "AWS::DynamoDB::GlobalTable",
      logicalId: name,
      stackName: "bench",
      defaultName: name,
      metadata: {},
      properties: {
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [attribute("pk"), attribute("sk")],
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        Replicas: [{ Region: REGION }],
      },
    });
  }
  return engine;
}

/** A request handler for an SDK client that hands its requests to an engine. */
export function engineHandler(engine: Engine) {
  return {
    async handle(request: HttpRequest): Promise<{ response: HttpResponse }> {
      const operation = request.headers["x-amz-target"]?.split(".").at(-1);
      try {
        const reply = await engine.handle({
          service: engine.service,
          caller,
          method: request.method,
          path: request.path,
          query: new URLSearchParams(),
          headers: request.headers,
          body: Buffer.from(request.body),
          ...(operation === undefined ? {} : { operation }),
        });
        return answer(reply.status, reply.body ?? {});
      } catch (error) {
        if (!(error instanceof AwsFault)) throw error;
        return answer(error.status, { __type: error.code, message: error.message, ...error.members });
      }
    },
  };
}

function answer(statusCode: number, body: object | string): { response: HttpResponse } {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": "application/x-amz-json-1.0" };
  return { response: new HttpResponse({ statusCode, headers, body: Readable.from([Buffer.from(text)]) }) };
}
