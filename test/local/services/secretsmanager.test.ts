import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKmsEngine } from "../../../lib/local/services/kms.js";
import { generateSecret, generateSecretString } from "../../../lib/local/services/secretsmanager/generate.js";
import { createSecretsEngine } from "../../../lib/local/services/secretsmanager.js";
import { create, type ServedEngine, serve, type TestCloud, temporaryFolder, testCloud } from "./harness.js";

const SECRET = "AWS::SecretsManager::Secret";

describe("secrets manager engine", () => {
  let cloud: TestCloud;
  let kms: ReturnType<typeof createKmsEngine>;
  let engine: ReturnType<typeof createSecretsEngine>;
  let served: ServedEngine;
  let client: SecretsManagerClient;

  beforeEach(async () => {
    cloud = testCloud();
    kms = createKmsEngine(cloud.ctx);
    engine = createSecretsEngine(cloud.ctx, {
      secrets: { "dev/stripe": "sk_test_1", "dev/typo": "x" },
      keys: kms.keys,
    });
    served = await serve(engine);
    client = new SecretsManagerClient(served.config());
  });
  afterEach(async () => {
    client.destroy();
    await served.close();
  });
  const read = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }));

  it("gives the preset value by ARN, partial ARN and name", async () => {
    const secret = await create(engine, SECRET, "Stripe", { Name: "dev/stripe", Description: "test key" });
    expect(secret.ref).toMatch(/^arn:aws:secretsmanager:eu-central-1:111111111111:secret:dev\/stripe-[A-Za-z0-9]{6}$/);
    for (const id of [secret.ref, secret.ref.slice(0, -7), "dev/stripe"])
      expect(await read(id)).toMatchObject({
        SecretString: "sk_test_1",
        ARN: secret.ref,
        VersionStages: ["AWSCURRENT"],
      });
    expect(engine.unusedPresets()).toEqual(["dev/typo"]);
  });

  it("asks IAM about the whole ARN, with the resource policy and condition keys", async () => {
    const secret = await create(engine, SECRET, "Stripe", {
      Name: "dev/stripe",
      Tags: [{ Key: "tool", Value: "refund" }],
    });
    const ResourcePolicy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: "*", Resource: "*" }],
    };
    await create(engine, "AWS::SecretsManager::ResourcePolicy", "P", {
      SecretId: secret.ref,
      ResourcePolicy,
      BlockPublicPolicy: true,
    });
    await read("dev/stripe");
    expect(cloud.iam.last("secretsmanager:GetSecretValue")).toMatchObject({
      resource: secret.ref,
      resourcePolicy: ResourcePolicy,
      context: {
        "secretsmanager:SecretId": secret.ref,
        "secretsmanager:VersionStage": "AWSCURRENT",
        "aws:ResourceTag/tool": "refund",
      },
    });
    cloud.iam.refuse((question) => question.caller.principalArn.endsWith("/other-tool"));
    const other = new SecretsManagerClient(served.config("other-tool"));
    for (const SecretId of ["dev/stripe", "dev/absent"])
      await expect(other.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
        name: "AccessDeniedException",
      });
    await expect(read("dev/absent")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("needs the secret's own key for its caller, through Secrets Manager", async () => {
    const key = await create(kms, "AWS::KMS::Key", "Vault", {});
    const secret = await create(engine, SECRET, "S", { Name: "dev/stripe", KmsKeyId: key.ref });
    await read("dev/stripe");
    expect(cloud.iam.last("kms:Decrypt")).toMatchObject({
      resource: key.attributes.Arn,
      context: {
        "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com",
        "kms:EncryptionContext:SecretARN": secret.ref,
      },
    });
    cloud.iam.refuse((question) => question.action === "kms:Decrypt");
    await expect(read("dev/stripe")).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  it("puts new versions, keeps the one before, and forgets both on reset", async () => {
    await create(engine, SECRET, "S", { Name: "dev/stripe" });
    const put = await client.send(new PutSecretValueCommand({ SecretId: "dev/stripe", SecretString: "sk_test_2" }));
    expect(await read("dev/stripe")).toMatchObject({ SecretString: "sk_test_2", VersionId: put.VersionId });
    const previous = new GetSecretValueCommand({ SecretId: "dev/stripe", VersionStage: "AWSPREVIOUS" });
    expect((await client.send(previous)).SecretString).toBe("sk_test_1");
    const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: "dev/stripe" }));
    expect(Object.values(VersionIdsToStages).flat().sort()).toEqual(["AWSCURRENT", "AWSPREVIOUS"]);
    await engine.reset();
    expect((await read("dev/stripe")).SecretString).toBe("sk_test_1");
    await expect(client.send(previous)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("keeps made-up values for the owner alone, and presets not at all", async () => {
    const folder = temporaryFolder();
    try {
      const start = async () => {
        const secrets = createSecretsEngine(testCloud({ dataDir: folder.path }).ctx, {
          secrets: { "dev/stripe": "sk_live_never_on_disk" },
        });
        await create(secrets, SECRET, "Stripe", { Name: "dev/stripe" });
        await create(secrets, SECRET, "Link", {
          Name: "dev/link",
          GenerateSecretString: { PasswordLength: 48, ExcludePunctuation: true },
        });
        const server = await serve(secrets);
        const answer = await new SecretsManagerClient(server.config()).send(
          new GetSecretValueCommand({ SecretId: "dev/link" }),
        );
        await server.close();
        return answer.SecretString;
      };
      const first = await start();
      expect(first).toMatch(/^[a-zA-Z0-9]{48}$/);
      expect(await start()).toBe(first);
      const path = join(folder.path, "secrets.json");
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, "utf8")).not.toContain("never_on_disk");
    } finally {
      folder.remove();
    }
  });

  it("refuses what it does not model", async () => {
    await expect(create(engine, SECRET, "S", { ReplicaRegions: [] })).rejects.toMatchObject({ code: "CS-4030" });
    await expect(create(engine, SECRET, "S", { SecretString: "a", GenerateSecretString: {} })).rejects.toThrow(
      /exclude each other/,
    );
    await expect(create(engine, SECRET, "S", { KmsKeyId: "none" })).rejects.toMatchObject({ code: "CS-4032" });
    await create(engine, SECRET, "S", { Name: "dev/a" });
    await expect(create(engine, SECRET, "T", { Name: "dev/a" })).rejects.toMatchObject({ code: "CS-4031" });
    await expect(
      create(engine, SECRET, "U", { GenerateSecretString: { SecretStringTemplate: "{", GenerateStringKey: "k" } }),
    ).rejects.toThrow(/no JSON object/);
    await expect(client.send(new ListSecretsCommand({}))).rejects.toThrow(/CS-4035/);
    await expect(
      client.send(new PutSecretValueCommand({ SecretId: "dev/a", SecretString: "x", VersionStages: ["custom"] })),
    ).rejects.toThrow(/CS-4036 .*VersionStages/);
  });
});

describe("generated secrets", () => {
  it("have the length, leave out what is excluded, and hold each type", () => {
    const options = fc.record({
      PasswordLength: fc.integer({ min: 5, max: 60 }),
      ExcludeCharacters: fc.string({ maxLength: 8 }),
      ExcludePunctuation: fc.boolean(),
      ExcludeNumbers: fc.boolean(),
      IncludeSpace: fc.boolean(),
    });
    fc.assert(
      fc.property(options, (given) => {
        const secret = generateSecret(generateSecretString.parse(given));
        expect([...secret]).toHaveLength(given.PasswordLength);
        for (const character of secret) expect(given.ExcludeCharacters).not.toContain(character);
        if (given.ExcludePunctuation) expect(secret).toMatch(/^[a-zA-Z0-9 ]*$/);
        if (given.ExcludeNumbers) expect(secret).not.toMatch(/\d/);
        else if (given.ExcludeCharacters === "") expect(secret).toMatch(/\d/);
      }),
    );
  });

  it("go into a JSON template", () => {
    const options = { SecretStringTemplate: '{"user":"u"}', GenerateStringKey: "password", PasswordLength: "10" };
    const value: unknown = JSON.parse(generateSecret(generateSecretString.parse(options)));
    expect(value).toEqual({ user: "u", password: expect.stringMatching(/^.{10}$/) });
  });

  it.each([
    { ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true },
    { PasswordLength: 2 },
    { GenerateStringKey: "k" },
    { Length: 3 },
  ])("refuse options %j", (options) => {
    expect(generateSecretString.safeParse(options).success).toBe(false);
  });
});
