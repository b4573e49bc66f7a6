/** The Lambda Runtime API on loopback: how child processes get their invocations and answer them. */

import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { CountersignError } from "../../errors.js";

/** Lambda's limit for a synchronous answer. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** of an asynchronous invocation */
export const MAX_ASYNC_PAYLOAD_BYTES = 1024 * 1024;

/** What one child process is told and tells. */
export interface RuntimeClient {
  /** the child is ready for an invocation; answer it with `deliver` */
  next(deliver: (headers: Readonly<Record<string, string>>, body: string) => void): void;
  response(requestId: string, json: string): void;
  error(requestId: string, json: string): void;
  initError(json: string): void;
  /** the answer was larger than `MAX_PAYLOAD_BYTES` */
  tooLarge(requestId: string, sizeBytes: number): void;
}

const PREFIX = "/2018-06-01/runtime/";

/** One server for all functions; each child has a secret path of its own, so that none can answer for another. */
export class RuntimeApi {
  private readonly clients = new Map<string, RuntimeClient>();
  private readonly server: Server = createServer((request, response) => {
    this.serve(request, response).catch(() => response.destroy());
  });
  private port = 0;

  constructor() {
    // A child waits for its next invocation for as long as the cloud runs.
    this.server.requestTimeout = 0;
    this.server.timeout = 0;
    this.server.keepAliveTimeout = 0;
  }

  async listen(): Promise<void> {
    await new Promise<void>((done, fail) => {
      this.server.once("error", (error) =>
        fail(new CountersignError("CS-4002", `the Lambda Runtime API cannot listen on 127.0.0.1: ${error.message}`)),
      );
      this.server.listen(0, "127.0.0.1", done);
    });
    const address = this.server.address();
    if (address !== null && typeof address === "object") this.port = address.port;
  }

  /** The value of AWS_LAMBDA_RUNTIME_API for one child, and how to end its registration. */
  register(client: RuntimeClient): { address: string; release: () => void } {
    const secret = randomBytes(18).toString("base64url");
    this.clients.set(secret, client);
    return { address: `127.0.0.1:${this.port}/${secret}`, release: () => this.clients.delete(secret) };
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, secret = "", path = ""] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? "") ?? [];
    const client = this.clients.get(secret);
    const { body, sizeBytes } = await readText(request);
    if (!client || !path.startsWith(PREFIX)) return answer(response, 403);
    const route = path.slice(PREFIX.length);
    const [, requestId = "", kind] = /^invocation\/([^/]+)\/(response|error)$/.exec(route) ?? [];
    if (request.method === "GET" && route === "invocation/next") {
      client.next((headers, payload) => answer(response, 200, headers, payload));
      return;
    }
    if (request.method !== "POST") return answer(response, 404);
    // The answer to the child goes out first: what follows may stop it.
    answer(response, 202);
    if (route === "init/error") client.initError(body);
    else if (kind === "response" && sizeBytes > MAX_PAYLOAD_BYTES) client.tooLarge(requestId, sizeBytes);
    else if (kind === "response") client.response(requestId, body);
    else if (kind === "error") client.error(requestId, body);
  }
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
}

async function readText(request: IncomingMessage): Promise<{ body: string; sizeBytes: number }> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes <= MAX_PAYLOAD_BYTES) chunks.push(bytes);
  }
  return { body: Buffer.concat(chunks).toString("utf8"), sizeBytes };
}
