/** Context bucket, vault, and the bucket that their access logs go to. */
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as kms from "aws-cdk-lib/aws-kms";
import * as s3 from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { callKeyOf, contextKey, viewKey } from "../run/keys.js";
import { acknowledge, acknowledgeGuard } from "./findings.js";
import { createDataKey, createKey, reserve } from "./keys.js";
import { rolePath, type Zone } from "./names.js";

export interface BucketsProps {
  readonly stage: string;
  /** opens the vault in an emergency, besides the log writers */
  readonly breakGlass: iam.IRole;
  /** deletes runs' keys, and nobody else does */
  readonly shredder: iam.IRole;
}

/** What all three have in common. Retained: deleting a stack must not delete records. */
export const GUARDED = {
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  versioned: true,
  removalPolicy: RemovalPolicy.RETAIN,
};

export class Buckets extends Construct {
  readonly accessLogs: s3.IBucket;
  readonly dataKey: kms.Key;
  readonly vaultKey: kms.Key;
  readonly context: s3.Bucket;
  readonly vault: s3.Bucket;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    const { stage } = props;
    this.dataKey = createDataKey(this, stage);
    this.vaultKey = createKey(this, "VaultKey", `Countersign ${stage}: sealed sensitive values`);
    this.accessLogs = createAccessLogs(this);
    const sealed = {
      ...GUARDED,
      encryption: s3.BucketEncryption.KMS,
      bucketKeyEnabled: true,
      serverAccessLogsBucket: this.accessLogs,
    };
    this.context = new s3.Bucket(this, "Context", {
      ...sealed,
      encryptionKey: this.dataKey,
      serverAccessLogsPrefix: "context/",
      // A context holds plain values, so it goes when its run is long over.
      lifecycleRules: [{ expiration: Duration.days(30), noncurrentVersionExpiration: Duration.days(1) }],
    });
    this.vault = new s3.Bucket(this, "Vault", {
      ...sealed,
      encryptionKey: this.vaultKey,
      serverAccessLogsPrefix: "vault/",
      // Deleting a run's key shreds its values: a deleted version must not outlive a mistake by much.
      lifecycleRules: [{ noncurrentVersionExpiration: Duration.days(7) }],
    });
    for (const bucket of [this.context, this.vault]) {
      acknowledgeGuard(
        bucket,
        "s3_bucket_object_lock_enabled_check",
        "contexts expire and vault keys are shredded: both must be deletable",
      );
    }
    const stack = Stack.of(this);
    const logWriters = roleArns(stack, stage, "log-writer");
    const vaultReaders = [logWriters, props.breakGlass.roleArn];
    const [proposers, tools] = [roleArns(stack, stage, "propose"), roleArns(stack, stage, "tool")];
    const desk = roleArns(stack, stage, "approval-desk");
    denyReads(this.context, "OnlyItsReaders", "*", [logWriters, proposers, tools, desk]);
    denyReads(this.context, "OnlyTheDeskReadsViews", viewKey.all, [logWriters, desk]);
    denyReads(this.context, "OnlyProposersReadContexts", contextKey.all, [logWriters, proposers]);
    denyReads(this.context, "OnlyToolsReadCalls", callKeyOf.all, [logWriters, tools]);
    denyReads(this.vault, "OnlyItsReaders", "*", vaultReaders);
    reserve(this.vaultKey, "OnlyVaultReaders", ["kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"], vaultReaders);
    for (const bucket of [this.context, this.vault]) {
      denyDeletes(bucket, props.shredder.roleArn);
      acknowledgeNoEvents(bucket);
    }
  }
}

/** All roles of one zone of this stage, as `aws:PrincipalArn` says them. */
export const roleArns = (stack: Stack, stage: string, zone: Zone): string =>
  stack.formatArn({ service: "iam", region: "", resource: "role", resourceName: `${rolePath(stage, zone).slice(1)}*` });

export function createAccessLogs(scope: Construct): s3.IBucket {
  const bucket = new s3.Bucket(scope, "AccessLogs", {
    ...GUARDED,
    encryption: s3.BucketEncryption.S3_MANAGED,
    lifecycleRules: [{ expiration: Duration.days(400), noncurrentVersionExpiration: Duration.days(1) }],
  });
  const endless = "it is the bucket that access logs go to; logging its own writes would never end";
  acknowledge(bucket, "AwsSolutions-S1", endless);
  acknowledgeGuard(bucket, "s3_bucket_logging_enabled_check", endless);
  acknowledgeGuard(
    bucket,
    "s3_bucket_default_encryption_kms_check",
    "S3 delivers access logs only to buckets with its own encryption",
  );
  acknowledgeGuard(
    bucket,
    "s3_bucket_object_lock_enabled_check",
    "S3 does not deliver access logs to a bucket with default object lock",
  );
  acknowledgeNoEvents(bucket);
  return asIBucket(bucket);
}

export function acknowledgeNoEvents(bucket: s3.Bucket): void {
  acknowledgeGuard(
    bucket,
    "s3_event_notifications_enabled_check",
    "nothing acts on new objects; who wrote what is in the access logs",
  );
}

/** The same bucket: `Bucket` declares some optional members in a way that `exactOptionalPropertyTypes` tells from `IBucket`. */
function asIBucket(bucket: unknown): s3.IBucket {
  const isBucket = (candidate: unknown): candidate is s3.IBucket => candidate instanceof s3.Bucket;
  if (!isBucket(bucket)) throw new TypeError("not a bucket");
  return bucket;
}

/** Whatever a role of this account may: these objects of this bucket are read by these principals alone. */
function denyReads(bucket: s3.Bucket, sid: string, pattern: string, except: readonly string[]): void {
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({
      sid,
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ["s3:GetObject", "s3:GetObjectVersion"],
      resources: [bucket.arnForObjects(pattern)],
      conditions: { ArnNotLike: { "aws:PrincipalArn": [...except] } },
    }),
  );
}

/** Whatever a role of this account may: objects are deleted by this principal alone, besides by the bucket's own lifecycle. */
function denyDeletes(bucket: s3.Bucket, except: string): void {
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: "OnlyTheShredderDeletes",
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
      resources: [bucket.arnForObjects("*")],
      conditions: { ArnNotLike: { "aws:PrincipalArn": except } },
    }),
  );
}
