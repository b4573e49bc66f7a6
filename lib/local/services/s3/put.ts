/** PutObject. */
import { createHash, randomBytes } from "node:crypto";
import { type AwsCall, AwsFault, type AwsReply, type CloudContext } from "../../types.js";
import { unknownMember } from "../support/request.js";
import type { S3Access } from "./access.js";
import { receiveBody } from "./body.js";
import type { ObjectVersion } from "./objects.js";
import { objectHeaders } from "./replies.js";
import { honourOnly } from "./request.js";
import type { Bucket } from "./resources.js";

const MAX_METADATA_BYTES = 2048;
const STORED_HEADERS = ["content-type", "cache-control", "content-disposition", "content-language", "expires"];
const HONOURED = [
  "if-none-match",
  "x-amz-meta-*",
  "x-amz-checksum-*",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-trailer",
  "x-amz-decoded-content-length",
  "x-amz-object-lock-*",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
];

export function putObject(ctx: CloudContext, access: S3Access, call: AwsCall, bucket: Bucket, key: string): AwsReply {
  honourOnly(call, HONOURED, []);
  const lock = lockOf(ctx, call, bucket);
  access.authorize(call, "s3:PutObject", bucket, key, conditionsOf(call));
  authorizeLock(ctx, access, call, bucket, key, lock);
  const kmsKeyArn = encryptionKey(access, call, bucket, key);
  const { content, checksum, verified } = receiveBody(call.headers, call.body);
  if (lock.asked && !verified)
    throw new AwsFault(
      "InvalidRequest",
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
      400,
    );
  checkAbsent(call, bucket, key);
  const version = bucket.objects.put(
    {
      key,
      versionId: bucket.versioned ? randomBytes(24).toString("base64url") : "null",
      deleteMarker: false,
      sizeBytes: content.length,
      etag: `"${createHash("md5").update(content).digest("hex")}"`,
      lastModifiedMs: ctx.clock.now(),
      headers: storedHeaders(call),
      legalHold: lock.legalHold,
      ...(lock.retention !== undefined && { retention: lock.retention }),
      ...(checksum !== undefined && { checksum }),
      ...(kmsKeyArn !== undefined && { kmsKeyArn }),
    },
    content,
  );
  const { etag, ...headers } = objectHeaders(bucket, version);
  return {
    status: 200,
    headers: {
      etag,
      ...headers,
      ...(checksum !== undefined && { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }),
    },
  };
}

/** `If-None-Match: *` puts only when there is no such object; the check and the put happen in one turn of the event loop. */
function checkAbsent(call: AwsCall, bucket: Bucket, key: string): void {
  const condition = call.headers["if-none-match"];
  if (condition === undefined) return;
  if (condition !== "*") throw unknownMember("s3", `header if-none-match: ${condition}`, "PutObject takes * only");
  if (bucket.objects.current(key) !== undefined)
    throw new AwsFault("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, {
      Condition: "If-None-Match",
    });
}

interface Lock {
  /** the request itself carries lock headers */
  readonly asked: boolean;
  readonly retention?: NonNullable<ObjectVersion["retention"]>;
  readonly legalHold: boolean;
}

function lockOf(ctx: CloudContext, call: AwsCall, bucket: Bucket): Lock {
  const mode = call.headers["x-amz-object-lock-mode"];
  const until = call.headers["x-amz-object-lock-retain-until-date"];
  const hold = call.headers["x-amz-object-lock-legal-hold"];
  const asked = mode !== undefined || until !== undefined || hold !== undefined;
  if (asked && !bucket.objectLock)
    throw new AwsFault("InvalidRequest", "Bucket is missing Object Lock Configuration", 400);
  if (hold !== undefined && hold !== "ON" && hold !== "OFF")
    throw new AwsFault("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'", 400);
  const legalHold = hold === "ON";
  if (mode === undefined && until === undefined) {
    const rule = bucket.defaultRetention;
    if (rule === undefined) return { asked, legalHold };
    return { asked, legalHold, retention: { mode: rule.mode, untilMs: ctx.clock.now() + rule.periodMs } };
  }
  if (mode === undefined || until === undefined)
    throw new AwsFault(
      "InvalidArgument",
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
      400,
    );
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE")
    throw new AwsFault("InvalidArgument", "Unknown wormMode directive.", 400);
  const untilMs = Date.parse(until);
  if (Number.isNaN(untilMs) || untilMs <= ctx.clock.now())
    throw new AwsFault("InvalidArgument", "The retain until date must be in the future!", 400);
  return { asked, legalHold, retention: { mode, untilMs } };
}

function authorizeLock(
  ctx: CloudContext,
  access: S3Access,
  call: AwsCall,
  bucket: Bucket,
  key: string,
  lock: Lock,
): void {
  if (!lock.asked) return;
  if (call.headers["x-amz-object-lock-mode"] !== undefined && lock.retention !== undefined) {
    const remainingMs = lock.retention.untilMs - ctx.clock.now();
    access.authorize(call, "s3:PutObjectRetention", bucket, key, {
      "s3:object-lock-mode": lock.retention.mode,
      "s3:object-lock-retain-until-date": new Date(lock.retention.untilMs).toISOString(),
      "s3:object-lock-remaining-retention-days": Math.ceil(remainingMs / 86_400_000),
    });
  }
  const hold = call.headers["x-amz-object-lock-legal-hold"];
  if (hold !== undefined)
    access.authorize(call, "s3:PutObjectLegalHold", bucket, key, { "s3:object-lock-legal-hold": hold });
}

/** The key an object is encrypted with: the request's, else the bucket's; undefined for SSE-S3. */
function encryptionKey(access: S3Access, call: AwsCall, bucket: Bucket, key: string): string | undefined {
  const algorithm = call.headers["x-amz-server-side-encryption"] ?? bucket.encryption.algorithm;
  const asked = call.headers["x-amz-server-side-encryption-aws-kms-key-id"];
  if (algorithm === "AES256" && asked === undefined) return undefined;
  if (algorithm !== "aws:kms")
    throw unknownMember("s3", `server-side encryption ${algorithm} with this key`, "use AES256, or aws:kms");
  const keyId = asked ?? (bucket.encryption.algorithm === "aws:kms" ? bucket.encryption.keyId : undefined);
  if (keyId === undefined) throw unknownMember("s3", "the account's default key aws/s3", "name a key of the template");
  return access.useKey(call, "kms:GenerateDataKey", keyId, bucket, key);
}

function conditionsOf(call: AwsCall): Record<string, string> {
  const named = [
    ["s3:x-amz-server-side-encryption", "x-amz-server-side-encryption"],
    ["s3:x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-aws-kms-key-id"],
    ["s3:if-none-match", "if-none-match"],
    ["s3:object-lock-mode", "x-amz-object-lock-mode"],
    ["s3:object-lock-retain-until-date", "x-amz-object-lock-retain-until-date"],
    ["s3:object-lock-legal-hold", "x-amz-object-lock-legal-hold"],
  ] as const;
  return Object.fromEntries(
    named.flatMap(([condition, header]) => {
      const value = call.headers[header];
      return value === undefined ? [] : [[condition, value]];
    }),
  );
}

function storedHeaders(call: AwsCall): Record<string, string> {
  const kept = Object.entries(call.headers).filter(
    ([name]) => STORED_HEADERS.includes(name) || name.startsWith("x-amz-meta-"),
  );
  const metadata = kept.filter(([name]) => name.startsWith("x-amz-meta-"));
  const sizeBytes = metadata.reduce(
    (sum, [name, value]) => sum + name.length - "x-amz-meta-".length + Buffer.byteLength(value),
    0,
  );
  if (sizeBytes > MAX_METADATA_BYTES)
    throw new AwsFault(
      "MetadataTooLarge",
      `Your metadata headers exceed the maximum allowed metadata size of ${MAX_METADATA_BYTES} bytes`,
      400,
    );
  const encoding = (call.headers["content-encoding"] ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each !== "aws-chunked");
  return { ...Object.fromEntries(kept), ...(encoding.length > 0 && { "content-encoding": encoding.join(", ") }) };
}
