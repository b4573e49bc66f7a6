/**
 * The function that Slack's buttons reach. One of its own, so that the page never holds Slack's secrets, and so that whoever finds a hole
 * in what reads Slack's payloads finds no link, no code, no task token and no mail behind it.
 */
import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { approvalSlackEnv } from "../aws/env.js";
import { SLACK_SECRETS } from "../slack/secrets.js";
import type { ControlPlane } from "./control-plane.js";
import { controlPlaneStackName } from "./names.js";
import { grantSlack } from "./secrets.js";
import { ZoneFunction } from "./zone-function.js";

export interface ApprovalSlackProps {
  readonly stage: string;
  /** folder with `index.mjs` */
  readonly code: string;
  readonly plane: Pick<ControlPlane, "approvals" | "control" | "dataKeyArn">;
}

export class ApprovalSlack extends Construct {
  readonly handler: ZoneFunction;

  constructor(scope: Construct, id: string, props: ApprovalSlackProps) {
    super(scope, id);
    const { stage, plane } = props;
    this.handler = new ZoneFunction(this, "Slack", {
      stage,
      zone: "approval-slack",
      functionName: `${controlPlaneStackName(stage)}-approval-slack`,
      description: "writes down what people decide in Slack",
      code: props.code,
      logKeyArn: plane.dataKeyArn,
      environment: approvalSlackEnv,
      settings: { STAGE: stage },
      timeout: Duration.seconds(10),
      // Slack waits three seconds, and a cold start is most of them.
      memorySizeMb: 1024,
    });
    plane.approvals.grantDecideInSlack(this.handler);
    plane.control.grantRead(this.handler, "*");
    grantSlack(this.handler, stage, [SLACK_SECRETS.signing, SLACK_SECRETS.botToken]);
  }
}
