/** The function that asks people: writes the request down, seals the task token, sends mails and Slack messages. */
import { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { requestApprovalEnv } from "../aws/env.js";
import { SLACK_SECRETS } from "../slack/secrets.js";
import { grantMail } from "./approval-sender.js";
import { grantSlack } from "./secrets.js";
import type { WorkflowScope } from "./workflow-scope.js";
import { ZoneFunction } from "./zone-function.js";

export interface ApprovalRequestProps {
  readonly mailFrom: string;
  /** whether people are asked in Slack too. @default false */
  readonly slack?: boolean;
}

export function createApprovalRequest(
  scope: Construct,
  workflow: WorkflowScope,
  { mailFrom, slack = false }: ApprovalRequestProps,
): ZoneFunction {
  const { contract, stage, names, bundles, plane } = workflow;
  const request = new ZoneFunction(scope, "RequestApproval", {
    stage,
    zone: "approval-request",
    functionName: names.of("request-approval"),
    description: `${contract.name}: asks people to decide`,
    code: bundles.requestApproval,
    logKeyArn: plane.dataKeyArn,
    environment: requestApprovalEnv,
    settings: { WORKFLOW: contract.name, STAGE: stage, DESK_URL: plane.apiEndpoint },
    timeout: Duration.seconds(30),
  });
  plane.approvals.grantRequest(request, contract.name);
  plane.tokenKey.grantEncrypt(request, contract.name);
  plane.schedules.grantAdd(request, contract.name);
  grantMail(scope, request, mailFrom);
  // It writes as the bot; what comes back from Slack is not its business.
  if (slack) grantSlack(request, stage, [SLACK_SECRETS.botToken]);
  return request;
}
