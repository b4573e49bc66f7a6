/** The HTTP API of a stage: requesters come with a signature, approvers with a code that the desk checks. */

import { RemovalPolicy } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as apigatewayv2 from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type * as kms from "aws-cdk-lib/aws-kms";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledge, acknowledgeGuard } from "./findings.js";
import { controlPlaneStackName } from "./names.js";

const { HttpMethod } = apigatewayv2;

export interface ApiProps {
  readonly stage: string;
  /** seals the access log */
  readonly logKey: kms.IKey;
}

export class Api extends Construct {
  readonly api: apigatewayv2.HttpApi;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    this.api = new apigatewayv2.HttpApi(this, "Http", {
      apiName: controlPlaneStackName(props.stage),
      description: "starts runs (signed) and shows approvals (link and code, or signed)",
      createDefaultStage: false,
    });
    const accessLog = new logs.LogGroup(this, "AccessLog", {
      // Below this prefix API Gateway needs no entry of its own in the account's log policy, whose size is limited.
      logGroupName: `/aws/vendedlogs/${controlPlaneStackName(props.stage)}-api`,
      encryptionKey: props.logKey,
      retention: logs.RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new apigatewayv2.HttpStage(this, "Stage", {
      httpApi: this.api,
      stageName: "$default",
      autoDeploy: true,
      // People click and systems start runs; more than this is a mistake or an attack on the codes.
      throttle: { rateLimit: 20, burstLimit: 40 },
      detailedMetricsEnabled: true,
      accessLogSettings: {
        destination: new apigatewayv2.LogGroupLogDestination(accessLog),
        // The route, not the path: a path holds a link.
        format: apigateway.AccessLogFormat.custom(
          JSON.stringify({
            requestId: "$context.requestId",
            time: "$context.requestTime",
            route: "$context.routeKey",
            status: "$context.status",
            ip: "$context.identity.sourceIp",
            caller: "$context.identity.userArn",
            integrationError: "$context.integrationErrorMessage",
          }),
        ),
      },
    });
  }

  /** Opens `GET` and `POST /approvals/{link}`, and for approvers with an AWS identity `POST /approver/approvals/{workflow}/{approval}`. */
  addDesk(desk: lambda.IFunction): void {
    this.addSignIn(desk);
    const signed = this.api.addRoutes({
      path: "/approver/approvals/{workflow}/{approval}",
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration("SignedDesk", desk),
      authorizer: new HttpIamAuthorizer(),
    });
    for (const route of signed) acknowledgeSource(route);
    const routes = this.api.addRoutes({
      path: "/approvals/{link}",
      methods: [HttpMethod.GET, HttpMethod.POST],
      integration: new HttpLambdaIntegration("Desk", desk),
    });
    acknowledgeOpen(
      routes,
      "approvers have no AWS identity: the page shows nothing without the link's unguessable id, and a decision needs the code that is not in the link",
    );
  }

  /** For people who sign in with the company's own provider: the way there and back, and what waits for them. */
  private addSignIn(desk: lambda.IFunction): void {
    const integration = new HttpLambdaIntegration("SignIn", desk);
    const open = (path: string, ...methods: apigatewayv2.HttpMethod[]) =>
      this.api.addRoutes({ path, methods, integration });
    acknowledgeOpen(
      [
        ...open("/sign-in", HttpMethod.GET),
        ...open("/sign-in/callback", HttpMethod.GET),
        ...open("/sign-out", HttpMethod.POST),
        ...open("/inbox", HttpMethod.GET),
        ...open("/inbox/{workflow}/{approval}", HttpMethod.GET, HttpMethod.POST),
      ],
      "approvers have no AWS identity: they sign in with OpenID Connect, and the desk checks their session",
    );
  }

  /** Opens `POST /slack/interactions`. */
  addSlack(slack: lambda.IFunction): void {
    const routes = this.api.addRoutes({
      path: "/slack/interactions",
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration("Slack", slack),
    });
    for (const route of routes) {
      const reason =
        "Slack has no AWS identity: it signs every request with a secret, and the function checks that before it reads one";
      acknowledge(route, "AwsSolutions-APIG4", reason);
      acknowledgeGuard(route, "api_gw_v2_authorization_type_configured_check", reason);
      acknowledgeSource(route);
    }
  }
}

/** `POST /runs/<workflow>`, signed with an AWS identity, so that the requester is who they say. */
export function addRunRoute(scope: Construct, apiId: string, workflow: string, admit: lambda.IFunction): void {
  const route = new apigatewayv2.HttpRoute(scope, "RunRoute", {
    httpApi: apigatewayv2.HttpApi.fromHttpApiAttributes(scope, "Api", { httpApiId: apiId }),
    routeKey: apigatewayv2.HttpRouteKey.with(`/runs/${workflow}`, HttpMethod.POST),
    integration: new HttpLambdaIntegration("Admit", admit),
    authorizer: new HttpIamAuthorizer(),
  });
  acknowledgeSource(route);
}

/** Routes without an authorizer of the API, and why that is right. */
function acknowledgeOpen(routes: readonly apigatewayv2.HttpRoute[], reason: string): void {
  for (const route of routes) {
    acknowledge(route, "AwsSolutions-APIG4", reason);
    acknowledgeGuard(route, "api_gw_v2_authorization_type_configured_check", reason);
    acknowledgeSource(route);
  }
}

/** The rule reads only literal ARNs. */
function acknowledgeSource(route: apigatewayv2.HttpRoute): void {
  acknowledgeGuard(
    route,
    "lambda_function_public_access_prohibited_check",
    "the permission names this API and route as its source; the ARN is joined from account, region and API when deployed",
  );
}
