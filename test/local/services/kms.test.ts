import { createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  SignCommand,
  VerifyCommand,
} from "@aws-sdk/client-kms";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKmsEngine } from "../../../lib/local/services/kms.js";
import { create, type ServedEngine, serve, type TestCloud, temporaryFolder, testCloud } from "./harness.js";

const POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:root" }, Action: "kms:*", Resource: "*" },
  ],
};

describe("kms engine", () => {
  let cloud: TestCloud;
  let engine: ReturnType<typeof createKmsEngine>;
  let served: ServedEngine;
  let client: KMSClient;

  beforeEach(async () => {
    cloud = testCloud();
    engine = createKmsEngine(cloud.ctx);
    served = await serve(engine);
    client = new KMSClient(served.config());
  });
  afterEach(async () => {
    client.destroy();
    await served.close();
  });
  const symmetric = () =>
    create(engine, "AWS::KMS::Key", "Vault", { KeyPolicy: POLICY, EnableKeyRotation: true, PendingWindowInDays: 7 });

  it("opens what it sealed, with the same encryption context in any order", async () => {
    const key = await symmetric();
    const sealed = await client.send(
      new EncryptCommand({
        KeyId: key.ref,
        Plaintext: Buffer.from("nonce"),
        EncryptionContext: { run: "r1", tenant: "t" },
      }),
    );
    const opened = await client.send(
      new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: { tenant: "t", run: "r1" } }),
    );
    expect(Buffer.from(opened.Plaintext ?? []).toString()).toBe("nonce");
    expect(opened.KeyId).toBe(key.attributes.Arn);
  });

  it("refuses another encryption context, a changed blob and another key", async () => {
    const key = await symmetric();
    const other = await create(engine, "AWS::KMS::Key", "Other", { KeyPolicy: POLICY });
    const { CiphertextBlob = new Uint8Array() } = await client.send(
      new EncryptCommand({ KeyId: key.ref, Plaintext: Buffer.from("x"), EncryptionContext: { run: "r1" } }),
    );
    const EncryptionContext = { run: "r1" };
    await expect(
      client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { run: "r2" } })),
    ).rejects.toMatchObject({ name: "InvalidCiphertextException" });
    const changed = Buffer.from(CiphertextBlob);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    await expect(client.send(new DecryptCommand({ CiphertextBlob: changed, EncryptionContext }))).rejects.toMatchObject(
      {
        name: "InvalidCiphertextException",
      },
    );
    await expect(
      client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext, KeyId: other.ref })),
    ).rejects.toMatchObject({ name: "IncorrectKeyException" });
    await expect(client.send(new DecryptCommand({ CiphertextBlob: Buffer.from("short") }))).rejects.toMatchObject({
      name: "InvalidCiphertextException",
    });
  });

  it("asks key policy and IAM, with the encryption context as condition keys", async () => {
    const key = await symmetric();
    await create(engine, "AWS::KMS::Alias", "Alias", { AliasName: "alias/vault", TargetKeyId: key.ref });
    await client.send(
      new EncryptCommand({ KeyId: "alias/vault", Plaintext: Buffer.from("x"), EncryptionContext: { run: "r1" } }),
    );
    expect(cloud.iam.last("kms:Encrypt")).toMatchObject({
      resource: key.attributes.Arn,
      requireResourceAllow: true,
      resourcePolicy: POLICY,
      caller: { principalArn: "arn:aws:iam::111111111111:role/worker" },
      context: {
        "kms:EncryptionContext:run": "r1",
        "kms:EncryptionContextKeys": ["run"],
        "kms:RequestAlias": "alias/vault",
        "kms:ResourceAliases": ["alias/vault"],
        "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
      },
    });
    cloud.iam.refuse((question) => question.action === "kms:Decrypt");
    const sealed = await client.send(new EncryptCommand({ KeyId: key.ref, Plaintext: Buffer.from("x") }));
    await expect(client.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });

  it("makes data keys that only the key opens", async () => {
    const key = await symmetric();
    const dataKey = await client.send(new GenerateDataKeyCommand({ KeyId: key.ref, KeySpec: "AES_256" }));
    expect(dataKey.Plaintext).toHaveLength(32);
    const opened = await client.send(new DecryptCommand({ CiphertextBlob: dataKey.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext ?? [])).toEqual(Buffer.from(dataKey.Plaintext ?? []));
    await expect(
      client.send(new GenerateDataKeyCommand({ KeyId: key.ref, KeySpec: "AES_256", NumberOfBytes: 8 })),
    ).rejects.toMatchObject({ name: "ValidationException" });
  });

  it("signs with P-256; the public key verifies offline", async () => {
    const key = await create(engine, "AWS::KMS::Key", "Notary", {
      KeyPolicy: POLICY,
      KeySpec: "ECC_NIST_P256",
      KeyUsage: "SIGN_VERIFY",
    });
    const Message = Buffer.from("checkpoint");
    const signing = { KeyId: key.ref, Message, SigningAlgorithm: "ECDSA_SHA_256" as const };
    const { Signature = new Uint8Array() } = await client.send(new SignCommand(signing));
    const { PublicKey = new Uint8Array() } = await client.send(new GetPublicKeyCommand({ KeyId: key.ref }));
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    expect(verify("sha256", Message, publicKey, Signature)).toBe(true);
    expect((await client.send(new VerifyCommand({ ...signing, Signature }))).SignatureValid).toBe(true);
    await expect(
      client.send(new VerifyCommand({ ...signing, Message: Buffer.from("other"), Signature })),
    ).rejects.toMatchObject({ name: "KMSInvalidSignatureException" });
    await expect(client.send(new SignCommand({ ...signing, MessageType: "DIGEST" }))).rejects.toThrow(/CS-4036/);
    await expect(client.send(new EncryptCommand({ KeyId: key.ref, Plaintext: Message }))).rejects.toMatchObject({
      name: "InvalidKeyUsageException",
    });
  });

  it("describes keys, and a disabled key does nothing else", async () => {
    const key = await create(engine, "AWS::KMS::Key", "Off", { KeyPolicy: POLICY, Enabled: "false", Description: "d" });
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: key.ref }));
    expect(KeyMetadata).toMatchObject({
      KeyState: "Disabled",
      Description: "d",
      CreationDate: new Date("2026-11-21T09:00:00Z"),
    });
    await expect(
      client.send(new EncryptCommand({ KeyId: key.ref, Plaintext: Buffer.from("x") })),
    ).rejects.toMatchObject({
      name: "DisabledException",
    });
    await expect(client.send(new DescribeKeyCommand({ KeyId: "alias/none" }))).rejects.toMatchObject({
      name: "NotFoundException",
    });
  });

  it("refuses properties and members it does not model", async () => {
    await expect(create(engine, "AWS::KMS::Key", "K", { MultiRegion: true, Nonsense: 1 })).rejects.toMatchObject({
      code: "CS-4030",
    });
    await expect(create(engine, "AWS::KMS::Key", "K", { KeySpec: "ECC_NIST_P256" })).rejects.toMatchObject({
      code: "CS-4030",
    });
    await expect(
      create(engine, "AWS::KMS::Key", "K", { KeyPolicy: { Statement: { Effect: "Allow", Actions: "kms:*" } } }),
    ).rejects.toThrow(/KeyPolicy/);
    await expect(
      create(engine, "AWS::KMS::Alias", "A", { AliasName: "alias/a", TargetKeyId: "nope" }),
    ).rejects.toMatchObject({ code: "CS-4032" });
    const key = await symmetric();
    await expect(
      client.send(new EncryptCommand({ KeyId: key.ref, Plaintext: Buffer.from("x"), GrantTokens: ["t"] })),
    ).rejects.toThrow(/CS-4036 .*GrantTokens/);
  });

  it("keeps key material on disk for its owner alone, and opens old data after a restart", async () => {
    const folder = temporaryFolder();
    try {
      const start = async () => {
        const kms = createKmsEngine(testCloud({ dataDir: folder.path }).ctx);
        const key = await create(kms, "AWS::KMS::Key", "Vault", { KeyPolicy: POLICY });
        const server = await serve(kms);
        return { key, server, client: new KMSClient(server.config()) };
      };
      const first = await start();
      const sealed = await first.client.send(
        new EncryptCommand({ KeyId: first.key.ref, Plaintext: Buffer.from("kept") }),
      );
      await first.server.close();
      const path = join(folder.path, "kms.json");
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const second = await start();
      const opened = await second.client.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
      expect(Buffer.from(opened.Plaintext ?? []).toString()).toBe("kept");
      await second.server.close();
      expect(existsSync(path)).toBe(true);
      writeFileSync(path, readFileSync(path, "utf8").slice(1));
      await expect(start()).rejects.toMatchObject({ code: "CS-4037" });
    } finally {
      folder.remove();
    }
  });
});
