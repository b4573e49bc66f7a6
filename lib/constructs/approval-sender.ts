/** The outbox of approvals: woken by the table's own stream, it alone opens task tokens and answers them, and it sends what follows. */

import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import type * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { approvalSenderEnv } from "../aws/env.js";
import { SLACK_SECRETS } from "../slack/secrets.js";
import type { ControlPlane } from "./control-plane.js";
import { controlPlaneStackName } from "./names.js";
import { grantSlack } from "./secrets.js";
import { grantStream } from "./stream.js";
import { ZoneFunction } from "./zone-function.js";

export interface ApprovalSenderProps {
  readonly stage: string;
  /** folder with `index.mjs` */
  readonly code: string;
  readonly mailFrom: string;
  /** whether it follows up in Slack too */
  readonly slack: boolean;
  readonly table: dynamodb.TableV2;
  readonly plane: Pick<ControlPlane, "approvals" | "tokenKey" | "dataKeyArn" | "apiEndpoint">;
}

export class ApprovalSender extends Construct {
  readonly handler: ZoneFunction;

  constructor(scope: Construct, id: string, props: ApprovalSenderProps) {
    super(scope, id);
    const { stage, plane, mailFrom } = props;
    this.handler = new ZoneFunction(this, "Sender", {
      stage,
      zone: "approval-sender",
      functionName: `${controlPlaneStackName(stage)}-approval-sender`,
      description: "wakes runs that people answered, and sends what follows",
      code: props.code,
      logKeyArn: plane.dataKeyArn,
      environment: approvalSenderEnv,
      settings: { STAGE: stage, DESK_URL: plane.apiEndpoint },
      timeout: Duration.seconds(60),
    });
    plane.approvals.grantSend(this.handler);
    plane.tokenKey.grantDecrypt(this.handler);
    this.handler.provide(
      {},
      {
        sid: "AnswerTaskTokens",
        actions: ["states:SendTaskSuccess"],
        resources: ["*"],
        wildcard:
          "a task token names no resource that IAM could check; it is given to this function alone, and the gate ignores what the callback says and reads the decision rows",
      },
    );
    grantMail(this, this.handler, mailFrom);
    if (props.slack) grantSlack(this.handler, stage, [SLACK_SECRETS.botToken]);
    this.readStream(props.table);
  }

  private readStream(table: dynamodb.TableV2): void {
    const streamArn = grantStream(this.handler, table);
    const begins = (prefix: string) => lambda.FilterRule.beginsWith(prefix);
    const mapping = new lambda.EventSourceMapping(this, "Answers", {
      target: this.handler.function,
      eventSourceArn: streamArn,
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      batchSize: 10,
      bisectBatchOnError: true,
      // What still fails then must not hold up the others: the next record about the same question does what is left of it, and at the
      // latest its own deadline wakes the gate.
      retryAttempts: 10,
      reportBatchItemFailures: true,
      filters: ["decision#", "act#", "closing#", "outcome#"].map((prefix) =>
        lambda.FilterCriteria.filter({
          eventName: lambda.FilterRule.isEqual("INSERT"),
          dynamodb: { Keys: { pk: { S: begins(prefix) } } },
        }),
      ),
    });
    mapping.node.addDependency(this.handler.role);
  }
}

/** Mail from one address, whose own or whose domain's identity is verified. */
export function grantMail(scope: Construct, grantee: ZoneFunction, mailFrom: string): void {
  const identity = (resourceName: string) =>
    Stack.of(scope).formatArn({
      service: "ses",
      resource: "identity",
      resourceName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  grantee.provide(
    { MAIL_FROM: mailFrom },
    {
      sid: "SendMail",
      actions: ["ses:SendEmail"],
      // Either the address or its domain is the verified identity.
      resources: [identity(mailFrom), identity(mailFrom.slice(mailFrom.indexOf("@") + 1))],
      conditions: { StringEquals: { "ses:FromAddress": mailFrom } },
    },
  );
}
