/** `countersign-<stage>-audit`: archive and signing key in an account that whoever runs the workflows does not control. */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as kms from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import { Archive, auditNames } from "./archive.js";
import { createAccessLogs } from "./buckets.js";
import { rolePath } from "./names.js";
import type { ArchiveSettings } from "./settings.js";

export interface AuditStackProps extends StackProps {
  readonly stage: string;
  readonly settings: ArchiveSettings;
  readonly account: string;
  readonly workloadAccount: string;
}

export class AuditStack extends Stack {
  constructor(scope: Construct, id: string, props: AuditStackProps) {
    super(scope, id, props);
    const { stage, settings, workloadAccount } = props;
    const names = auditNames(stage, props.account, this.region);
    const archive = new Archive(this, "Archive", {
      stage,
      settings,
      workloadAccount,
      accessLogs: createAccessLogs(this),
      bucketName: names.bucketName,
    });
    archive.key.addAlias(names.alias);
    const workload = (zone: "notary" | "people", actions: readonly string[], resources: readonly string[]) =>
      new iam.PolicyStatement({
        principals: [new iam.AccountPrincipal(workloadAccount)],
        actions: [...actions],
        resources: [...resources],
        conditions: {
          ArnLike: {
            "aws:PrincipalArn": `arn:${this.partition}:iam::${workloadAccount}:role${rolePath(stage, zone)}*`,
          },
        },
      });
    const { bucket, key } = archive;
    const objects = [bucket.arnForObjects("*")];
    bucket.addToResourcePolicy(workload("notary", ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"], objects));
    bucket.addToResourcePolicy(workload("people", ["s3:GetObject"], objects));
    for (const zone of ["notary", "people"] as const)
      bucket.addToResourcePolicy(workload(zone, ["s3:ListBucket"], [bucket.bucketArn]));
    allow(key, workload("notary", ["kms:Sign", "kms:GetPublicKey"], ["*"]));
    allow(key, workload("people", ["kms:GetPublicKey"], ["*"]));
    new CfnOutput(this, "ArchiveBucket", { value: bucket.bucketName, description: "signed archive of the log" });
    new CfnOutput(this, "NotaryKey", { value: key.keyArn, description: "key that checkpoints are signed with" });
  }
}

const allow = (key: kms.Key, statement: iam.PolicyStatement): void => void key.addToResourcePolicy(statement);
