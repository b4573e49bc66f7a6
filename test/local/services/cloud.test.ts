/** The service engines behind the real wire, template loader and IAM check: what a template grants works, the rest is refused. */
import { Readable } from "node:stream";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { IsAuthorizedCommand, VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import { recordedModel } from "../../../lib/local/services/bedrock.js";
import { assemblyOf, BOOTSTRAP, type Fixture, role } from "../core/fixture.js";

const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const objectsOf = (logicalId: string) => ({ "Fn::Join": ["", [arnOf(logicalId), "/*"]] });
const grant = (Action: string | string[], Resource: unknown) => ({ Effect: "Allow", Action, Resource });
const POLICY = "permit (principal, action, resource) when { context.approvals >= 1 };";
const SCHEMA = {
  T: {
    entityTypes: { A: {}, R: {} },
    actions: {
      act: {
        appliesTo: {
          principalTypes: ["A"],
          resourceTypes: ["R"],
          context: { type: "Record", attributes: { approvals: { type: "Long" } } },
        },
      },
    },
  },
};

const template = {
  ...BOOTSTRAP,
  Resources: {
    Worker: role(
      "lambda.amazonaws.com",
      [
        grant(["s3:GetObject", "s3:PutObject"], objectsOf("Vault")),
        grant(["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"], arnOf("Key")),
        grant("secretsmanager:GetSecretValue", { Ref: "Secret" }),
        grant("ses:SendEmail", "arn:aws:ses:eu-central-1:111111111111:identity/example.com"),
        grant("verifiedpermissions:IsAuthorized", arnOf("Store")),
        grant("bedrock:InvokeModel", "arn:aws:bedrock:eu-central-1::foundation-model/m"),
      ],
      { RoleName: "worker" },
    ),
    Reader: role("lambda.amazonaws.com", [grant("s3:GetObject", objectsOf("Vault"))], { RoleName: "reader" }),
    Key: {
      Type: "AWS::KMS::Key",
      Properties: {
        EnableKeyRotation: true,
        KeyPolicy: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Action: "kms:*",
              Resource: "*",
              Principal: {
                AWS: {
                  "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ":iam::", { Ref: "AWS::AccountId" }, ":root"]],
                },
              },
            },
          ],
        },
      },
    },
    Vault: {
      Type: "AWS::S3::Bucket",
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            { ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: arnOf("Key") } },
          ],
        },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true },
      },
    },
    VaultPolicy: {
      Type: "AWS::S3::BucketPolicy",
      Properties: {
        Bucket: { Ref: "Vault" },
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Deny",
              Action: "s3:*",
              Principal: { AWS: "*" },
              Resource: [arnOf("Vault"), objectsOf("Vault")],
              Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
          ],
        },
      },
    },
    Secret: { Type: "AWS::SecretsManager::Secret", Properties: { Name: "dev/stripe", GenerateSecretString: {} } },
    Mail: { Type: "AWS::SES::EmailIdentity", Properties: { EmailIdentity: "example.com" } },
    Store: {
      Type: "AWS::VerifiedPermissions::PolicyStore",
      Properties: { ValidationSettings: { Mode: "STRICT" }, Schema: { CedarJson: JSON.stringify(SCHEMA) } },
    },
    Policy: {
      Type: "AWS::VerifiedPermissions::Policy",
      Properties: {
        PolicyStoreId: { "Fn::GetAtt": ["Store", "PolicyStoreId"] },
        Name: "name/asked",
        Definition: { Static: { Statement: POLICY } },
      },
    },
  },
  Outputs: {
    Bucket: { Value: { Ref: "Vault" } },
    Key: { Value: { Ref: "Key" } },
    Store: { Value: { Ref: "Store" } },
  },
};

describe("service engines in the whole cloud", () => {
  let fixture: Fixture;
  let cloud: Cloud;
  const output = (key: string): string => {
    const value = cloud.stacks[0]?.outputs.find((each) => each.key === key)?.value;
    if (typeof value !== "string") throw new Error(`no output ${key}`);
    return value;
  };
  const as = (name: string) => ({
    region: "eu-central-1",
    endpoint: cloud.endpoint,
    credentials: cloud.credentialsFor(`arn:aws:iam::111111111111:role/${name}`, "test"),
    maxAttempts: 1,
  });

  beforeAll(async () => {
    fixture = assemblyOf({ stack: { template } });
    cloud = await startCloud({
      assembly: fixture.folder,
      secrets: { "dev/stripe": "sk_test_1" },
      model: recordedModel(() => [{ tool: "stripe.refund", args: {} }]),
    });
  });
  afterAll(async () => {
    await cloud?.close();
    fixture?.remove();
  });

  it("s3: stores and reads through the key; a reader without the key is refused", async () => {
    const place = { Bucket: output("Bucket"), Key: "a b/ä.json" };
    const worker = new S3Client(as("worker"));
    await worker.send(
      new PutObjectCommand({ ...place, Body: Readable.from([Buffer.from("by stream")]), ContentLength: 9 }),
    );
    expect(await (await worker.send(new GetObjectCommand(place))).Body?.transformToString()).toBe("by stream");
    await worker.send(new PutObjectCommand({ ...place, Body: "whole" }));
    expect((await worker.send(new HeadObjectCommand(place))).ContentLength).toBe(5);
    await expect(worker.send(new PutObjectCommand({ ...place, Body: "x", IfNoneMatch: "*" }))).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    const reader = new S3Client(as("reader"));
    await expect(reader.send(new GetObjectCommand(place))).rejects.toThrow(/not authorized to perform: kms:Decrypt/);
    await expect(reader.send(new PutObjectCommand({ ...place, Body: "x" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });

  it("kms, secrets, mail and decisions answer who is granted and refuse who is not", async () => {
    const KeyId = output("Key");
    const kms = new KMSClient(as("worker"));
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from("x") }));
    expect(Buffer.from((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext ?? []).toString()).toBe("x");
    const secret = new GetSecretValueCommand({ SecretId: "dev/stripe" });
    expect((await new SecretsManagerClient(as("worker")).send(secret)).SecretString).toBe("sk_test_1");
    const mail = new SendEmailCommand({
      FromEmailAddress: "desk@example.com",
      Destination: { ToAddresses: ["ann@example.com"] },
      Content: { Simple: { Subject: { Data: "s" }, Body: { Text: { Data: "t" } } } },
    });
    await new SESv2Client(as("worker")).send(mail);
    expect(cloud.ses.mailbox.list()).toHaveLength(1);
    const question = new IsAuthorizedCommand({
      policyStoreId: output("Store"),
      principal: { entityType: "T::A", entityId: "a" },
      action: { actionType: "T::Action", actionId: "act" },
      resource: { entityType: "T::R", entityId: "r" },
      context: { cedarJson: '{"approvals":1}' },
    });
    expect((await new VerifiedPermissionsClient(as("worker")).send(question)).decision).toBe("ALLOW");
    const refused = { name: "AccessDeniedException" };
    await expect(new KMSClient(as("reader")).send(new DecryptCommand({ CiphertextBlob }))).rejects.toMatchObject(
      refused,
    );
    await expect(new SecretsManagerClient(as("reader")).send(secret)).rejects.toMatchObject(refused);
    await expect(new SESv2Client(as("reader")).send(mail)).rejects.toMatchObject(refused);
    await expect(new VerifiedPermissionsClient(as("reader")).send(question)).rejects.toMatchObject(refused);
  });

  it("bedrock: Converse over HTTP/2, as its client speaks", async () => {
    const converse = new ConverseCommand({ modelId: "m", messages: [{ role: "user", content: [{ text: "hi" }] }] });
    const worker = new BedrockRuntimeClient(as("worker"));
    expect((await worker.send(converse)).stopReason).toBe("tool_use");
    await expect(new BedrockRuntimeClient(as("reader")).send(converse)).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    worker.destroy();
  });
});
