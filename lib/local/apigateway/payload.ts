import { createHash, randomUUID } from "node:crypto";
import * as z from "zod";
import type { WebReply, WebRequest } from "../wire/wire.js";

/** What the event of a request says beyond the request itself. */
export interface EventInputs {
  readonly request: WebRequest;
  readonly apiId: string;
  readonly accountId: string;
  readonly stage: string;
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  /** the route asks for IAM authorisation */
  readonly isIamRoute: boolean;
  readonly nowMs: number;
}

/** The Lambda event of an HTTP API with payload format 2.0. */
export function proxyEvent(inputs: EventInputs): Record<string, unknown> {
  const { request, stage, routeKey, nowMs } = inputs;
  const question = request.target.indexOf("?");
  const rawQueryString = question < 0 ? "" : request.target.slice(question + 1);
  const path = decodedPath(question < 0 ? request.target : request.target.slice(0, question));
  const { cookie, ...headers } = request.headers;
  const host = headers.host ?? "";
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/; */) }),
    headers,
    ...(rawQueryString === "" ? {} : { queryStringParameters: queryParameters(rawQueryString) }),
    requestContext: {
      accountId: inputs.accountId,
      apiId: inputs.apiId,
      ...authorizer(inputs),
      domainName: host,
      domainPrefix: host.split(".")[0] ?? "",
      http: {
        method: request.method,
        path,
        protocol: "HTTP/1.1",
        sourceIp: request.sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey,
      stage,
      time: requestTime(nowMs),
      timeEpoch: nowMs,
    },
    ...(Object.keys(inputs.pathParameters).length === 0 ? {} : { pathParameters: inputs.pathParameters }),
    ...bodyOf(request),
  };
}

function authorizer({ request, isIamRoute }: EventInputs): Record<string, unknown> {
  const { caller } = request;
  if (!isIamRoute || !caller) return {};
  const roleId = `AROA${createHash("sha256").update(caller.principalArn).digest("hex").slice(0, 17).toUpperCase()}`;
  const callerId = `${roleId}:${caller.sessionArn.slice(caller.sessionArn.lastIndexOf("/") + 1)}`;
  return {
    authorizer: {
      iam: {
        accessKey: request.accessKeyId,
        accountId: caller.accountId,
        callerId,
        cognitoIdentity: null,
        principalOrgId: null,
        userArn: caller.sessionArn,
        userId: callerId,
      },
    },
  };
}

/** API Gateway passes these content types as text; all others, forms among them, in base64. */
const TEXT_TYPES = /^(text\/|application\/(json|javascript|xml|[\w.-]+\+(json|xml))\b)/i;

function bodyOf(request: WebRequest): Record<string, unknown> {
  if (request.body.length === 0) return { isBase64Encoded: false };
  const isText = TEXT_TYPES.test(request.headers["content-type"] ?? "");
  return { body: request.body.toString(isText ? "utf8" : "base64"), isBase64Encoded: !isText };
}

function queryParameters(query: string): Record<string, string> {
  const all = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) all.set(name, [...(all.get(name) ?? []), value]);
  return Object.fromEntries([...all].map(([name, values]) => [name, values.join(",")]));
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** `21/Nov/2026:02:51:18 +0000` */
function requestTime(nowMs: number): string {
  const [, day, month, year, time] = /^\w+, (\d\d) (\w+) (\d+) ([\d:]+)/.exec(new Date(nowMs).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

const StructuredReply = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  cookies: z.array(z.string()).default([]),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});

/** The HTTP answer a function's result stands for; undefined when it is malformed. */
export function proxyReply(result: unknown): WebReply | undefined {
  const isStructured = result !== null && typeof result === "object" && "statusCode" in result;
  if (!isStructured) {
    const body = typeof result === "string" ? result : JSON.stringify(result);
    return { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from(body) };
  }
  const parsed = StructuredReply.safeParse(result);
  if (!parsed.success) return undefined;
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    status: statusCode,
    headers: { "content-type": "text/plain;charset=UTF-8", ...Object.fromEntries(lower) },
    cookies,
    body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
  };
}
