/** The run log's table: insert-only by its own policy, whatever anyone's role says. */
import { RemovalPolicy, Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { logIndex } from "../run/keys.js";
import { roleArns } from "./buckets.js";
import { insertOnlyPolicy } from "./insert-only.js";

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
      resourcePolicy: insertOnlyPolicy(Stack.of(this), [
        { sid: "OnlyLogWritersInsert", principals: [roleArns(Stack.of(this), props.stage, "log-writer")] },
      ]),
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
