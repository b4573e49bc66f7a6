import { createHash } from "node:crypto";
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { serviceCaller } from "../service-caller.js";
import { type InertProperties, parseProperties } from "../services/support/properties.js";
import {
  AwsFault,
  type AwsReply,
  type CloudContext,
  type CreatedResource,
  type Engine,
  FunctionError,
  type ResourceFactory,
  type ResourceRequest,
} from "../types.js";
import { json, type WebHandler, type WebReply, type WebRequest } from "../wire/wire.js";
import { proxyEvent, proxyReply } from "./payload.js";
import { matchRoute, parseRouteKey, type RouteKey, type RouteMatch, routePath } from "./route.js";

const ApiProperties = z.strictObject({
  Name: z.string(),
  ProtocolType: z.literal("HTTP"),
  DisableExecuteApiEndpoint: z.literal(false).optional(),
});
const StageProperties = z.strictObject({
  ApiId: z.string(),
  StageName: z.literal("$default", "only the stage $default is served, at the root of the endpoint"),
  AutoDeploy: z.literal(true, "only stages that deploy automatically are served"),
});
const FOR_PEOPLE: InertProperties = { Description: "for people", Tags: "for people and bills" };
const STAGE_INERT: InertProperties = {
  ...FOR_PEOPLE,
  AccessLogSettings: "requests show in the functions' own logs",
  DefaultRouteSettings: "throttling and metrics: one machine has no crowd to hold back",
};
const IntegrationProperties = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal("AWS_PROXY"),
  IntegrationUri: z
    .string()
    .regex(
      /^arn:aws:(lambda:|apigateway:[^:]+:lambda:path\/2015-03-31\/functions\/arn:)/,
      "must name a Lambda function",
    ),
  IntegrationMethod: z.literal("POST").optional(),
  PayloadFormatVersion: z.literal("2.0"),
  TimeoutInMillis: z.number().int().min(50).max(30_000).default(30_000),
});
const RouteProperties = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string().regex(/^integrations\/.+$/),
  AuthorizationType: z.enum(["NONE", "AWS_IAM"]).default("NONE"),
  OperationName: z.string().optional(),
});

interface Integration {
  readonly functionArn: string;
  readonly timeoutMs: number;
}
interface Route {
  readonly key: RouteKey;
  readonly apiId: string;
  readonly integrationId: string;
  readonly isIam: boolean;
}

/** API Gateway HTTP APIs: their routes are served at the root of the cloud's endpoint. */
export class ApiGatewayEngine implements Engine {
  readonly service = "apigateway";
  readonly resources: Readonly<Record<string, ResourceFactory>> = {
    "AWS::ApiGatewayV2::Api": (request) => this.createApi(request),
    "AWS::ApiGatewayV2::Stage": (request) => this.createStage(request),
    "AWS::ApiGatewayV2::Integration": (request) => this.createIntegration(request),
    "AWS::ApiGatewayV2::Route": (request) => this.createRoute(request),
  };
  private readonly stages = new Set<string>();
  private readonly integrations = new Map<string, Integration>();
  private readonly routes: Route[] = [];

  constructor(private readonly context: CloudContext) {}

  /** Answers a request to a route; undefined when there is none, so that others may answer. */
  readonly web: WebHandler = async (request) => {
    const path = request.target.split("?")[0] ?? "/";
    const match = matchRoute(
      this.routes.filter(({ apiId }) => this.stages.has(apiId)),
      request.method,
      path,
    );
    if (!match) return undefined;
    if (match.route.isIam && !this.mayInvoke(match.route, request, path)) return json(403, { message: "Forbidden" });
    const integration = this.integrations.get(match.route.integrationId);
    if (!integration) return json(500, { message: "Internal Server Error" });
    return this.invoke(match, integration, request);
  };

  async handle(): Promise<AwsReply> {
    throw new AwsFault("UnknownOperationException", "apigateway: the management API is not modelled", 404);
  }
  async reset(): Promise<void> {}
  async close(): Promise<void> {}

  private mayInvoke(route: Route, request: WebRequest, path: string): boolean {
    if (!request.caller) return false;
    const { region, accountId, iam, log } = this.context;
    const resource = `arn:aws:execute-api:${region}:${accountId}:${route.apiId}/$default/${request.method}${path}`;
    const { allowed, message } = iam.evaluate({ caller: request.caller, action: "execute-api:Invoke", resource });
    if (!allowed) log(`http api: ${message}`);
    return allowed;
  }

  private async invoke(
    { route, parameters }: RouteMatch<Route>,
    integration: Integration,
    request: WebRequest,
  ): Promise<WebReply> {
    const { region, accountId, clock, functions, log } = this.context;
    const method = route.key.text === "$default" ? "" : `/${request.method}`;
    const sourceArn = `arn:aws:execute-api:${region}:${accountId}:${route.apiId}/$default${method}${routePath(route.key)}`;
    const event = proxyEvent({
      request,
      apiId: route.apiId,
      accountId,
      stage: "$default",
      routeKey: route.key.text,
      pathParameters: parameters,
      isIamRoute: route.isIam,
      nowMs: clock.now(),
    });
    const caller = serviceCaller("apigateway.amazonaws.com", sourceArn, accountId);
    const late = Symbol("late");
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<typeof late>((done) => {
      timer = setTimeout(() => done(late), integration.timeoutMs);
    });
    try {
      const result = await Promise.race([functions.invoke(integration.functionArn, event, caller), limit]);
      if (result === late) return json(503, { message: "Service Unavailable" });
      return proxyReply(result) ?? json(500, { message: "Internal Server Error" });
    } catch (error) {
      // As on AWS the caller learns nothing of the inside; the log does.
      if (!(error instanceof FunctionError || error instanceof AwsFault)) throw error;
      log(`http api ${route.key.text}: ${error.message}`);
      return json(error instanceof AwsFault && error.status === 429 ? 503 : 500, { message: "Internal Server Error" });
    } finally {
      clearTimeout(timer);
    }
  }

  private createApi(request: ResourceRequest): CreatedResource {
    parseProperties(request, ApiProperties, FOR_PEOPLE);
    const apiId = shortId(request);
    return { ref: apiId, attributes: { ApiId: apiId, ApiEndpoint: this.context.endpoint() } };
  }

  private createStage(request: ResourceRequest): CreatedResource {
    const { ApiId, StageName } = parseProperties(request, StageProperties, STAGE_INERT);
    this.stages.add(ApiId);
    return { ref: StageName, attributes: {} };
  }

  private createIntegration(request: ResourceRequest): CreatedResource {
    const { IntegrationUri, TimeoutInMillis } = parseProperties(request, IntegrationProperties, FOR_PEOPLE);
    const functionArn = IntegrationUri.replace(
      /^arn:aws:apigateway:[^:]+:lambda:path\/2015-03-31\/functions\//,
      "",
    ).replace(/\/invocations$/, "");
    const id = shortId(request);
    this.integrations.set(id, { functionArn, timeoutMs: TimeoutInMillis });
    return { ref: id, attributes: { IntegrationId: id } };
  }

  private createRoute(request: ResourceRequest): CreatedResource {
    const { ApiId, RouteKey, Target, AuthorizationType } = parseProperties(request, RouteProperties);
    const where = `${request.stackName}/${request.logicalId}`;
    const key = parseRouteKey(RouteKey);
    if (!key)
      throw new CountersignError(
        "CS-1213",
        `${where} Properties.RouteKey: ${JSON.stringify(RouteKey)} is no route key such as "POST /runs/{id}"`,
      );
    if (this.routes.some((route) => route.key.text === key.text)) {
      throw new CountersignError(
        "CS-1213",
        `${where} Properties.RouteKey: ${key.text} is taken; all HTTP APIs share the root of the endpoint here`,
      );
    }
    this.routes.push({
      key,
      apiId: ApiId,
      integrationId: Target.slice("integrations/".length),
      isIam: AuthorizationType === "AWS_IAM",
    });
    return { ref: shortId(request), attributes: { RouteId: shortId(request) } };
  }
}

/** Ten letters and digits, as API Gateway names its things; the same in every start. */
function shortId(request: ResourceRequest): string {
  const digest = createHash("sha256").update(`${request.stackName}/${request.logicalId}`).digest();
  return [...digest.subarray(0, 10)].map((byte) => "abcdefghijklmnopqrstuvwxyz0123456789"[byte % 36]).join("");
}
