// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its placeholders like this

import { Sha256 } from "@aws-crypto/sha256-js";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { matchRoute, parseRouteKey } from "../../../lib/local/apigateway/route.js";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import { assemblyOf, type Fixture, FunctionRole, lambdaFunction, role } from "./fixture.js";

const CODE = `
exports.handler = async (event) => {
  const how = event.queryStringParameters?.how;
  if (how === "plain") return { answer: 42 };
  if (how === "text") return "just text";
  if (how === "structured") return { statusCode: 201, headers: { "Content-Type": "text/html", "X-Number": 7 }, cookies: ["a=1; Path=/", "b=2"], body: "<p>" };
  if (how === "binary") return { statusCode: 200, headers: { "content-type": "image/png" }, body: "iVBORw==", isBase64Encoded: true };
  if (how === "malformed") return { statusCode: "many" };
  if (how === "throw") throw new Error("secret detail");
  if (how === "slow") await new Promise((done) => setTimeout(done, 1500));
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(event) };
};`;

let fixture: Fixture;
let cloud: Cloud;
const lines: string[] = [];
const permission = (name: string, path: string) => ({
  Type: "AWS::Lambda::Permission",
  Properties: {
    Action: "lambda:InvokeFunction",
    FunctionName: { "Fn::GetAtt": [name, "Arn"] },
    Principal: "apigateway.amazonaws.com",
    SourceArn: {
      "Fn::Sub": `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*/*${path}`,
    },
  },
});
const route = (key: string, properties: Record<string, unknown> = {}, integration = "Integration") => ({
  Type: "AWS::ApiGatewayV2::Route",
  Properties: {
    ApiId: { Ref: "Api" },
    RouteKey: key,
    AuthorizationType: "NONE",
    Target: { "Fn::Sub": `integrations/\${${integration}}` },
    ...properties,
  },
});

beforeAll(async () => {
  fixture = assemblyOf(
    {
      main: {
        template: {
          Resources: {
            FunctionRole,
            Echo: lambdaFunction("echo", { FunctionName: "echo" }),
            Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "api", ProtocolType: "HTTP" } },
            Stage: {
              Type: "AWS::ApiGatewayV2::Stage",
              Properties: {
                ApiId: { Ref: "Api" },
                StageName: "$default",
                AutoDeploy: true,
                DefaultRouteSettings: { ThrottlingBurstLimit: 10, ThrottlingRateLimit: 5 },
                AccessLogSettings: { DestinationArn: "arn:x", Format: "y" },
              },
            },
            Integration: {
              Type: "AWS::ApiGatewayV2::Integration",
              Properties: {
                ApiId: { Ref: "Api" },
                IntegrationType: "AWS_PROXY",
                IntegrationUri: { "Fn::GetAtt": ["Echo", "Arn"] },
                PayloadFormatVersion: "2.0",
                TimeoutInMillis: 1000,
              },
            },
            Page: route("GET /approvals/{id}"),
            Decide: route("POST /approvals/{id}"),
            Start: route("POST /runs/{workflow}", { AuthorizationType: "AWS_IAM" }),
            Foreign: route("GET /foreign"),
            PagePermission: permission("Echo", "/approvals/{id}"),
            StartPermission: permission("Echo", "/runs/{workflow}"),
            Requester: role(
              "ec2.amazonaws.com",
              [
                {
                  Effect: "Allow",
                  Action: "execute-api:Invoke",
                  Resource: {
                    "Fn::Sub":
                      "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/runs/billing-dispute",
                  },
                },
              ],
              {
                RoleName: "requester",
              },
            ),
          },
          Outputs: { Url: { Value: { "Fn::GetAtt": ["Api", "ApiEndpoint"] } } },
        },
      },
    },
    { echo: { "index.js": CODE } },
  );
  cloud = await startCloud({ assembly: fixture.folder, log: (line) => lines.push(line) });
});
afterAll(async () => {
  await cloud.close();
  fixture.remove();
});

async function signed(path: string, body: string, service = "execute-api"): Promise<Response> {
  const url = new URL(cloud.endpoint);
  const signer = new SignatureV4({
    service,
    region: "eu-central-1",
    credentials: cloud.credentialsFor("arn:aws:iam::111111111111:role/requester", "dana"),
    sha256: Sha256,
  });
  const headers = { host: url.host, "content-type": "application/json" };
  const request = await signer.sign(
    new HttpRequest({
      method: "POST",
      protocol: "http:",
      hostname: url.hostname,
      port: Number(url.port),
      path,
      headers,
      body,
    }),
  );
  return fetch(`${cloud.endpoint}${path}`, { method: "POST", headers: request.headers, body });
}

describe("an open route", () => {
  it("gives the function the payload 2.0 event", async () => {
    const response = await fetch(`${cloud.outputs("main").Url}/approvals/8Qd%20x?a=1&a=2&b=%26`, {
      headers: { cookie: "s=1; t=2", "X-Mixed": "Case", "user-agent": "vitest" },
    });
    expect(response.headers.get("content-type")).toBe("application/json");
    const event = z
      .looseObject({
        headers: z.unknown(),
        requestContext: z.looseObject({ authorizer: z.unknown().optional(), time: z.unknown() }),
      })
      .parse(await response.json());
    expect(event).toMatchObject({
      version: "2.0",
      routeKey: "GET /approvals/{id}",
      rawPath: "/approvals/8Qd x",
      rawQueryString: "a=1&a=2&b=%26",
      cookies: ["s=1", "t=2"],
      queryStringParameters: { a: "1,2", b: "&" },
      pathParameters: { id: "8Qd x" },
      headers: { "x-mixed": "Case", host: new URL(cloud.endpoint).host },
      requestContext: {
        accountId: "111111111111",
        stage: "$default",
        http: {
          method: "GET",
          path: "/approvals/8Qd x",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "vitest",
        },
      },
      isBase64Encoded: false,
    });
    expect(event.headers).not.toHaveProperty("cookie");
    expect(event).not.toHaveProperty("body");
    expect(event.requestContext.authorizer).toBeUndefined();
    expect(event.requestContext.time).toMatch(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  });

  it("passes JSON as text and forms in base64, as API Gateway does", async () => {
    const post = async (type: string, body: string) =>
      (
        await fetch(`${cloud.endpoint}/approvals/x`, { method: "POST", headers: { "content-type": type }, body })
      ).json();
    expect(await post("application/json; charset=utf-8", '{"ü":1}')).toMatchObject({
      body: '{"ü":1}',
      isBase64Encoded: false,
    });
    expect(await post("application/x-www-form-urlencoded", "code=1")).toMatchObject({
      body: Buffer.from("code=1").toString("base64"),
      isBase64Encoded: true,
    });
  });

  it("renders what the function answers", async () => {
    const get = (how: string) => fetch(`${cloud.endpoint}/approvals/x?how=${how}`);
    expect(await (await get("plain")).json()).toEqual({ answer: 42 });
    expect(await (await get("text")).text()).toBe("just text");
    const structured = await get("structured");
    expect([
      structured.status,
      structured.headers.get("content-type"),
      structured.headers.get("x-number"),
      structured.headers.getSetCookie(),
      await structured.text(),
    ]).toEqual([201, "text/html", "7", ["a=1; Path=/", "b=2"], "<p>"]);
    expect(Buffer.from(await (await get("binary")).arrayBuffer()).toString("hex")).toBe("89504e47");
  });

  it("says nothing of the inside when the function fails, answers nonsense or takes too long", async () => {
    for (const how of ["malformed", "throw"]) {
      const response = await fetch(`${cloud.endpoint}/approvals/x?how=${how}`);
      expect([response.status, await response.json()]).toEqual([500, { message: "Internal Server Error" }]);
    }
    expect((await fetch(`${cloud.endpoint}/approvals/x?how=slow`)).status).toBe(503);
    expect(lines.some((line) => line.includes("secret detail"))).toBe(true);
  });

  it("cannot reach a function that has not permitted this route", async () => {
    expect((await fetch(`${cloud.endpoint}/foreign`)).status).toBe(500);
    expect(lines.at(-1)).toMatch(/apigateway.amazonaws.com.*lambda:InvokeFunction/);
  });

  it("leaves other paths and methods alone", async () => {
    for (const [method, path] of [
      ["GET", "/approvals"],
      ["GET", "/approvals/"],
      ["GET", "/approvals/a/b"],
      ["DELETE", "/approvals/a"],
      ["GET", "/"],
    ] as const) {
      expect((await fetch(`${cloud.endpoint}${path}`, { method })).status, `${method} ${path}`).toBe(404);
    }
  });
});

describe("a route with IAM authorisation", () => {
  it("tells the function who signed", async () => {
    const response = await signed("/runs/billing-dispute", '{"x":1}');
    expect(response.status).toBe(200);
    const event = z
      .looseObject({
        headers: z.unknown(),
        requestContext: z.looseObject({ authorizer: z.unknown().optional(), time: z.unknown() }),
      })
      .parse(await response.json());
    expect(event.requestContext.authorizer).toMatchObject({
      iam: {
        userArn: "arn:aws:sts::111111111111:assumed-role/requester/dana",
        accountId: "111111111111",
        callerId: expect.stringMatching(/^AROA\w{17}:dana$/),
      },
    });
    expect(event.body).toBe('{"x":1}');
  });

  it("refuses unsigned requests, other paths, and signatures for another service", async () => {
    expect((await fetch(`${cloud.endpoint}/runs/billing-dispute`, { method: "POST", body: "{}" })).status).toBe(403);
    expect((await signed("/runs/other", "{}")).status).toBe(403);
    expect(lines.at(-1)).toContain("is not authorized to perform: execute-api:Invoke");
    expect((await signed("/runs/billing-dispute", "{}", "lambda")).status).toBe(404);
  });
});

describe("route keys", () => {
  const routes = (...keys: string[]) =>
    keys.map((text) => {
      const key = parseRouteKey(text);
      if (!key) throw new Error(text);
      return { key };
    });
  const choose = (keys: readonly string[], method: string, path: string) =>
    matchRoute(routes(...keys), method, path)?.route.key.text;

  it("the most specific wins, in whatever order they are made", () => {
    const keys = ["$default", "ANY /a/{x+}", "GET /a/{x+}", "ANY /a/{x}", "GET /a/{x}", "ANY /a/b", "GET /a/b"];
    fc.assert(
      fc.property(fc.shuffledSubarray(keys, { minLength: 1 }), (some) => {
        const best = [...some].sort((left, right) => keys.indexOf(right) - keys.indexOf(left))[0];
        expect(choose(some, "GET", "/a/b")).toBe(best);
      }),
    );
    expect(choose(keys, "POST", "/a/c/d")).toBe("ANY /a/{x+}");
    expect(choose(keys, "POST", "/other")).toBe("$default");
    expect(matchRoute(routes("GET /a/{x+}"), "GET", "/a/b%2Fc/d")?.parameters).toEqual({ x: "b/c/d" });
  });

  it("are refused when they are none", () => {
    for (const text of ["/a", "FETCH /a", "GET a", "GET /{x+}/b", ""])
      expect(parseRouteKey(text), text).toBeUndefined();
  });
});
