/** Who may do what with a bucket: IAM and bucket policy, the key of an encrypted object. */
import type { AccessQuestion, AwsCall, CloudContext } from "../../types.js";
import { AwsFault } from "../../types.js";
import type { KeyRing } from "../kms/keyring.js";
import type { ObjectVersion } from "./objects.js";
import type { Bucket } from "./resources.js";

type Conditions = Readonly<Record<string, string | readonly string[] | boolean | number>>;

export class S3Access {
  constructor(
    private readonly ctx: CloudContext,
    private readonly keys: KeyRing | undefined,
  ) {}

  /** @param key the object's key; undefined asks about the bucket. @throws AwsFault AccessDeniedException */
  authorize(call: AwsCall, action: string, bucket: Bucket, key?: string, conditions: Conditions = {}): void {
    this.ctx.iam.authorize(this.question(call, action, bucket, key, conditions));
  }

  allowed(call: AwsCall, action: string, bucket: Bucket, key?: string): boolean {
    return this.ctx.iam.evaluate(this.question(call, action, bucket, key, {})).allowed;
  }

  /** What a reader without the object learns: that it is missing, if it may list the bucket; else only that it is refused. */
  missing(call: AwsCall, bucket: Bucket, key: string, fault: AwsFault): AwsFault {
    if (this.allowed(call, "s3:ListBucket", bucket)) return fault;
    return new AwsFault(
      "AccessDenied",
      `User: ${call.caller.sessionArn} is not authorized to perform: s3:ListBucket on resource: "${bucket.arn}", so whether ${key} exists stays unsaid`,
      403,
    );
  }

  /** The caller's permission to use the key of an SSE-KMS object, through S3. @returns the key's ARN */
  useKey(
    call: AwsCall,
    action: "kms:GenerateDataKey" | "kms:Decrypt",
    keyId: string,
    bucket: Bucket,
    key: string,
  ): string {
    if (this.keys === undefined) throw new AwsFault("InternalError", "no key ring for an encrypted bucket", 500);
    const bucketKey = bucket.encryption.algorithm === "aws:kms" && bucket.encryption.bucketKey;
    return this.keys.use({
      keyId,
      caller: call.caller,
      action,
      viaService: `s3.${this.ctx.region}.amazonaws.com`,
      encryptionContext: { "aws:s3:arn": bucketKey ? bucket.arn : `${bucket.arn}/${key}` },
    }).arn;
  }

  /** Protected versions stay: until their retention ends and no legal hold is on them. @throws AwsFault AccessDenied */
  checkLock(call: AwsCall, bucket: Bucket, version: ObjectVersion): void {
    const retained = version.retention !== undefined && version.retention.untilMs > this.ctx.clock.now();
    if (!retained && !version.legalHold) return;
    const bypass =
      !version.legalHold &&
      version.retention?.mode === "GOVERNANCE" &&
      call.headers["x-amz-bypass-governance-retention"] === "true" &&
      this.allowed(call, "s3:BypassGovernanceRetention", bucket, version.key);
    if (!bypass) throw new AwsFault("AccessDenied", "Access Denied because object protected by object lock.", 403);
  }

  private question(
    call: AwsCall,
    action: string,
    bucket: Bucket,
    key: string | undefined,
    conditions: Conditions,
  ): AccessQuestion {
    return {
      caller: call.caller,
      action,
      resource: key === undefined ? bucket.arn : `${bucket.arn}/${key}`,
      context: {
        "s3:ResourceAccount": this.ctx.accountId,
        "s3:authType": "REST-HEADER",
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        // Loopback stands for the TLS connection that AWS would see.
        "s3:TlsVersion": 1.3,
        ...(call.headers["x-amz-content-sha256"] !== undefined && {
          "s3:x-amz-content-sha256": call.headers["x-amz-content-sha256"],
        }),
        ...conditions,
      },
      ...(bucket.policy !== undefined && { resourcePolicy: bucket.policy }),
    };
  }
}
