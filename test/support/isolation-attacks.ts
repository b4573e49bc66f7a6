/**
 * What hostile code tries with whatever credentials it holds: every call it can name, on real names. It also runs inside functions,
 * bundled, so it imports clients only. An attack that gets past the IAM check counts as gained, whatever the service then says.
 */
import { randomUUID } from "node:crypto";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { CloudFormationClient, DescribeStacksCommand, ListStacksCommand } from "@aws-sdk/client-cloudformation";
import * as kms from "@aws-sdk/client-kms";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import * as sfn from "@aws-sdk/client-sfn";
import * as avp from "@aws-sdk/client-verifiedpermissions";
import { onLog, onOversight, onTables } from "./isolation-attacks-tables.js";
import { type Attack, type Clients, type Config, type Targets, WORKFLOW } from "./isolation-targets.js";

const REFUSED = ["AccessDeniedException", "AccessDenied"];
const FUNCTIONS = [
  "propose",
  "decide",
  "admit",
  "close-run",
  "request-approval",
  "tool-stripe-refund",
  "tool-zendesk-reply",
  "preview-stripe-refund",
];

/** The names of the attacks that were not refused; anything but success with its error. */
export async function gains(config: Config, targets: Targets): Promise<string[]> {
  const found: string[] = [];
  for (const [name, attack] of Object.entries(attacks({ ...config, maxAttempts: 1 }, targets))) {
    const failure = await attack().then(refusalInside, (error: unknown) =>
      error instanceof Error ? error.name : String(error),
    );
    if (failure === undefined) found.push(name);
    else if (!REFUSED.includes(failure)) found.push(`${name}: ${failure}`);
  }
  return found;
}

/** BatchExecuteStatement answers 200 and says of each statement what became of it. */
function refusalInside(answer: unknown): string | undefined {
  const text =
    JSON.stringify(answer, (_name, value: unknown) =>
      typeof value === "object" && value !== null && "transformToString" in value ? "" : value,
    ) ?? "";
  return /"Code":"(AccessDenied)"/.exec(text)?.[1];
}

export function attacks(config: Clients, targets: Targets): Record<string, Attack> {
  return {
    ...onLog(config, targets),
    ...onTables(config, targets),
    ...onOversight(config, targets),
    ...onStorage(config, targets),
    ...onFunctions(config, targets),
    ...onMachine(config, targets),
    ...onServices(config, targets),
  };
}

function onStorage(
  config: Clients,
  { buckets, callKey, contextKey, vaultKey, keys, sealed }: Targets,
): Record<string, Attack> {
  const client = new S3Client({ ...config, forcePathStyle: true });
  const keyring = new kms.KMSClient(config);
  const get = (Bucket: string, Key: string) => () => client.send(new GetObjectCommand({ Bucket, Key }));
  const put = (Bucket: string, Key: string) => () => client.send(new PutObjectCommand({ Bucket, Key, Body: "{}" }));
  const deleteVersion = (Bucket: string, Key: string) => () =>
    client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: "null" }));
  const blob = Buffer.from(sealed, "base64");
  const forWorkflow = { workflow: WORKFLOW };
  return {
    "context: read own": get(buckets.context, contextKey),
    "context: read another workflow": get(buckets.context, contextKey.replace(WORKFLOW, "loan-review")),
    "context: write own": put(buckets.context, `context/${WORKFLOW}/acme/hostile/0001.json`),
    "calls: read refund's": get(buckets.context, callKey),
    "calls: read reply's": get(buckets.context, callKey.replace("stripe.refund", "zendesk.reply")),
    "calls: put out": put(buckets.context, `call/${WORKFLOW}/stripe.refund/acme/hostile/0001.json`),
    "context: list": () => client.send(new ListObjectsV2Command({ Bucket: buckets.context })),
    "context: delete": () => client.send(new DeleteObjectCommand({ Bucket: buckets.context, Key: contextKey })),
    "vault: read own": get(buckets.vault, vaultKey),
    "vault: read another workflow": get(buckets.vault, vaultKey.replace(WORKFLOW, "loan-review")),
    "vault: write own": put(buckets.vault, `vault/${WORKFLOW}/acme/hostile/key.json`),
    "vault: list versions": () => client.send(new ListObjectVersionsCommand({ Bucket: buckets.vault })),
    // A version that is not there, or who may would shred the run that the other attacks are aimed at.
    "vault: delete a version of a key": deleteVersion(buckets.vault, `vault/${WORKFLOW}/acme/hostile/key.json`),
    "vault: delete a version of values": deleteVersion(buckets.vault, `vault/${WORKFLOW}/acme/hostile/00000001-0.json`),
    "context: delete a version": deleteVersion(buckets.context, `context/${WORKFLOW}/acme/hostile/0001.json`),
    "vault: list": () => client.send(new ListObjectsV2Command({ Bucket: buckets.vault })),
    "keys: open a task token": () =>
      keyring.send(new kms.DecryptCommand({ KeyId: keys.token, CiphertextBlob: blob, EncryptionContext: forWorkflow })),
    "keys: seal a task token": () =>
      keyring.send(
        new kms.EncryptCommand({ KeyId: keys.token, Plaintext: Buffer.from("t"), EncryptionContext: forWorkflow }),
      ),
    "keys: seal for another workflow": () =>
      keyring.send(
        new kms.EncryptCommand({
          KeyId: keys.token,
          Plaintext: Buffer.from("t"),
          EncryptionContext: { workflow: "loan-review" },
        }),
      ),
    "keys: data key beside S3": () =>
      keyring.send(
        new kms.GenerateDataKeyCommand({
          KeyId: keys.vault,
          KeySpec: "AES_256",
          EncryptionContext: { "aws:s3:arn": `arn:aws:s3:::${buckets.vault}` },
        }),
      ),
    "keys: describe": () => keyring.send(new kms.DescribeKeyCommand({ KeyId: keys.data })),
  };
}

function onFunctions(config: Clients, { machineArn }: Targets): Record<string, Attack> {
  const client = new LambdaClient(config);
  const prefix = machineArn.slice(machineArn.lastIndexOf(":") + 1);
  // AWS checks a dry run as it checks a real one; so nothing else of the test moves.
  return Object.fromEntries(
    FUNCTIONS.map((name) => [
      `invoke: ${name}`,
      () => client.send(new InvokeCommand({ FunctionName: `${prefix}-${name}`, InvocationType: "DryRun" })),
    ]),
  );
}

function onMachine(config: Clients, { machineArn, executionArn, machineRoleArn }: Targets): Record<string, Attack> {
  const client = new sfn.SFNClient(config);
  const taskToken = "AQCUAAAAKgAAAAMAAAAA";
  const definition = JSON.stringify({ QueryLanguage: "JSONata", StartAt: "A", States: { A: { Type: "Succeed" } } });
  return {
    "machine: start": () =>
      client.send(
        new sfn.StartExecutionCommand({ stateMachineArn: machineArn, name: `hostile-${randomUUID()}`, input: "{}" }),
      ),
    "machine: stop": () => client.send(new sfn.StopExecutionCommand({ executionArn })),
    "machine: describe an execution": () => client.send(new sfn.DescribeExecutionCommand({ executionArn })),
    "machine: read a history": () => client.send(new sfn.GetExecutionHistoryCommand({ executionArn })),
    "machine: list executions": () => client.send(new sfn.ListExecutionsCommand({ stateMachineArn: machineArn })),
    "machine: describe": () => client.send(new sfn.DescribeStateMachineCommand({ stateMachineArn: machineArn })),
    "machine: list": () => client.send(new sfn.ListStateMachinesCommand({})),
    "machine: create": () =>
      client.send(new sfn.CreateStateMachineCommand({ name: "hostile", roleArn: machineRoleArn, definition })),
    "machine: answer a task token": () => client.send(new sfn.SendTaskSuccessCommand({ taskToken, output: "{}" })),
    "machine: fail a task token": () => client.send(new sfn.SendTaskFailureCommand({ taskToken })),
    "machine: keep a task token alive": () => client.send(new sfn.SendTaskHeartbeatCommand({ taskToken })),
  };
}

function onServices(config: Clients, { policyStoreId }: Targets): Record<string, Attack> {
  const policies = new avp.VerifiedPermissionsClient(config);
  const secrets = new SecretsManagerClient(config);
  const models = new BedrockRuntimeClient(config);
  const stacks = new CloudFormationClient(config);
  const secret = (name: string) => () =>
    secrets.send(new GetSecretValueCommand({ SecretId: `countersign/dev/${name}` }));
  const ask = (id: string) => () =>
    policies.send(
      new avp.IsAuthorizedCommand({
        policyStoreId: id,
        principal: { entityType: "A", entityId: "a" },
        action: { actionType: "Action", actionId: "b" },
        resource: { entityType: "C", entityId: "c" },
      }),
    );
  const converse = (modelId: string) => () =>
    models.send(
      new ConverseCommand({
        modelId,
        messages: [{ role: "user", content: [{ text: "hello" }] }],
        requestMetadata: { workflow: WORKFLOW },
      }),
    );
  const mail = (from: string) => () =>
    new SESv2Client(config).send(
      new SendEmailCommand({
        FromEmailAddress: from,
        Destination: { ToAddresses: ["ana@example.com"] },
        Content: { Simple: { Subject: { Data: "x" }, Body: { Text: { Data: "x" } } } },
      }),
    );
  return {
    "policies: ask": ask(policyStoreId),
    "policies: ask another store": ask("PSEXAMPLEabcdefg111111"),
    "policies: list": () => policies.send(new avp.ListPoliciesCommand({ policyStoreId })),
    "policies: read the schema": () => policies.send(new avp.GetSchemaCommand({ policyStoreId })),
    "secrets: stripe": secret("stripe-api-key"),
    "secrets: zendesk": secret("zendesk-api-token"),
    "secrets: replace stripe's": () =>
      secrets.send(new PutSecretValueCommand({ SecretId: "countersign/dev/stripe-api-key", SecretString: "mine" })),
    "model: own": converse("anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "model: another": converse("anthropic.claude-opus-4-1-20250805-v1:0"),
    "mail: as the desk": mail("countersign@example.com"),
    "mail: as the chief": mail("chief@example.com"),
    "stacks: describe": () => stacks.send(new DescribeStacksCommand({ StackName: "countersign-dev" })),
    "stacks: list": () => stacks.send(new ListStacksCommand({})),
  };
}
