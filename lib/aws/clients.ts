/**
 * One SDK client per service and process. Region, endpoint and credentials come from the environment (`AWS_ENDPOINT_URL`
 * points a local run at the embedded cloud), so nothing here differs between AWS and a laptop. The marks let a bundle leave
 * out every client that its function does not use.
 */
import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";

const retry = { retryMode: "standard", maxAttempts: 4 } as const;

function once<T>(make: () => T): () => T {
  let made: { readonly client: T } | undefined;
  return () => {
    made ??= { client: make() };
    return made.client;
  };
}

export const dynamoClient = /* @__PURE__ */ once(() => new DynamoDBClient(retry));
export const s3Client = /* @__PURE__ */ once(() => new S3Client(retry));
export const kmsClient = /* @__PURE__ */ once(() => new KMSClient(retry));
export const sfnClient = /* @__PURE__ */ once(() => new SFNClient(retry));
export const schedulerClient = /* @__PURE__ */ once(() => new SchedulerClient(retry));
export const sesClient = /* @__PURE__ */ once(() => new SESv2Client(retry));
export const secretsClient = /* @__PURE__ */ once(() => new SecretsManagerClient(retry));
export const authorizerClient = /* @__PURE__ */ once(() => new VerifiedPermissionsClient(retry));
/** A preview is a read, so it may be repeated; the gate waits no longer than this for it. */
export const lambdaClient = /* @__PURE__ */ once(
  () => new LambdaClient({ ...retry, requestHandler: { requestTimeout: 60_000 } }),
);
/** A model's answer can take minutes; throttling is retried with growing pauses. */
export const bedrockClient = /* @__PURE__ */ once(
  () => new BedrockRuntimeClient({ ...retry, maxAttempts: 6, requestHandler: { requestTimeout: 120_000 } }),
);
