/** A table's own policy that makes it insert-only, whatever anyone's role says. */
import { DefaultStackSynthesizer, type Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";

/** Every way to write an item but the one that cannot overwrite. */
const OVERWRITING = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", "PartiQLDelete"];
/** Every way to weaken the table: its policy, its protection, its history, its entries' lifetime, copies without its policy. */
const ADMINISTRATIVE = [
  "PutResourcePolicy",
  "DeleteResourcePolicy",
  "UpdateTable",
  "DeleteTable",
  "UpdateTimeToLive",
  "UpdateContinuousBackups",
  "RestoreTableToPointInTime",
];

/** Who may add rows, to which partitions: nobody else may. */
export interface Inserters {
  readonly sid: string;
  /** ARNs, with wildcards */
  readonly principals: readonly string[];
  /** partition keys, with wildcards; every partition when left out */
  readonly keys?: readonly string[];
}

export function insertOnlyPolicy(stack: Stack, inserters: readonly Inserters[]): iam.PolicyDocument {
  const qualifier =
    stack.node.tryGetContext("@aws-cdk/core:bootstrapQualifier") ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
  const cloudFormation = stack.formatArn({
    service: "iam",
    region: "",
    resource: "role",
    resourceName: `cdk-${qualifier}-cfn-exec-role-${stack.account}-${stack.region}`,
  });
  const deny = (sid: string, actions: readonly string[], conditions?: iam.Conditions) =>
    new iam.PolicyStatement({
      sid,
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: actions.map((action) => `dynamodb:${action}`),
      // The table's own ARN would be a cycle; a table's policy covers that table and its indexes anyway.
      resources: ["*"],
      ...(conditions === undefined ? {} : { conditions }),
    });
  const unless = (principals: readonly string[]) => ({
    ArnNotLike: { "aws:PrincipalArn": principals.length === 1 ? principals[0] : [...principals] },
  });
  return new iam.PolicyDocument({
    statements: [
      deny("NobodyOverwrites", OVERWRITING),
      ...inserters.map(({ sid, principals, keys }) =>
        deny(sid, ["PartiQLInsert"], {
          ...unless(principals),
          ...(keys === undefined ? {} : { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": [...keys] } }),
        }),
      ),
      deny("OnlyDeploymentsAdminister", ADMINISTRATIVE, unless([cloudFormation])),
    ],
  });
}
