/** Amazon S3: buckets of the template with policies, SSE-KMS, versions and Object Lock. */
import { randomBytes } from "node:crypto";
import { type AwsCall, AwsFault, type AwsReply, type CloudContext, type Engine } from "../types.js";
import type { KeyRing } from "./kms/keyring.js";
import { S3Access } from "./s3/access.js";
import { listObjects } from "./s3/list.js";
import { listVersions } from "./s3/list-versions.js";
import type { ObjectVersion } from "./s3/objects.js";
import { putObject } from "./s3/put.js";
import { objectHeaders } from "./s3/replies.js";
import { honourOnly, targetOf } from "./s3/request.js";
import { type Bucket, bucketFactory, bucketPolicyFactory } from "./s3/resources.js";
import { unknownOperation } from "./support/request.js";

const MODELLED = ["PutObject", "GetObject", "HeadObject", "DeleteObject", "ListObjectsV2", "ListObjectVersions"];
/** Query parameters that make another operation of the same path. */
const SUBRESOURCES = [
  "acl",
  "attributes",
  "delete",
  "legal-hold",
  "location",
  "object-lock",
  "partNumber",
  "policy",
  "restore",
  "retention",
  "select",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versioning",
  "versions",
];

export interface S3Options {
  /** needed when a bucket is encrypted with a key */
  readonly keys?: KeyRing;
}

export function createS3Engine(ctx: CloudContext, options: S3Options = {}): Engine {
  const buckets = new Map<string, Bucket>();
  const access = new S3Access(ctx, options.keys);
  return {
    service: "s3",
    async handle(call): Promise<AwsReply> {
      return route(ctx, access, buckets, call);
    },
    resources: {
      "AWS::S3::Bucket": bucketFactory(ctx, buckets, options.keys),
      "AWS::S3::BucketPolicy": bucketPolicyFactory(buckets),
    },
    async reset() {
      for (const bucket of buckets.values()) bucket.objects.clear();
    },
    async close() {},
  };
}

function route(ctx: CloudContext, access: S3Access, buckets: ReadonlyMap<string, Bucket>, call: AwsCall): AwsReply {
  const { bucket: name, key } = targetOf(call);
  const subresource = SUBRESOURCES.find((parameter) => call.query.has(parameter));
  const copies = call.headers["x-amz-copy-source"] !== undefined;
  const listsVersions = subresource === "versions" && key === "" && call.method === "GET";
  if (subresource !== undefined && !listsVersions)
    throw unknownOperation("s3", `${call.method} ?${subresource}`, MODELLED);
  if (copies) throw unknownOperation("s3", "CopyObject", MODELLED);
  const bucket = buckets.get(name);
  if (bucket === undefined)
    throw new AwsFault("NoSuchBucket", `The specified bucket does not exist: ${name}`, 404, { BucketName: name });
  checkOwner(ctx, call);
  if (key === "") {
    if (listsVersions) return listVersions(access, call, bucket);
    if (call.method === "GET" && call.query.get("list-type") === "2") return listObjects(access, call, bucket);
    throw unknownOperation("s3", `${call.method} on bucket ${name}`, MODELLED);
  }
  switch (call.method) {
    case "PUT":
      return putObject(ctx, access, call, bucket, key);
    case "GET":
    case "HEAD":
      return readObject(access, call, bucket, key);
    case "DELETE":
      return deleteObject(ctx, access, call, bucket, key);
    default:
      throw unknownOperation("s3", `${call.method} on an object`, MODELLED);
  }
}

function checkOwner(ctx: CloudContext, call: AwsCall): void {
  const expected = call.headers["x-amz-expected-bucket-owner"];
  if (expected !== undefined && expected !== ctx.accountId)
    throw new AwsFault("AccessDenied", `the bucket's owner is not ${expected}`, 403);
}

/** GetObject and HeadObject: the same but for the content. */
function readObject(access: S3Access, call: AwsCall, bucket: Bucket, key: string): AwsReply {
  honourOnly(call, ["x-amz-checksum-mode"], ["versionId"]);
  const versionId = call.query.get("versionId") ?? undefined;
  const action = versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  access.authorize(call, action, bucket, key, versionId === undefined ? {} : { "s3:VersionId": versionId });
  const version = versionId === undefined ? bucket.objects.current(key) : findVersion(bucket, key, versionId);
  if (version === undefined) throw access.missing(call, bucket, key, notFound(call, key, versionId));
  if (version.deleteMarker)
    throw new AwsFault("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
  if (version.kmsKeyArn !== undefined) access.useKey(call, "kms:Decrypt", version.kmsKeyArn, bucket, key);
  const { checksum } = version;
  const wantsChecksum = call.headers["x-amz-checksum-mode"]?.toUpperCase() === "ENABLED" && checksum !== undefined;
  return {
    status: 200,
    headers: {
      ...version.headers,
      ...objectHeaders(bucket, version),
      ...lockHeaders(access, call, bucket, version),
      ...(wantsChecksum && { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }),
      "content-type": version.headers["content-type"] ?? "application/octet-stream",
      "content-length": String(version.sizeBytes),
      "last-modified": new Date(version.lastModifiedMs).toUTCString(),
      "accept-ranges": "bytes",
    },
    ...(call.method === "GET" && { body: bucket.objects.content(version) }),
  };
}

/** Told only to those who may read retention and legal hold. */
function lockHeaders(access: S3Access, call: AwsCall, bucket: Bucket, version: ObjectVersion): Record<string, string> {
  const headers: Record<string, string> = {};
  if (version.retention !== undefined && access.allowed(call, "s3:GetObjectRetention", bucket, version.key)) {
    headers["x-amz-object-lock-mode"] = version.retention.mode;
    headers["x-amz-object-lock-retain-until-date"] = new Date(version.retention.untilMs).toISOString();
  }
  if (version.legalHold && access.allowed(call, "s3:GetObjectLegalHold", bucket, version.key))
    headers["x-amz-object-lock-legal-hold"] = "ON";
  return headers;
}

function deleteObject(ctx: CloudContext, access: S3Access, call: AwsCall, bucket: Bucket, key: string): AwsReply {
  honourOnly(call, ["x-amz-bypass-governance-retention"], ["versionId"]);
  const versionId = call.query.get("versionId") ?? undefined;
  const action = versionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
  access.authorize(call, action, bucket, key, versionId === undefined ? {} : { "s3:VersionId": versionId });
  if (versionId === undefined && bucket.versioned) return addDeleteMarker(ctx, bucket, key);
  const version = findVersion(bucket, key, versionId ?? "null");
  // Deleting what is not there succeeds, as on S3.
  if (version === undefined) return { status: 204 };
  access.checkLock(call, bucket, version);
  bucket.objects.remove(version);
  return { status: 204, ...(versionId !== undefined && { headers: { "x-amz-version-id": versionId } }) };
}

/** Deleting without a version id hides the object; its versions stay. */
function addDeleteMarker(ctx: CloudContext, bucket: Bucket, key: string): AwsReply {
  const versionId = randomBytes(24).toString("base64url");
  const marker = {
    key,
    versionId,
    deleteMarker: true,
    sizeBytes: 0,
    etag: '""',
    lastModifiedMs: ctx.clock.now(),
    headers: {},
    legalHold: false,
  };
  bucket.objects.put(marker, Buffer.alloc(0));
  return { status: 204, headers: { "x-amz-delete-marker": "true", "x-amz-version-id": versionId } };
}

function findVersion(bucket: Bucket, key: string, versionId: string): ObjectVersion | undefined {
  return bucket.objects.of(key).find((version) => version.versionId === versionId);
}

function notFound(call: AwsCall, key: string, versionId: string | undefined): AwsFault {
  // HEAD answers have no body; clients read the code from the status and call it NotFound.
  if (call.method === "HEAD") return new AwsFault("NotFound", "Not Found", 404);
  if (versionId !== undefined)
    return new AwsFault("NoSuchVersion", "The specified version does not exist.", 404, {
      Key: key,
      VersionId: versionId,
    });
  return new AwsFault("NoSuchKey", "The specified key does not exist.", 404, { Key: key });
}
