/**
 * A loopback server that turns requests of the real AWS SDK into `AwsCall`s for one engine, and `AwsFault`s into the
 * protocol's error answer. It checks no signature: that is the wire's task, tested there.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createSocketServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  AccessAnswer,
  AccessQuestion,
  AwsCall,
  AwsReply,
  Caller,
  CloudContext,
  Engine,
  IamCheck,
  ResourceRequest,
} from "../../../lib/local/types.js";
import { AwsFault } from "../../../lib/local/types.js";

export const REGION = "eu-central-1";
export const ACCOUNT = "111111111111";

/** An IAM check that allows everything not refused by the test, and remembers each question. */
export class RecordingIam implements IamCheck {
  readonly questions: AccessQuestion[] = [];
  private readonly refusals: ((question: AccessQuestion) => boolean)[] = [];

  /** from now on, questions that match are refused */
  refuse(matches: (question: AccessQuestion) => boolean): void {
    this.refusals.push(matches);
  }
  /** the last question about `action` */
  last(action: string): AccessQuestion {
    const question = this.questions.filter((asked) => asked.action === action).at(-1);
    if (question === undefined)
      throw new Error(`nobody asked about ${action}; asked: ${this.questions.map((asked) => asked.action).join(", ")}`);
    return question;
  }
  evaluate(question: AccessQuestion): AccessAnswer {
    this.questions.push(question);
    const allowed = !this.refusals.some((matches) => matches(question));
    const message = `User: ${question.caller.sessionArn} is not authorized to perform: ${question.action} on resource: ${question.resource}`;
    return { allowed, message };
  }
  authorize(question: AccessQuestion): void {
    const answer = this.evaluate(question);
    if (!answer.allowed) throw new AwsFault("AccessDeniedException", answer.message, 403);
  }
}

export interface TestCloud {
  readonly ctx: CloudContext;
  readonly iam: RecordingIam;
  /** moves the clock on */
  advance(ms: number): void;
}

export const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0);

/** A context with a clock of its own; `dataDir` to keep data on disk. */
export function testCloud(options: { readonly dataDir?: string; readonly iam?: IamCheck } = {}): TestCloud {
  let nowMs = START_MS;
  const iam = new RecordingIam();
  const ctx: CloudContext = {
    region: REGION,
    accountId: ACCOUNT,
    clock: {
      now: () => nowMs,
      at: () => {
        throw new Error("service engines start no timers");
      },
    },
    iam: options.iam ?? iam,
    functions: {
      invoke: () => {
        throw new Error("service engines invoke no functions");
      },
    },
    endpoint: () => "http://127.0.0.1:0",
    publish: () => {
      throw new Error("service engines publish no events");
    },
    ...(options.dataDir !== undefined && { dataDir: options.dataDir }),
    log: () => {},
  };
  return {
    ctx,
    iam,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "countersign-services-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A resource as the template loader would ask for it. */
export function resource(type: string, logicalId: string, properties: Record<string, unknown>): ResourceRequest {
  return {
    type,
    logicalId,
    stackName: "teststack",
    defaultName: `teststack-${logicalId}-0a1b2c3d`.slice(0, 64),
    properties,
    metadata: {},
  };
}

/** Creates a resource through the engine's factory. */
export async function create(engine: Engine, type: string, logicalId: string, properties: Record<string, unknown>) {
  const factory = engine.resources[type];
  if (factory === undefined) throw new Error(`the engine creates no ${type}`);
  return factory(resource(type, logicalId, properties));
}

/** The role named by the access key id of the signature's credential scope. */
export function callerOf(accessKeyId: string): Caller {
  return {
    principalArn: `arn:aws:iam::${ACCOUNT}:role/${accessKeyId}`,
    sessionArn: `arn:aws:sts::${ACCOUNT}:assumed-role/${accessKeyId}/test`,
    accountId: ACCOUNT,
  };
}

export interface ServedEngine {
  /** spread into an SDK client's configuration; `role` signs as `role/<role>` */
  config(role?: string): {
    region: string;
    endpoint: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    maxAttempts: number;
  };
  close(): Promise<void>;
}

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/** The Bedrock client speaks HTTP/2 without TLS to a plain endpoint, every other client HTTP/1.1: one port takes both. */
export async function serve(engine: Engine): Promise<ServedEngine> {
  const listener = (request: AnyRequest, response: AnyResponse) => {
    answer(engine, request, response).catch((error: unknown) => {
      response.writeHead(500);
      response.end(String(error));
    });
  };
  const http1 = createServer(listener);
  const http2 = createHttp2Server(listener);
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.once("readable", () => {
      const first: Buffer | null = socket.read(4) ?? socket.read();
      if (first === null) return;
      socket.unshift(first);
      (first.toString("latin1") === "PRI " ? http2 : http1).emit("connection", socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    config: (role = "worker") => ({
      region: REGION,
      endpoint: `http://127.0.0.1:${address.port}`,
      credentials: { accessKeyId: role, secretAccessKey: "secret" },
      maxAttempts: 1,
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function answer(engine: Engine, request: AnyRequest, response: AnyResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(",") : (value ?? ""),
    ]),
  );
  const [, accessKeyId = "", service = ""] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "") ?? [];
  // Not through URL, which would resolve the dots of a hostile key.
  const [path = "/", ...query] = (request.url ?? "/").split("?");
  const target = headers["x-amz-target"];
  const operation = target?.split(".").at(-1);
  const call: AwsCall = {
    service,
    caller: callerOf(accessKeyId),
    method: request.method ?? "GET",
    path: decodeURIComponent(path),
    query: new URLSearchParams(query.join("?")),
    headers,
    body: Buffer.concat(chunks),
    ...(operation !== undefined && { operation }),
  };
  if (service !== engine.service) throw new Error(`signed for ${service}, served by ${engine.service}`);
  try {
    send(response, await engine.handle(call), headers);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    sendFault(response, error, service, request.method === "HEAD");
  }
}

function send(response: AnyResponse, reply: AwsReply, headers: Record<string, string>): void {
  const body = reply.body ?? "";
  const plain = typeof body === "string" || Buffer.isBuffer(body);
  const type = plain ? {} : { "content-type": headers["content-type"] ?? "application/json" };
  response.writeHead(reply.status, { ...type, ...reply.headers });
  response.end(plain ? body : JSON.stringify(body));
}

function sendFault(response: AnyResponse, fault: AwsFault, service: string, head: boolean): void {
  if (service === "s3") {
    const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code === "AccessDeniedException" ? "AccessDenied" : fault.code}</Code><Message>${escapeXml(fault.message)}</Message></Error>`;
    response.writeHead(fault.status, { "content-type": "application/xml" });
    response.end(head ? "" : xml);
    return;
  }
  const body = JSON.stringify({ __type: fault.code, message: fault.message, ...fault.members });
  response.writeHead(fault.status, { "content-type": "application/json", "x-amzn-errortype": fault.code });
  response.end(body);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
