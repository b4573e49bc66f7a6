/** The archive of the log and the key that signs it: in the stage's own account, or in an audit account. */
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as s3 from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledgeNoEvents, GUARDED } from "./buckets.js";
import { acknowledgeGuard } from "./findings.js";
import { denyGrants, reserve } from "./keys.js";
import { rolePath } from "./names.js";
import type { ArchiveSettings } from "./settings.js";
import type { ArchiveIdentity } from "./stores.js";

export interface ArchiveProps {
  readonly stage: string;
  readonly settings: ArchiveSettings;
  /** account of the stage */
  readonly workloadAccount: string;
  readonly accessLogs: s3.IBucket;
  /** @default - CloudFormation names it */
  readonly bucketName?: string;
}

/** Names in the audit account: the workload's account must know them before they exist. */
export function auditNames(stage: string, account: string, region: string) {
  return {
    bucketName: `countersign-${stage}-archive-${account}-${region}`,
    alias: `alias/countersign-${stage}-notary`,
  };
}

/** The archive in the audit account, as the workload's account knows it. */
export function archiveElsewhere(scope: Construct, stage: string, account: string): ArchiveIdentity {
  const { region, partition } = Stack.of(scope);
  const { bucketName, alias } = auditNames(stage, account, region);
  const kmsArn = (resource: string) => `arn:${partition}:kms:${region}:${account}:${resource}`;
  return {
    bucketName,
    bucketArn: `arn:${partition}:s3:::${bucketName}`,
    key: kmsArn(alias),
    keyArn: kmsArn("key/*"),
    keyAlias: alias,
  };
}

export class Archive extends Construct {
  readonly bucket: s3.Bucket;
  readonly key: kms.Key;

  constructor(scope: Construct, id: string, props: ArchiveProps) {
    super(scope, id);
    const { stage, settings } = props;
    const role = (zone: "notary" | "people") =>
      `arn:${Stack.of(this).partition}:iam::${props.workloadAccount}:role${rolePath(stage, zone)}*`;
    this.key = new kms.Key(this, "NotaryKey", {
      description: `Countersign ${stage}: signs checkpoints of the log`,
      keySpec: kms.KeySpec.ECC_NIST_P256,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.RETAIN,
      pendingWindow: Duration.days(30),
    });
    denyGrants(this.key);
    reserve(this.key, "OnlyTheNotarySigns", ["kms:Sign"], [role("notary")]);
    this.bucket = new s3.Bucket(this, "Bucket", {
      ...GUARDED,
      ...(props.bucketName === undefined ? {} : { bucketName: props.bucketName }),
      encryption: s3.BucketEncryption.S3_MANAGED,
      objectLockEnabled: true,
      objectLockDefaultRetention: retention(settings),
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: "archive/",
      // Nothing expires by itself: what is past its date is deleted by hand, as the runbook says.
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }],
    });
    keepEverything(this.bucket, role("notary"));
    acknowledgeNoEvents(this.bucket);
    acknowledgeGuard(
      this.bucket,
      "s3_bucket_default_encryption_kms_check",
      "it holds redacted records for years: a key of ours that is deleted would delete what Object Lock keeps",
    );
  }

  get identity(): ArchiveIdentity {
    const { bucketName, bucketArn } = this.bucket;
    return { bucketName, bucketArn, key: this.key.keyArn, keyArn: this.key.keyArn };
  }
}

/** For objects that come without a date of their own; the notary gives each its own. */
function retention({ mode, retentionDays }: ArchiveSettings): s3.ObjectLockRetention {
  const longest = Duration.days(Math.max(...Object.values(retentionDays)));
  return mode === "compliance"
    ? s3.ObjectLockRetention.compliance(longest)
    : s3.ObjectLockRetention.governance(longest);
}

/** Whatever a role may: only the notary adds, nobody overwrites, hides or deletes, before or after an object's date. */
function keepEverything(bucket: s3.Bucket, notary: string): void {
  const deny = (sid: string, actions: readonly string[], conditions: iam.Conditions = {}) =>
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid,
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions: [...actions],
        resources: [bucket.arnForObjects("*")],
        conditions,
      }),
    );
  deny("OnlyTheNotaryAdds", ["s3:PutObject", "s3:PutObjectRetention"], {
    ArnNotLike: { "aws:PrincipalArn": notary },
  });
  deny("NobodyOverwrites", ["s3:PutObject"], { Null: { "s3:if-none-match": "true" } });
  deny("NobodyDeletes", [
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:BypassGovernanceRetention",
    "s3:PutObjectLegalHold",
  ]);
}
