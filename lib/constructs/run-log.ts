/** The run log's table: insert-only by its own policy, whatever anyone's role says. */
import { DefaultStackSynthesizer, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { logIndex } from "../run/keys.js";
import { rolePath } from "./names.js";

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

export interface RunLogProps {
  readonly stage: string;
}

export class RunLog extends Construct {
  readonly table: dynamodb.TableV2;

  constructor(scope: Construct, id: string, props: RunLogProps) {
    super(scope, id);
    this.table = new dynamodb.TableV2(this, "Table", {
      partitionKey: { name: "pk", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "sk", type: dynamodb.AttributeType.STRING },
      globalSecondaryIndexes: [
        {
          indexName: logIndex.name,
          partitionKey: { name: logIndex.pk, type: dynamodb.AttributeType.STRING },
          sortKey: { name: logIndex.sk, type: dynamodb.AttributeType.STRING },
          projectionType: dynamodb.ProjectionType.KEYS_ONLY,
        },
      ],
      // Wakes the notary when a run ends; what it loses, the notary reads from the table.
      dynamoStream: dynamodb.StreamViewType.NEW_IMAGE,
      ...PROTECTED_TABLE,
      resourcePolicy: insertOnlyPolicy(Stack.of(this), props.stage),
    });
  }
}

/**
 * How every table of the control plane is kept. AWS's own DynamoDB key rather than one of ours: who may read is decided table
 * by table and key by key in IAM, and a customer key would have to be granted to every function, which widens every zone.
 * Sensitive values are commitments in the log; the values are in the vault, under a key of its own.
 */
export const PROTECTED_TABLE = {
  billing: dynamodb.Billing.onDemand(),
  encryption: dynamodb.TableEncryptionV2.awsManagedKey(),
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  deletionProtection: true,
  removalPolicy: RemovalPolicy.RETAIN,
};

function insertOnlyPolicy(stack: Stack, stage: string): iam.PolicyDocument {
  const role = (path: string) => stack.formatArn({ service: "iam", region: "", resource: "role", resourceName: path });
  const qualifier =
    stack.node.tryGetContext("@aws-cdk/core:bootstrapQualifier") ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
  const cloudFormation = role(`cdk-${qualifier}-cfn-exec-role-${stack.account}-${stack.region}`);
  const logWriters = role(`${rolePath(stage, "log-writer").slice(1)}*`);
  const deny = (sid: string, actions: readonly string[], unless?: string) =>
    new iam.PolicyStatement({
      sid,
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: actions.map((action) => `dynamodb:${action}`),
      // The table's own ARN would be a cycle; a table's policy covers that table and its indexes anyway.
      resources: ["*"],
      ...(unless === undefined ? {} : { conditions: { ArnNotLike: { "aws:PrincipalArn": unless } } }),
    });
  return new iam.PolicyDocument({
    statements: [
      deny("NobodyOverwrites", OVERWRITING),
      deny("OnlyLogWritersInsert", ["PartiQLInsert"], logWriters),
      deny("OnlyDeploymentsAdminister", ADMINISTRATIVE, cloudFormation),
    ],
  });
}
