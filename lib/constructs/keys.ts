/** The KMS keys of a stage. IAM decides who may use a key (the default policy); what is here takes back from everyone else. */
import { RemovalPolicy, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";

export function createKey(scope: Construct, id: string, description: string): kms.Key {
  const key = new kms.Key(scope, id, { description, enableKeyRotation: true, removalPolicy: RemovalPolicy.RETAIN });
  denyGrants(key);
  return key;
}

/** A grant would get around the key's policy: only AWS services make them, for resources that are encrypted. */
export function denyGrants(key: kms.Key): void {
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: "GrantsForServicesOnly",
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ["kms:CreateGrant"],
      resources: ["*"],
      conditions: { BoolIfExists: { "kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false" } },
    }),
  );
}

/** Denies these uses of the key to every principal of the account that matches none of the ARNs. */
export function reserve(key: kms.Key, sid: string, actions: readonly string[], principals: readonly string[]): void {
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid,
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: [...actions],
      resources: ["*"],
      conditions: { ArnNotLike: { "aws:PrincipalArn": [...principals] } },
    }),
  );
}

/** Run contexts, log groups and alarm topics. The last two are written by AWS services, in this account's name. */
export function createDataKey(scope: Construct, stage: string): kms.Key {
  const { account, region, partition } = Stack.of(scope);
  const key = createKey(scope, "DataKey", `Countersign ${stage}: run contexts, function logs, alarm messages`);
  const allow = (sid: string, service: string, actions: string[], conditions: iam.Conditions) =>
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        sid,
        principals: [new iam.ServicePrincipal(service)],
        actions,
        resources: ["*"],
        conditions,
      }),
    );
  allow("AlarmsMaySpeak", "cloudwatch.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey*"], {
    StringEquals: { "aws:SourceAccount": account },
  });
  const logGroups = `arn:${partition}:logs:${region}:${account}:log-group:*`;
  const logUse = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
  allow("LogsAreSealed", `logs.${region}.amazonaws.com`, logUse, {
    ArnLike: { "kms:EncryptionContext:aws:logs:arn": logGroups },
  });
  return key;
}
