/** Objects, versions, locks and lists of the embedded S3. */
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { s3Versions } from "../../../lib/aws/versions.js";
import { createKmsEngine } from "../../../lib/local/services/kms.js";
import { createS3Engine } from "../../../lib/local/services/s3.js";
import type { Engine } from "../../../lib/local/types.js";
import { create, type ServedEngine, START_MS, serve, type TestCloud, temporaryFolder, testCloud } from "./harness.js";

const BUCKET = "AWS::S3::Bucket";
const DAY_MS = 86_400_000;

describe("s3 engine", () => {
  let cloud: TestCloud;
  let kms: ReturnType<typeof createKmsEngine>;
  let engine: Engine;
  let served: ServedEngine;
  let client: S3Client;

  beforeEach(async () => {
    cloud = testCloud();
    kms = createKmsEngine(cloud.ctx);
    engine = createS3Engine(cloud.ctx, { keys: kms.keys });
    served = await serve(engine);
    client = new S3Client(served.config());
    await create(engine, BUCKET, "Plain", { BucketName: "plain" });
  });
  afterEach(async () => {
    client.destroy();
    await served.close();
  });
  const put = (change: Partial<PutObjectCommandInput> = {}) =>
    client.send(new PutObjectCommand({ Bucket: "plain", Key: "runs/r1/context.json", Body: '{"a":1}', ...change }));
  const get = (change: Partial<GetObjectCommandInput> = {}) =>
    client.send(new GetObjectCommand({ Bucket: "plain", Key: "runs/r1/context.json", ...change }));

  it("gives back what was put, with type, metadata, checksum and tag", async () => {
    const answer = await put({ ContentType: "application/json", Metadata: { run: "r1" } });
    expect(answer.ETag).toBe(`"${createHash("md5").update('{"a":1}').digest("hex")}"`);
    expect(answer.ChecksumCRC32).toMatch(/^[A-Za-z0-9+/]{6}==$/);
    const read = await get();
    expect(await read.Body?.transformToString()).toBe('{"a":1}');
    expect(read).toMatchObject({
      ContentType: "application/json",
      Metadata: { run: "r1" },
      ETag: answer.ETag,
      ChecksumCRC32: answer.ChecksumCRC32,
      LastModified: new Date(START_MS),
      ServerSideEncryption: "AES256",
    });
    const head = await client.send(new HeadObjectCommand({ Bucket: "plain", Key: "runs/r1/context.json" }));
    expect(head).toMatchObject({ ContentLength: 7, ETag: answer.ETag });
    expect(cloud.iam.last("s3:PutObject").resource).toBe("arn:aws:s3:::plain/runs/r1/context.json");
  });

  it.each(["CRC32", "CRC32C", "SHA1", "SHA256"] as const)(
    "decodes a stream with its %s in the trailer",
    async (ChecksumAlgorithm) => {
      const content = Buffer.from("line\r\n0\r\n".repeat(40_000));
      const body = Readable.from([content.subarray(0, 70_000), content.subarray(70_000)]);
      const answer = await put({ Body: body, ContentLength: content.length, ChecksumAlgorithm });
      expect(answer[`Checksum${ChecksumAlgorithm}`]).toBeDefined();
      const read = await get({ ChecksumMode: "ENABLED" });
      expect(content.equals((await read.Body?.transformToByteArray()) ?? new Uint8Array())).toBe(true);
    },
  );

  it("refuses content that does not match its checksum", async () => {
    await expect(put({ ChecksumSHA256: Buffer.alloc(32).toString("base64") })).rejects.toMatchObject({
      name: "BadDigest",
    });
    await expect(put({ ContentMD5: Buffer.alloc(16).toString("base64") })).rejects.toMatchObject({ name: "BadDigest" });
    await expect(put({ ChecksumCRC64NVME: "AAAAAAAAAAA=" })).rejects.toThrow(/CS-4036 .*crc64nvme/);
    await expect(get()).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  it("puts once with If-None-Match: *", async () => {
    await put({ IfNoneMatch: "*" });
    expect(cloud.iam.last("s3:PutObject").context).toMatchObject({ "s3:if-none-match": "*" });
    await expect(put({ IfNoneMatch: "*", Body: "second" })).rejects.toMatchObject({ name: "PreconditionFailed" });
    expect(await (await get()).Body?.transformToString()).toBe('{"a":1}');
    await client.send(new DeleteObjectCommand({ Bucket: "plain", Key: "runs/r1/context.json" }));
    await put({ IfNoneMatch: "*" });
  });

  it("keeps keys with any characters apart", async () => {
    for (const Key of ["a b+c&<d>/ä€/..%2F", "../../etc/passwd", "x/"]) {
      await put({ Key, Body: Key });
      expect(await (await get({ Key })).Body?.transformToString()).toBe(Key);
    }
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: "plain" }));
    expect(Contents.map((each) => each.Key).sort()).toEqual(["../../etc/passwd", "a b+c&<d>/ä€/..%2F", "x/"]);
  });

  it("lists by prefix, folds at the delimiter, and pages", async () => {
    for (const Key of ["a/1", "a/2", "b/1", "c"]) await put({ Key });
    const folded = await client.send(new ListObjectsV2Command({ Bucket: "plain", Delimiter: "/" }));
    expect(folded.CommonPrefixes?.map((each) => each.Prefix)).toEqual(["a/", "b/"]);
    expect(folded.Contents?.map((each) => each.Key)).toEqual(["c"]);
    expect(folded.KeyCount).toBe(3);
    const keys: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: "plain", MaxKeys: 1, Prefix: "a/", ContinuationToken }),
      );
      keys.push(...(page.Contents ?? []).map((each) => each.Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(keys).toEqual(["a/1", "a/2"]);
    expect(cloud.iam.last("s3:ListBucket")).toMatchObject({
      resource: "arn:aws:s3:::plain",
      context: { "s3:prefix": "a/" },
    });
  });

  it("does not tell whether an object exists to those who may not list", async () => {
    await expect(get({ Key: "none" })).rejects.toMatchObject({ name: "NoSuchKey" });
    await expect(client.send(new HeadObjectCommand({ Bucket: "plain", Key: "none" }))).rejects.toMatchObject({
      name: "NotFound",
    });
    cloud.iam.refuse((question) => question.action === "s3:ListBucket");
    await expect(get({ Key: "none" })).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(get({ Bucket: "nowhere" })).rejects.toMatchObject({ name: "NoSuchBucket" });
  });

  it("needs the bucket's key: to write GenerateDataKey, to read Decrypt, through S3", async () => {
    const key = await create(kms, "AWS::KMS::Key", "Vault", {});
    const rule = { ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: key.attributes.Arn } };
    await create(engine, BUCKET, "Vault", {
      BucketName: "vault",
      BucketEncryption: { ServerSideEncryptionConfiguration: [rule] },
    });
    const answer = await put({ Bucket: "vault" });
    expect(answer).toMatchObject({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: key.attributes.Arn });
    expect(cloud.iam.last("kms:GenerateDataKey")).toMatchObject({
      resource: key.attributes.Arn,
      requireResourceAllow: true,
      context: {
        "kms:ViaService": "s3.eu-central-1.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::vault/runs/r1/context.json",
      },
    });
    await get({ Bucket: "vault" });
    cloud.iam.refuse((question) => question.action === "kms:Decrypt");
    await expect(get({ Bucket: "vault" })).rejects.toMatchObject({ name: "AccessDenied" });
    cloud.iam.refuse((question) => question.action === "kms:GenerateDataKey");
    await expect(put({ Bucket: "vault", Key: "new" })).rejects.toMatchObject({ name: "AccessDenied" });
    expect((await client.send(new ListObjectsV2Command({ Bucket: "vault" }))).KeyCount).toBe(1);
  });

  describe("with versions and Object Lock", () => {
    beforeEach(async () => {
      await create(engine, BUCKET, "Archive", {
        BucketName: "archive",
        ObjectLockEnabled: true,
        ObjectLockConfiguration: {
          ObjectLockEnabled: "Enabled",
          Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 1 } },
        },
      });
    });
    const remove = (VersionId?: string, BypassGovernanceRetention?: boolean) =>
      client.send(new DeleteObjectCommand({ Bucket: "archive", Key: "c1", VersionId, BypassGovernanceRetention }));

    it("keeps every version, and hides behind a delete marker", async () => {
      const first = await put({ Bucket: "archive", Key: "c1", Body: "one" });
      await put({ Bucket: "archive", Key: "c1", Body: "two" });
      expect(await (await get({ Bucket: "archive", Key: "c1" })).Body?.transformToString()).toBe("two");
      const old = await get({ Bucket: "archive", Key: "c1", VersionId: first.VersionId });
      expect(await old.Body?.transformToString()).toBe("one");
      expect((await remove()).DeleteMarker).toBe(true);
      await expect(get({ Bucket: "archive", Key: "c1" })).rejects.toMatchObject({ name: "NoSuchKey" });
      expect((await get({ Bucket: "archive", Key: "c1", VersionId: first.VersionId })).VersionId).toBe(first.VersionId);
    });

    it("refuses to delete a version until its retention ends", async () => {
      const { VersionId } = await put({ Bucket: "archive", Key: "c1" });
      const head = await client.send(new HeadObjectCommand({ Bucket: "archive", Key: "c1" }));
      expect(head).toMatchObject({
        ObjectLockMode: "COMPLIANCE",
        ObjectLockRetainUntilDate: new Date(START_MS + DAY_MS),
      });
      await expect(remove(VersionId, true)).rejects.toMatchObject({ name: "AccessDenied" });
      cloud.advance(DAY_MS + 1);
      await remove(VersionId);
      await expect(get({ Bucket: "archive", Key: "c1", VersionId })).rejects.toMatchObject({ name: "NoSuchVersion" });
    });

    it("lets governance be bypassed by permission only, and legal hold never", async () => {
      const lock = {
        ObjectLockMode: "GOVERNANCE",
        ObjectLockRetainUntilDate: new Date(START_MS + 2 * DAY_MS),
      } as const;
      const governed = await put({ Bucket: "archive", Key: "c1", ...lock });
      expect(cloud.iam.last("s3:PutObjectRetention").context).toMatchObject({
        "s3:object-lock-mode": "GOVERNANCE",
        "s3:object-lock-remaining-retention-days": 2,
      });
      await expect(remove(governed.VersionId)).rejects.toMatchObject({ name: "AccessDenied" });
      await remove(governed.VersionId, true);
      const held = await put({ Bucket: "archive", Key: "c1", ...lock, ObjectLockLegalHoldStatus: "ON" });
      await expect(remove(held.VersionId, true)).rejects.toMatchObject({ name: "AccessDenied" });
      cloud.advance(3 * DAY_MS);
      await expect(remove(held.VersionId)).rejects.toMatchObject({ name: "AccessDenied" });
    });

    it("refuses locks in the past, half locks, and locks on other buckets", async () => {
      const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: new Date(START_MS - 1) } as const;
      await expect(put({ Bucket: "archive", ...lock })).rejects.toThrow(/must be in the future/);
      await expect(put({ Bucket: "archive", ObjectLockMode: "COMPLIANCE" })).rejects.toThrow(/must both be supplied/);
      await expect(put({ ...lock })).rejects.toThrow(/missing Object Lock Configuration/);
    });
  });

  describe("lists versions", () => {
    const list = (more: Partial<ListObjectVersionsCommandInput> = {}) =>
      client.send(new ListObjectVersionsCommand({ Bucket: "versioned", ...more }));
    beforeEach(async () => {
      const versioned = { BucketName: "versioned", VersioningConfiguration: { Status: "Enabled" } };
      await create(engine, BUCKET, "Versioned", versioned);
      for (const Key of ["a/x b", "a/y", "a/x b", "b/ü", "c"]) await put({ Bucket: "versioned", Key });
      await client.send(new DeleteObjectCommand({ Bucket: "versioned", Key: "a/y" }));
    });

    it("with their delete markers, by key, newest first, and says which is the latest", async () => {
      const { Versions = [], DeleteMarkers = [], IsTruncated } = await list();
      expect(Versions.map(({ Key, IsLatest }) => [Key, IsLatest])).toEqual([
        ["a/x b", true],
        ["a/x b", false],
        ["a/y", false],
        ["b/ü", true],
        ["c", true],
      ]);
      expect(DeleteMarkers.map(({ Key, IsLatest }) => [Key, IsLatest])).toEqual([["a/y", true]]);
      expect(IsTruncated).toBe(false);
      expect(new Set(Versions.map(({ VersionId }) => VersionId)).size).toBe(5);
      expect((await list({ Prefix: "a/y" })).Versions).toHaveLength(1);
      expect((await list({ Delimiter: "/" })).CommonPrefixes).toEqual([{ Prefix: "a/" }, { Prefix: "b/" }]);
    });

    it.each([1, 2, 3, 5])("page by page of %i, also between versions of one key", async (MaxKeys) => {
      const whole = await list();
      const found: (string | undefined)[] = [];
      let markers: Partial<ListObjectVersionsCommandInput> | undefined = {};
      while (markers !== undefined) {
        const page: ListObjectVersionsCommandOutput = await list({ MaxKeys, ...markers });
        const ids = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ VersionId }) => VersionId);
        expect(ids.length).toBeLessThanOrEqual(MaxKeys);
        found.push(...ids);
        const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
        markers = page.IsTruncated
          ? { ...(KeyMarker && { KeyMarker }), ...(VersionIdMarker && { VersionIdMarker }) }
          : undefined;
      }
      const all = [...(whole.Versions ?? []), ...(whole.DeleteMarkers ?? [])].map(({ VersionId }) => VersionId);
      expect(found.toSorted()).toEqual(all.toSorted());
    });

    it("to those who may, and a version marker needs its key", async () => {
      await expect(list({ VersionIdMarker: "v" })).rejects.toThrow(/without a key marker/);
      cloud.iam.refuse((question) => question.action === "s3:ListBucketVersions");
      await expect(list()).rejects.toMatchObject({ name: "AccessDenied" });
    });

    it("for the port of shredding: all of more than one page, and folders; what is removed is gone, also twice", async () => {
      for (let n = 0; n < 1005; n++) await put({ Bucket: "versioned", Key: `many/${n}` });
      const versions = s3Versions({ client, bucket: "versioned" });
      expect(await versions.list("many/")).toHaveLength(1005);
      expect(await versions.folders("")).toEqual(["a", "b", "many"]);
      for (const version of await versions.list("a/")) {
        await versions.remove(version);
        await versions.remove(version);
      }
      expect(await versions.list("a/")).toEqual([]);
      expect(await versions.folders("")).toEqual(["b", "many"]);
    });
  });

  it("refuses operations, headers and properties it does not model", async () => {
    await expect(client.send(new GetObjectTaggingCommand({ Bucket: "plain", Key: "a" }))).rejects.toThrow(/CS-4035/);
    await expect(
      client.send(new CopyObjectCommand({ Bucket: "plain", Key: "b", CopySource: "plain/a" })),
    ).rejects.toThrow(/CS-4035 .*CopyObject/);
    await expect(put({ ACL: "public-read" })).rejects.toThrow(/CS-4036 .*x-amz-acl/);
    await expect(put({ Tagging: "a=b" })).rejects.toThrow(/CS-4036 .*x-amz-tagging/);
    await put();
    await expect(get({ Range: "bytes=0-1" })).rejects.toThrow(/CS-4036 .*range/);
    await expect(get({ ResponseContentType: "text/html" })).rejects.toThrow(/CS-4036 .*response-content-type/);
    await expect(put({ ExpectedBucketOwner: "222222222222" })).rejects.toMatchObject({ name: "AccessDenied" });
    for (const properties of [
      { WebsiteConfiguration: {} },
      { AccessControl: "PublicRead" },
      { VersioningConfiguration: { Status: "Suspended" } },
    ])
      await expect(create(engine, BUCKET, "B", properties)).rejects.toMatchObject({ code: "CS-4030" });
    await expect(create(engine, BUCKET, "B", { BucketName: "plain" })).rejects.toMatchObject({ code: "CS-4031" });
    const unknown = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: "none" };
    const BucketEncryption = { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: unknown }] };
    await expect(create(engine, BUCKET, "B", { BucketEncryption })).rejects.toMatchObject({ code: "CS-4032" });
  });

  it("takes the CDK's usual bucket and names it as S3 wants", async () => {
    const bucket = await create(engine, BUCKET, "ContextBucketWithAVeryLongName_And_Underscores123", {
      PublicAccessBlockConfiguration: { BlockPublicAcls: true },
      LifecycleConfiguration: { Rules: [] },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      VersioningConfiguration: { Status: "Enabled" },
      Tags: [{ Key: "a", Value: "b" }],
    });
    expect(bucket.ref).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
    expect(bucket.attributes.Arn).toBe(`arn:aws:s3:::${bucket.ref}`);
  });

  it("keeps objects on disk for their owner alone, across restarts, until reset", async () => {
    const folder = temporaryFolder();
    try {
      const start = async () => {
        const s3 = createS3Engine(testCloud({ dataDir: folder.path }).ctx);
        await create(s3, BUCKET, "Kept", { BucketName: "kept", VersioningConfiguration: { Status: "Enabled" } });
        const server = await serve(s3);
        return { s3, server, client: new S3Client(server.config()) };
      };
      const first = await start();
      const place = { Bucket: "kept", Key: "../a" };
      await first.client.send(new PutObjectCommand({ ...place, Body: "one" }));
      await first.client.send(new PutObjectCommand({ ...place, Body: "two" }));
      await first.server.close();
      const files = readdirSync(join(folder.path, "s3", "kept"));
      expect(files).toHaveLength(4);
      for (const file of files) expect(statSync(join(folder.path, "s3", "kept", file)).mode & 0o777).toBe(0o600);
      const second = await start();
      const read = await second.client.send(new GetObjectCommand(place));
      expect(await read.Body?.transformToString()).toBe("two");
      await second.s3.reset();
      expect((await second.client.send(new ListObjectsV2Command({ Bucket: "kept" }))).KeyCount).toBe(0);
      await second.server.close();
    } finally {
      folder.remove();
    }
  });
});
