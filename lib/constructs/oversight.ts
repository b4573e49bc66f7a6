/** What people did with records: who read sealed values, what was shredded, what was reviewed. Insert-only like the run log. */
import { Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import type * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { oversightKey } from "../run/keys.js";
import { insertOnlyPolicy } from "./insert-only.js";
import { PROTECTED_TABLE } from "./run-log.js";

export interface OversightProps {
  /** adds to the log of readers */
  readonly breakGlass: iam.IRole;
  readonly shredder: iam.IRole;
  /** adds reviews */
  readonly auditor: iam.IRole;
}

export class Oversight extends Construct {
  readonly table: dynamodb.TableV2;

  constructor(scope: Construct, id: string, { breakGlass, shredder, auditor }: OversightProps) {
    super(scope, id);
    const only = (sid: string, role: iam.IRole, key: string) => ({ sid, principals: [role.roleArn], keys: [key] });
    this.table = new dynamodb.TableV2(this, "Table", {
      partitionKey: { name: "pk", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "sk", type: dynamodb.AttributeType.STRING },
      ...PROTECTED_TABLE,
      resourcePolicy: insertOnlyPolicy(Stack.of(this), [
        { sid: "OnlyTheseInsert", principals: [breakGlass, shredder, auditor].map(({ roleArn }) => roleArn) },
        only("OnlyReadersRecordReadings", breakGlass, oversightKey.readings),
        only("OnlyShreddersRecordShreddings", shredder, oversightKey.shreddings),
        only("OnlyAuditorsRecordReviews", auditor, oversightKey.reviews),
      ]),
    });
  }
}
