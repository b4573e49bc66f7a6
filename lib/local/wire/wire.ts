import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { CountersignError } from "../../errors.js";
import type { HoldableClock } from "../clock.js";
import { ConnectionLost, type FaultSwitch, type FaultyCaller } from "../faults.js";
import { type AwsCall, AwsFault, type AwsReply, type Caller, type Engine } from "../types.js";
import { decodeAwsChunked } from "./chunked.js";
import { type AnyRequest, type AnyResponse, Listener, plainHeaders, readBody } from "./listener.js";
import { protocolOf, renderFault, renderReply, type WireReply } from "./render.js";
import type { Session, Sessions } from "./sessions.js";
import { type SignedRequest, scopeService, verifySignature } from "./sigv4.js";

/** Larger than any request of the modelled services (S3 objects here are context and archive files). */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A request outside the AWS protocols: to the HTTP API or to the console. */
export interface WebRequest {
  readonly method: string;
  /** path and query as sent, still encoded */
  readonly target: string;
  /** lower-case names; several values of one header joined with `,` (cookies with `; `) */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** who signed it, for the scope `execute-api` */
  readonly caller?: Caller;
  readonly accessKeyId?: string;
  readonly sourceIp: string;
}
export interface WebReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body: Buffer;
}
/** Answers a web request, or gives undefined when the path is not its own. */
export type WebHandler = (request: WebRequest) => Promise<WebReply | undefined>;

export interface WireOptions {
  /** 0 takes any free port */
  readonly port: number;
  readonly region: string;
  /** held while a request is served: whoever asked is at work */
  readonly clock: HoldableClock;
  readonly sessions: Sessions;
  /** by signing name */
  readonly engines: ReadonlyMap<string, Engine>;
  /** asked in order; the first answer wins */
  readonly web: readonly WebHandler[];
  readonly faults?: {
    readonly switch: FaultSwitch;
    /** the function whose session has this access key; undefined for people */
    callerOf(accessKeyId: string): FaultyCaller | undefined;
  };
  log(line: string): void;
}

/** The cloud's one door: an HTTP server on loopback that speaks the protocols of AWS. */
export class Wire {
  private readonly listener: Listener;
  private readonly underWay = new Set<Promise<AwsReply>>();
  private boundPort = 0;

  constructor(private readonly options: WireOptions) {
    this.listener = new Listener((request, response) => void this.serve(request, response));
  }

  /** `http://127.0.0.1:<port>` */
  get endpoint(): string {
    return `http://127.0.0.1:${this.boundPort}`;
  }

  /** @throws CountersignError CS-4001 when the port is taken, CS-4002 for any other reason */
  async listen(): Promise<void> {
    const { port } = this.options;
    try {
      this.boundPort = await this.listener.listen(port);
    } catch (error) {
      throw listenError(error, port);
    }
  }

  /** Resolves when the engines have answered every request that has reached them by now. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.underWay]);
  }

  /** Takes no further request; those under way go on, without anyone to answer. */
  close(): Promise<void> {
    return this.listener.close();
  }

  private async serve(request: AnyRequest, response: AnyResponse): Promise<void> {
    const requestId = randomUUID();
    const release = this.options.clock.hold();
    // SDK clients correct their own clock by this header, so it must show the cloud's.
    response.sendDate = false;
    response.setHeader("date", new Date(this.options.clock.now()).toUTCString());
    try {
      const reply = await this.answer(request, requestId);
      send(response, reply);
    } catch (error) {
      if (error instanceof ConnectionLost) return cut(request);
      this.options.log(`wire ${request.method ?? ""} ${pathOnly(request)} ${requestId}: ${trace(error)}`);
      send(response, {
        status: 500,
        headers: { "content-type": "application/json" },
        body: Buffer.from('{"message":"internal error of the local cloud; see its log"}'),
      });
    } finally {
      release();
    }
  }

  private async answer(request: AnyRequest, requestId: string): Promise<WebReply> {
    const headers = plainHeaders(request);
    const service = scopeService(headers.authorization ?? "");
    try {
      if (!request.url?.startsWith("/"))
        throw new AwsFault("ValidationException", "the request target must be a path", 400);
      const body = await readBody(request, MAX_BODY_BYTES);
      if (!body)
        throw new AwsFault("RequestEntityTooLargeException", `a request body may have ${MAX_BODY_BYTES} bytes`, 413);
      const signed: SignedRequest = { method: request.method ?? "GET", target: request.url ?? "/", headers, body };
      if (!headers.authorization?.startsWith("AWS4-HMAC-SHA256")) return await this.web(request, signed);
      const { session, service: verified } = verifySignature(signed, this.options.sessions, this.options.region);
      if (verified === "execute-api")
        return await this.web(request, signed, session.caller, session.credentials.accessKeyId);
      return await this.aws(signed, verified, session, requestId);
    } catch (error) {
      if (error instanceof ConnectionLost) throw error;
      return renderFault(service ?? "execute-api", this.faultOf(error, request, requestId), requestId);
    }
  }

  private async aws(signed: SignedRequest, service: string, session: Session, requestId: string): Promise<WireReply> {
    const engine = this.options.engines.get(service);
    if (!engine)
      throw new AwsFault("UnknownOperationException", `the local cloud does not run the service ${service}`, 404);
    const question = signed.target.indexOf("?");
    const path = question < 0 ? signed.target : signed.target.slice(0, question);
    const target = signed.headers["x-amz-target"];
    const call: AwsCall = {
      service,
      caller: session.caller,
      method: signed.method,
      path: decodePath(path),
      query: new URLSearchParams(question < 0 ? "" : signed.target.slice(question + 1)),
      headers: signed.headers,
      body: decodeAwsChunked(signed.headers, signed.body),
      ...(target === undefined ? {} : { operation: target.slice(target.lastIndexOf(".") + 1) }),
    };
    if (protocolOf(service).startsWith("json") && call.operation === undefined) {
      throw new AwsFault("UnknownOperationException", "the header x-amz-target is missing", 400);
    }
    const work = this.handle(engine, call, session);
    this.underWay.add(work);
    try {
      return renderReply(service, await work, requestId);
    } finally {
      this.underWay.delete(work);
    }
  }

  private handle(engine: Engine, call: AwsCall, { credentials }: Session): Promise<AwsReply> {
    const { faults } = this.options;
    const caller = faults?.callerOf(credentials.accessKeyId);
    if (faults === undefined || caller === undefined) return engine.handle(call);
    return faults.switch.call(caller, call, () => engine.handle(call));
  }

  private async web(
    request: AnyRequest,
    signed: SignedRequest,
    caller?: Caller,
    accessKeyId?: string,
  ): Promise<WebReply> {
    // A page of another origin may point its own host name at 127.0.0.1; such a request carries that name.
    if (!isLoopbackHost(signed.headers.host ?? ""))
      return json(421, { message: "this server answers to 127.0.0.1 and localhost only" });
    const web: WebRequest = {
      ...signed,
      sourceIp: request.socket.remoteAddress ?? "127.0.0.1",
      ...(caller === undefined ? {} : { caller }),
      ...(accessKeyId === undefined ? {} : { accessKeyId }),
    };
    for (const handler of this.options.web) {
      const reply = await handler(web);
      if (reply) return reply;
    }
    return json(404, { message: "Not Found" });
  }

  private faultOf(error: unknown, request: AnyRequest, requestId: string): AwsFault {
    if (error instanceof AwsFault) return error;
    this.options.log(`wire ${request.method ?? ""} ${pathOnly(request)} ${requestId}: ${trace(error)}`);
    if (error instanceof CountersignError) return new AwsFault("ValidationException", String(error), 400);
    return new AwsFault("InternalFailure", "internal error of the local cloud; see its log", 500);
  }
}

export function json(status: number, body: object): WebReply {
  return { status, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(body)) };
}

function send(response: AnyResponse, reply: WebReply): void {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string | readonly string[]> = { ...reply.headers };
  if (reply.cookies && reply.cookies.length > 0) headers["set-cookie"] = reply.cookies;
  // A HEAD answer of S3 announces the object's length without sending it.
  if (headers["content-length"] === undefined && reply.status !== 204)
    headers["content-length"] = String(reply.body.length);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = reply.status;
  response.end(reply.body);
}

/** Ends the connection without an answer. */
function cut(request: AnyRequest): void {
  if ("stream" in request) request.stream.session?.destroy();
  else request.socket.destroy();
}

const pathOnly = (request: AnyRequest): string => (request.url ?? "/").split("?")[0] ?? "/";
const trace = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new AwsFault("ValidationException", `the path ${path} is not percent-encoded UTF-8`, 400);
  }
}

function isLoopbackHost(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host);
}

/** Whether the port can be had, before work is done for it. @throws CountersignError CS-4001, CS-4002 */
export async function requireFreePort(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((done, fail) => {
    probe.once("error", (error) => fail(listenError(error, port)));
    probe.listen(port, "127.0.0.1", done);
  });
  await new Promise<void>((done) => probe.close(() => done()));
}

function listenError(error: unknown, port: number): CountersignError {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    const other = port + 100;
    return new CountersignError(
      "CS-4001",
      `port ${port} is taken by another process; stop it or run \`npm start -- --port ${other}\``,
      { port },
    );
  }
  return new CountersignError("CS-4002", `the local cloud cannot listen on 127.0.0.1:${port}: ${String(error)}`, {
    port,
  });
}
