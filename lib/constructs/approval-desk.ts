/** The function behind the approval page: reads requests, adds what people decide and do. */
import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { approvalDeskEnv, NO_ISSUER } from "../aws/env.js";
import type { ControlPlane } from "./control-plane.js";
import { controlPlaneStackName } from "./names.js";
import type { OidcIssuer } from "./settings.js";
import { ZoneFunction } from "./zone-function.js";

export interface ApprovalDeskProps {
  readonly stage: string;
  /** folder with `index.mjs` */
  readonly code: string;
  readonly oidc?: OidcIssuer;
  /** name of the role whose sessions decide by signed requests */
  readonly approverRole: string;
  readonly plane: Pick<ControlPlane, "apiEndpoint" | "sessions" | "approvals" | "context" | "control" | "dataKeyArn">;
}

export class ApprovalDesk extends Construct {
  readonly handler: ZoneFunction;

  constructor(scope: Construct, id: string, props: ApprovalDeskProps) {
    super(scope, id);
    const { stage, plane } = props;
    this.handler = new ZoneFunction(this, "Desk", {
      stage,
      zone: "approval-desk",
      functionName: `${controlPlaneStackName(stage)}-approval-desk`,
      description: "shows what waits for approval and writes down what people decide",
      code: props.code,
      logKeyArn: plane.dataKeyArn,
      environment: approvalDeskEnv,
      settings: {
        STAGE: stage,
        OIDC_ISSUER: props.oidc?.issuer ?? NO_ISSUER,
        OIDC_CLIENT_ID: props.oidc?.clientId ?? NO_ISSUER,
        DESK_URL: plane.apiEndpoint,
        APPROVER_ROLE: props.approverRole,
      },
      timeout: Duration.seconds(20),
    });
    plane.approvals.grantDecide(this.handler);
    plane.approvals.grantInbox(this.handler);
    plane.sessions.grantUse(this.handler);
    plane.control.grantRead(this.handler, "*");
    plane.context.grantOpenViews(this.handler);
  }
}
