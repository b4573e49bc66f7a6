import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createTcp, type Server, type Socket } from "node:net";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** How every HTTP/2 connection begins; an HTTP/1.1 request never does. */
const HTTP2_PREFACE = "PRI ";

/**
 * One loopback port for HTTP/1.1 and for HTTP/2 without TLS: the SDK client of Bedrock speaks only the latter. Which it is shows in
 * the first bytes.
 */
export class Listener {
  private readonly sockets = new Set<Socket>();
  private readonly tcp: Server;

  constructor(serve: (request: AnyRequest, response: AnyResponse) => void) {
    const http1 = createHttp1(serve);
    const http2 = createHttp2(serve);
    this.tcp = createTcp((socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
      // A client that goes away is no matter of the cloud's; what it asked for is answered or not.
      socket.on("error", () => socket.destroy());
      socket.once("data", (first) => {
        socket.pause();
        socket.unshift(first);
        const isHttp2 = first.toString("latin1", 0, HTTP2_PREFACE.length) === HTTP2_PREFACE;
        (isHttp2 ? http2 : http1).emit("connection", socket);
        if (!isHttp2) process.nextTick(() => socket.resume());
      });
    });
  }

  /** @returns the port; rejects with the system's error */
  listen(port: number): Promise<number> {
    return new Promise((done, fail) => {
      this.tcp.once("error", fail);
      this.tcp.listen(port, "127.0.0.1", () => {
        this.tcp.off("error", fail);
        const address = this.tcp.address();
        done(address !== null && typeof address === "object" ? address.port : port);
      });
    });
  }

  async close(): Promise<void> {
    if (!this.tcp.listening) return;
    const closed = new Promise<void>((done) => this.tcp.close(() => done()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/**
 * Lower-case names; several values of one header joined with `,` (cookies with `; `). Of HTTP/2's pseudo headers `:authority` stays,
 * since signatures cover it, and also gives `host`.
 */
export function plainHeaders(request: AnyRequest): Record<string, string> {
  const distinct = "headersDistinct" in request ? request.headersDistinct : request.headers;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(distinct)) {
    if (value !== undefined && (!name.startsWith(":") || name === ":authority"))
      headers[name] = typeof value === "string" ? value : value.join(name === "cookie" ? "; " : ",");
  }
  const authority = headers[":authority"];
  return authority === undefined ? headers : { ...headers, host: authority };
}

/** The whole body; undefined when it is larger than `maxBytes` (the rest is read and dropped, so that the answer arrives). */
export async function readBody(request: AnyRequest, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes <= maxBytes) chunks.push(bytes);
  }
  return sizeBytes > maxBytes ? undefined : Buffer.concat(chunks);
}
