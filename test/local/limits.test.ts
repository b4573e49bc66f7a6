/**
 * Limits of AWS, each with the error that AWS gives. Histories (25,000 events), states' payloads and execution names are
 * tested in states/, items of 400 KB, statements and batches in dynamodb/, payloads of functions in core/lambda.test.ts.
 */
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { IsAuthorizedCommand, VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { afterAll, describe, expect, it } from "vitest";
import { createIamRoles } from "../../lib/local/iam/index.js";
import { functionConfiguration } from "../../lib/local/lambda/configuration.js";
import { createSecretsEngine } from "../../lib/local/services/secretsmanager.js";
import { createSesEngine } from "../../lib/local/services/ses.js";
import { createVerifiedPermissionsEngine } from "../../lib/local/services/verifiedpermissions.js";
import type { Engine, PolicyDocument } from "../../lib/local/types.js";
import { ACCOUNT, create, REGION, resource, type ServedEngine, serve, testCloud } from "./services/harness.js";

const STORE = "AWS::VerifiedPermissions::PolicyStore";
const { ctx } = testCloud();
const secrets = createSecretsEngine(ctx);
const mail = createSesEngine(ctx);
const permissions = createVerifiedPermissionsEngine(ctx);
const served: ServedEngine[] = [];
const serving = async (engine: Engine) => {
  const server = await serve(engine);
  served.push(server);
  return server.config();
};
const nameOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => "accepted",
    (error: unknown) => (error instanceof Error ? error.name : error),
  );

afterAll(async () => {
  for (const server of served) await server.close();
});

describe("Secrets Manager", () => {
  it("takes 65,536 bytes, not characters", async () => {
    const { ref } = await create(secrets, "AWS::SecretsManager::Secret", "Key", { Name: "key", SecretString: "x" });
    const client = new SecretsManagerClient(await serving(secrets));
    const put = (SecretString: string) =>
      nameOf(client.send(new PutSecretValueCommand({ SecretId: ref, SecretString })));
    expect(await put("x".repeat(65_536))).toBe("accepted");
    expect(await put("x".repeat(65_537))).toBe("InvalidParameterException");
    expect(await put("ü".repeat(32_769))).toBe("InvalidParameterException");
    client.destroy();
  });
});

describe("SES", () => {
  it("takes 40 MB as encoded", async () => {
    const client = new SESv2Client(await serving(mail));
    const send = (Data: string) => {
      const Content = { Simple: { Subject: { Data: "s" }, Body: { Text: { Data } } } };
      const Destination = { ToAddresses: ["a@example.com"] };
      return nameOf(client.send(new SendEmailCommand({ FromEmailAddress: "b@example.com", Destination, Content })));
    };
    expect(await send("x".repeat(30 * 1024 * 1024))).toBe("BadRequestException");
    expect(await send("x".repeat(1024 * 1024))).toBe("accepted");
    client.destroy();
  });
});

describe("Verified Permissions", () => {
  const long = { type: "Long" };
  const schema = (attributes: number) => ({
    CedarJson: JSON.stringify({
      N: {
        entityTypes: {
          E: {
            shape: {
              type: "Record",
              attributes: Object.fromEntries(Array.from({ length: attributes }, (_, n) => [`attribute_${n}`, long])),
            },
          },
        },
        actions: { act: { appliesTo: { principalTypes: ["E"], resourceTypes: ["E"] } } },
      },
    }),
  });
  const store = (logicalId: string, attributes: number) =>
    create(permissions, STORE, logicalId, { ValidationSettings: { Mode: "STRICT" }, Schema: schema(attributes) });

  it("takes a schema of 100,000 bytes", async () => {
    expect(schema(3_100).CedarJson.length).toBeGreaterThan(100_000);
    expect(schema(3_000).CedarJson.length).toBeLessThan(100_000);
    await expect(store("Large", 3_100)).rejects.toMatchObject({ code: "CS-4033" });
    await expect(store("Fits", 3_000)).resolves.toBeDefined();
  });

  it("takes a policy of 10,000 bytes and a request of 1 MB", async () => {
    const { ref: policyStoreId } = await store("Small", 1);
    const add = (logicalId: string, size: number) =>
      create(permissions, "AWS::VerifiedPermissions::Policy", logicalId, {
        PolicyStoreId: policyStoreId,
        Definition: { Static: { Statement: "permit (principal, action, resource);".padEnd(size, " ") } },
      });
    await expect(add("Over", 10_001)).rejects.toMatchObject({ code: "CS-4034" });
    await expect(add("At", 10_000)).resolves.toBeDefined();
    const client = new VerifiedPermissionsClient(await serving(permissions));
    const entity = { entityType: "N::E", entityId: "e" };
    const ask = (size: number) =>
      nameOf(
        client.send(
          new IsAuthorizedCommand({
            policyStoreId,
            principal: { ...entity, entityId: "x".repeat(size) },
            action: { actionType: "N::Action", actionId: "act" },
            resource: entity,
          }),
        ),
      );
    expect(await ask(1_000_001)).toBe("ValidationException");
    expect(await ask(10)).toBe("accepted");
    client.destroy();
  });
});

describe("Lambda functions", () => {
  const configure = (properties: Record<string, unknown>) =>
    functionConfiguration(
      resource("AWS::Lambda::Function", "F", {
        Code: { S3Bucket: "b", S3Key: "k" },
        Handler: "index.handler",
        Role: `arn:aws:iam::${ACCOUNT}:role/r`,
        Runtime: "nodejs20.x",
        ...properties,
      }),
      { region: REGION, accountId: ACCOUNT, assetFolder: () => "/nowhere" },
    );
  const environment = (bytes: number) => ({ Environment: { Variables: { NAME: "x".repeat(bytes - 4) } } });

  it("have names of 64 characters and 4 KB of environment", () => {
    expect(configure({ FunctionName: "f".repeat(64) }).name).toHaveLength(64);
    expect(() => configure({ FunctionName: "f".repeat(65) })).toThrow(/FunctionName/);
    expect(Object.keys(configure(environment(4096)).environment)).toEqual(["NAME"]);
    expect(() => configure(environment(4097))).toThrow(/4097 bytes; Lambda allows 4096/);
  });
});

describe("IAM", () => {
  const env = { accountId: ACCOUNT, region: REGION, now: () => 0 };
  const grant = (characters: number): PolicyDocument => {
    const around = JSON.stringify(grantOf("")).length;
    return grantOf("x".repeat(characters - around));
  };
  const grantOf = (key: string): PolicyDocument => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::b/${key}` }],
  });
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lambda.amazonaws.com" } }],
  };
  const deploy = async (
    type: string,
    logicalId: string,
    properties: Record<string, unknown>,
    roles = createIamRoles(env),
  ) => roles.resources[type]?.(resource(type, logicalId, properties));
  const roleWith = (more: Record<string, unknown>, roles = createIamRoles(env)) =>
    deploy("AWS::IAM::Role", "R", { RoleName: "r", AssumeRolePolicyDocument: trust, ...more }, roles);
  const inline = (...sizes: number[]) =>
    sizes.map((size, index) => ({ PolicyName: `p${index}`, PolicyDocument: grant(size) }));

  it("has names of 64 characters", async () => {
    await expect(roleWith({ RoleName: "r".repeat(65) })).rejects.toMatchObject({ code: "CS-4030" });
    await expect(roleWith({ RoleName: "r".repeat(64) })).resolves.toBeDefined();
  });

  it("takes 10,240 characters of inline policies for a role, however they come to it", async () => {
    await expect(roleWith({ Policies: inline(5_000, 5_240) })).resolves.toBeDefined();
    await expect(roleWith({ Policies: inline(5_000, 5_241) })).rejects.toMatchObject({ code: "CS-1213" });
    const roles = createIamRoles(env);
    await roleWith({ Policies: inline(5_000) }, roles);
    const attach = (logicalId: string, size: number) =>
      deploy(
        "AWS::IAM::Policy",
        logicalId,
        { PolicyName: logicalId, PolicyDocument: grant(size), Roles: ["r"] },
        roles,
      );
    await expect(attach("Fits", 5_240)).resolves.toBeDefined();
    await expect(attach("Over", 200)).rejects.toMatchObject({ code: "CS-1213" });
  });

  it("takes managed policies of 6,144 characters and trust policies of 2,048", async () => {
    const managed = (size: number) => deploy("AWS::IAM::ManagedPolicy", "M", { PolicyDocument: grant(size) });
    await expect(managed(6_144)).resolves.toBeDefined();
    await expect(managed(6_145)).rejects.toMatchObject({ code: "CS-1213" });
    const Statement = Array.from({ length: 30 }, () => trust.Statement[0]);
    await expect(roleWith({ AssumeRolePolicyDocument: { ...trust, Statement } })).rejects.toMatchObject({
      code: "CS-1213",
    });
  });
});
