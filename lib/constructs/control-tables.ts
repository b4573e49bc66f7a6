/** The tables of a stage besides the run log. */
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { INBOX_INDEX } from "../run/keys.js";
import { PROTECTED_TABLE } from "./run-log.js";

/** Lists a workflow's approval requests, newest first; only request rows carry both attributes. */
export const APPROVALS_INDEX = { name: "byWorkflow", pk: "workflow", sk: "requested_at" } as const;
/** When a session's rows may be removed, epoch seconds. */
const SESSION_EXPIRY = "expires_at_sec";

export class ControlTables extends Construct {
  readonly effects: dynamodb.TableV2;
  readonly approvals: dynamodb.TableV2;
  readonly budgets: dynamodb.TableV2;
  readonly control: dynamodb.TableV2;
  readonly sessions: dynamodb.TableV2;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.effects = this.table("Effects");
    this.approvals = this.table("Approvals", {
      dynamoStream: dynamodb.StreamViewType.NEW_IMAGE,
      globalSecondaryIndexes: [
        {
          indexName: APPROVALS_INDEX.name,
          partitionKey: { name: APPROVALS_INDEX.pk, type: dynamodb.AttributeType.STRING },
          sortKey: { name: APPROVALS_INDEX.sk, type: dynamodb.AttributeType.STRING },
        },
        {
          indexName: INBOX_INDEX.name,
          partitionKey: { name: INBOX_INDEX.pk, type: dynamodb.AttributeType.STRING },
          sortKey: { name: INBOX_INDEX.sk, type: dynamodb.AttributeType.STRING },
        },
      ],
    });
    this.budgets = this.table("Budgets");
    this.control = this.table("Control");
    this.sessions = this.table("Sessions", { timeToLiveAttribute: SESSION_EXPIRY });
  }

  private table(id: string, more: Partial<dynamodb.TablePropsV2> = {}): dynamodb.TableV2 {
    return new dynamodb.TableV2(this, id, {
      partitionKey: { name: "pk", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "sk", type: dynamodb.AttributeType.STRING },
      ...PROTECTED_TABLE,
      ...more,
    });
  }
}
