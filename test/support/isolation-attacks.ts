/**
 * What hostile code tries with whatever credentials it holds: every call it can name, on real names. It also runs inside functions,
 * bundled, so it imports clients only. An attack that gets past the IAM check counts as gained, whatever the service then says.
 */
import { randomUUID } from "node:crypto";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { CloudFormationClient, DescribeStacksCommand, ListStacksCommand } from "@aws-sdk/client-cloudformation";
import * as ddb from "@aws-sdk/client-dynamodb";
import * as kms from "@aws-sdk/client-kms";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import * as sfn from "@aws-sdk/client-sfn";
import * as avp from "@aws-sdk/client-verifiedpermissions";

/** Real names of a deployment: more than hostile code would know. */
export interface Targets {
  readonly tables: Readonly<Record<"log" | "approvals" | "budgets" | "control" | "effects", string>>;
  readonly logArn: string;
  readonly runId: string;
  /** keys of objects that a run wrote */
  readonly contextKey: string;
  readonly vaultKey: string;
  readonly buckets: Readonly<Record<"context" | "vault", string>>;
  readonly keys: Readonly<Record<"data" | "vault" | "token", string>>;
  /** base64, sealed with the token key for this workflow */
  readonly sealed: string;
  readonly machineArn: string;
  readonly executionArn: string;
  readonly machineRoleArn: string;
  readonly policyStoreId: string;
}
/** Client options; inside a function undefined, because its environment has them. */
export type Config = {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
};
type Attack = () => Promise<unknown>;

const REFUSED = ["AccessDeniedException", "AccessDenied"];
const WORKFLOW = "billing-dispute";
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

export function attacks(config: Config & { readonly maxAttempts: number }, targets: Targets): Record<string, Attack> {
  return {
    ...onLog(config, targets),
    ...onTables(config, targets),
    ...onStorage(config, targets),
    ...onFunctions(config, targets),
    ...onMachine(config, targets),
    ...onServices(config, targets),
  };
}

type Clients = Config & { readonly maxAttempts: number };
const s = (value: string) => ({ S: value });

function onLog(config: Clients, { tables: { log }, runId, logArn }: Targets): Record<string, Attack> {
  const client = new ddb.DynamoDBClient(config);
  const pk = `${WORKFLOW}#acme#${runId}`;
  const key = { pk: s(pk), sk: s("00000001") };
  const query = (value: string, index = {}, attribute = "pk") =>
    client.send(
      new ddb.QueryCommand({
        TableName: log,
        ...index,
        KeyConditionExpression: "#k = :k",
        ExpressionAttributeNames: { "#k": attribute },
        ExpressionAttributeValues: { ":k": s(value) },
      }),
    );
  const partiql = (Statement: string, ...values: string[]) => ({ Statement, Parameters: values.map(s) });
  const insert = (owner: string) =>
    partiql(`INSERT INTO "${log}" VALUE {'pk': ?, 'sk': ?, 'event': ?}`, `${owner}#acme#hostile`, randomUUID(), "{}");
  return {
    "log: query own run": () => query(pk),
    "log: query another workflow": () => query(`loan-review#acme#${runId}`),
    "log: list runs": () => query(WORKFLOW, { IndexName: "runs" }, "runs_of"),
    "log: get": () => client.send(new ddb.GetItemCommand({ TableName: log, Key: key })),
    "log: batch get": () => client.send(new ddb.BatchGetItemCommand({ RequestItems: { [log]: { Keys: [key] } } })),
    "log: scan": () => client.send(new ddb.ScanCommand({ TableName: log })),
    "log: select": () =>
      client.send(new ddb.ExecuteStatementCommand(partiql(`SELECT * FROM "${log}" WHERE pk = ?`, pk))),
    "log: insert": () => client.send(new ddb.ExecuteStatementCommand(insert(WORKFLOW))),
    "log: insert for another workflow": () => client.send(new ddb.ExecuteStatementCommand(insert("loan-review"))),
    "log: insert in a transaction": () =>
      client.send(new ddb.ExecuteTransactionCommand({ TransactStatements: [insert("loan-review"), insert(WORKFLOW)] })),
    "log: insert in a batch": () =>
      client.send(new ddb.BatchExecuteStatementCommand({ Statements: [insert("loan-review")] })),
    "log: put": () => client.send(new ddb.PutItemCommand({ TableName: log, Item: { ...key, event: s("{}") } })),
    "log: update": () =>
      client.send(new ddb.UpdateItemCommand({ TableName: log, Key: key, UpdateExpression: "REMOVE event" })),
    "log: delete": () => client.send(new ddb.DeleteItemCommand({ TableName: log, Key: key })),
    "log: batch write": () =>
      client.send(new ddb.BatchWriteItemCommand({ RequestItems: { [log]: [{ DeleteRequest: { Key: key } }] } })),
    "log: transact write": () =>
      client.send(new ddb.TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName: log, Key: key } }] })),
    "log: update by statement": () =>
      client.send(
        new ddb.ExecuteStatementCommand(
          partiql(`UPDATE "${log}" SET event = ? WHERE pk = ? AND sk = ?`, "{}", pk, "00000001"),
        ),
      ),
    "log: delete by statement": () =>
      client.send(
        new ddb.ExecuteStatementCommand(partiql(`DELETE FROM "${log}" WHERE pk = ? AND sk = ?`, pk, "00000001")),
      ),
    "log: drop its policy": () => client.send(new ddb.DeleteResourcePolicyCommand({ ResourceArn: logArn })),
    "log: let entries expire": () =>
      client.send(
        new ddb.UpdateTimeToLiveCommand({
          TableName: log,
          TimeToLiveSpecification: { Enabled: true, AttributeName: "at" },
        }),
      ),
    "log: unprotect": () =>
      client.send(new ddb.UpdateTableCommand({ TableName: log, DeletionProtectionEnabled: false })),
    "log: delete the table": () => client.send(new ddb.DeleteTableCommand({ TableName: log })),
  };
}

function onTables(config: Clients, { tables, runId }: Targets): Record<string, Attack> {
  const client = new ddb.DynamoDBClient(config);
  const get = (table: keyof Targets["tables"], pk: string, sk: string) => () =>
    client.send(new ddb.GetItemCommand({ TableName: tables[table], Key: { pk: s(pk), sk: s(sk) } }));
  const put = (table: keyof Targets["tables"], pk: string, sk: string) => () =>
    client.send(new ddb.PutItemCommand({ TableName: tables[table], Item: { pk: s(pk), sk: s(sk) } }));
  const row = (tool: string) => `${WORKFLOW}#${tool}#acme#${runId}`;
  const decision = {
    Statement: `INSERT INTO "${tables.approvals}" VALUE {'pk': ?, 'sk': ?}`,
    Parameters: [s(`decision#${WORKFLOW}#hostile`), s(`by#${randomUUID()}`)],
  };
  const query = (pk: string) => () =>
    client.send(
      new ddb.QueryCommand({
        TableName: tables.approvals,
        KeyConditionExpression: "pk = :k",
        ExpressionAttributeValues: { ":k": s(pk) },
      }),
    );
  const mixed = [
    { Put: { TableName: tables.effects, Item: { pk: s(row("stripe.refund")), sk: s("m") } } },
    { Put: { TableName: tables.effects, Item: { pk: s(row("zendesk.reply")), sk: s("m") } } },
  ];
  return {
    "effects: read refund's": get("effects", row("stripe.refund"), "00000009"),
    "effects: read reply's": get("effects", row("zendesk.reply"), "00000009"),
    "effects: claim refund's": put("effects", row("stripe.refund"), "00000099"),
    "effects: claim reply's": put("effects", row("zendesk.reply"), "00000099"),
    "effects: claim both at once": () => client.send(new ddb.TransactWriteItemsCommand({ TransactItems: mixed })),
    "approvals: read a request and its token": query(`request#${WORKFLOW}#x`),
    "approvals: read decisions": query(`decision#${WORKFLOW}#x`),
    "approvals: read a link": query("link#x"),
    "approvals: decide": () => client.send(new ddb.ExecuteStatementCommand(decision)),
    "approvals: overwrite a decision": put("approvals", `decision#${WORKFLOW}#x`, "by#ana@example.com"),
    "approvals: forget wrong tries": put("approvals", "challenge#x", "tries"),
    "budgets: read": get("budgets", `${WORKFLOW}#acme#day#2026-05-02`, "counter"),
    "budgets: reset": put("budgets", `${WORKFLOW}#acme#hostile`, "counter"),
    "control: read the brake": get("control", `brake#${WORKFLOW}`, "brake"),
    "control: lift the brake": put("control", `brake#${WORKFLOW}`, "brake"),
    "tables: list": () => client.send(new ddb.ListTablesCommand({})),
  };
}

function onStorage(config: Clients, { buckets, contextKey, vaultKey, keys, sealed }: Targets): Record<string, Attack> {
  const client = new S3Client({ ...config, forcePathStyle: true });
  const keyring = new kms.KMSClient(config);
  const get = (Bucket: string, Key: string) => () => client.send(new GetObjectCommand({ Bucket, Key }));
  const put = (Bucket: string, Key: string) => () => client.send(new PutObjectCommand({ Bucket, Key, Body: "{}" }));
  const blob = Buffer.from(sealed, "base64");
  const forWorkflow = { workflow: WORKFLOW };
  return {
    "context: read own": get(buckets.context, contextKey),
    "context: read another workflow": get(buckets.context, contextKey.replace(WORKFLOW, "loan-review")),
    "context: write own": put(buckets.context, `context/${WORKFLOW}/acme/hostile/0001.json`),
    "context: list": () => client.send(new ListObjectsV2Command({ Bucket: buckets.context })),
    "context: delete": () => client.send(new DeleteObjectCommand({ Bucket: buckets.context, Key: contextKey })),
    "vault: read own": get(buckets.vault, vaultKey),
    "vault: read another workflow": get(buckets.vault, vaultKey.replace(WORKFLOW, "loan-review")),
    "vault: write own": put(buckets.vault, `vault/${WORKFLOW}/acme/hostile/key.json`),
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
