/** Context bucket and vault with their keys, and the bucket that their access logs go to. */
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as s3 from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledge } from "./findings.js";
import { rolePath, type Zone } from "./names.js";

export interface BucketsProps {
  readonly stage: string;
  /** opens the vault in an emergency, besides the log writers */
  readonly breakGlass: iam.IRole;
}

export class Buckets extends Construct {
  readonly dataKey: kms.Key;
  readonly vaultKey: kms.Key;
  readonly context: s3.Bucket;
  readonly vault: s3.Bucket;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    const { stage } = props;
    const accessLogs = this.accessLogBucket();
    this.dataKey = new kms.Key(this, "DataKey", {
      description: `Countersign ${stage}: run contexts and alarm messages`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Alarm topics are encrypted with it, and an alarm speaks as CloudWatch.
    this.dataKey.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "AlarmsMaySpeak",
        principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
        resources: ["*"],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    this.vaultKey = new kms.Key(this, "VaultKey", {
      description: `Countersign ${stage}: sealed sensitive values`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const common = {
      encryption: s3.BucketEncryption.KMS,
      bucketKeyEnabled: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
      serverAccessLogsBucket: accessLogs,
    };
    this.context = new s3.Bucket(this, "Context", {
      ...common,
      encryptionKey: this.dataKey,
      serverAccessLogsPrefix: "context/",
      // A run lasts a day or so; a context holds plain values, so it goes once the run can no longer be looked into.
      lifecycleRules: [{ expiration: Duration.days(30), noncurrentVersionExpiration: Duration.days(1) }],
    });
    this.vault = new s3.Bucket(this, "Vault", {
      ...common,
      encryptionKey: this.vaultKey,
      serverAccessLogsPrefix: "vault/",
    });
    const rolesOf = (...zones: Zone[]) => zones.map((zone) => roleArns(Stack.of(this), stage, zone));
    denyReads(this.context, rolesOf("log-writer", "propose"));
    denyReads(this.vault, [...rolesOf("log-writer"), props.breakGlass.roleArn]);
    denyUse(this.vaultKey, [...rolesOf("log-writer"), props.breakGlass.roleArn]);
  }

  private accessLogBucket(): s3.IBucket {
    const bucket = new s3.Bucket(this, "AccessLogs", {
      // Server access logs can only be delivered to a bucket with S3's own encryption.
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [{ expiration: Duration.days(400), noncurrentVersionExpiration: Duration.days(1) }],
    });
    acknowledge(bucket, "AwsSolutions-S1", "it is the bucket that access logs go to; logging its own writes would never end");
    return asIBucket(bucket);
  }
}

/** The same bucket: `Bucket` declares some optional members in a way that `exactOptionalPropertyTypes` tells from `IBucket`. */
function asIBucket(bucket: unknown): s3.IBucket {
  const isBucket = (candidate: unknown): candidate is s3.IBucket => candidate instanceof s3.Bucket;
  if (!isBucket(bucket)) throw new TypeError("not a bucket");
  return bucket;
}

/** All roles of one zone of this stage, as `aws:PrincipalArn` says them. */
export const roleArns = (stack: Stack, stage: string, zone: Zone): string =>
  stack.formatArn({ service: "iam", region: "", resource: "role", resourceName: `${rolePath(stage, zone).slice(1)}*` });

/** Whatever a role of this account may: objects of this bucket are read by these principals alone. */
function denyReads(bucket: s3.Bucket, except: readonly string[]): void {
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: "OnlyTheirReaders",
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ["s3:GetObject", "s3:GetObjectVersion"],
      resources: [bucket.arnForObjects("*")],
      conditions: { ArnNotLike: { "aws:PrincipalArn": [...except] } },
    }),
  );
}

/** The default key policy hands over to IAM; this takes the use of the key back from everyone else in the account. */
function denyUse(key: kms.Key, except: readonly string[]): void {
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: "OnlyItsUsers",
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ["kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:CreateGrant"],
      resources: ["*"],
      conditions: { ArnNotLike: { "aws:PrincipalArn": [...except] } },
    }),
  );
}
