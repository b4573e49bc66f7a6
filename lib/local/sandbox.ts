/**
 * What sandbox modules are built from: a small HTTP server on loopback with JSON answers, canned answers from the seed (for
 * scenarios of a misbehaving system) and a record of what was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as z from "zod";
import type { SandboxServer } from "../contract/model.js";

const MAX_BODY_BYTES = 1024 * 1024;

/** In a seed: answers that replace the sandbox's own, in order, each `times` times (always, when left out). */
export const cannedAnswers = z
  .array(
    z.strictObject({
      method: z.enum(["GET", "POST", "PUT", "DELETE"]),
      path: z.string().startsWith("/"),
      status: z.int().min(100).max(599),
      body: z.json(),
      /** answer this late, in real milliseconds */
      delayMs: z.int().min(0).max(60_000).optional(),
      times: z.int().positive().optional(),
    }),
  )
  .default([]);

export interface SandboxRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
export interface SandboxAnswer {
  readonly status: number;
  readonly body: unknown;
}
/** The outside system itself: its state, and how it answers. */
export interface SandboxSystem {
  answer(request: SandboxRequest): SandboxAnswer;
  state(): unknown;
}

type Canned = z.output<typeof cannedAnswers>[number];

/** Serves a system built from a seed; `reset` builds it anew. `parse` throws on a wrong seed. */
export async function serveSandbox<S extends { readonly answers: readonly Canned[] }>(
  parse: (seed: unknown) => S,
  build: (seed: S) => SandboxSystem,
  initialSeed: unknown,
): Promise<SandboxServer> {
  let seed = parse(initialSeed);
  let system = build(seed);
  let used = new Map<Canned, number>();
  const canned = (request: SandboxRequest): Canned | undefined => {
    const found = seed.answers.find(
      (answer) =>
        answer.method === request.method &&
        answer.path === request.path &&
        (answer.times === undefined || (used.get(answer) ?? 0) < answer.times),
    );
    if (found !== undefined) used.set(found, (used.get(found) ?? 0) + 1);
    return found;
  };
  const server = createServer((message, response) => {
    receive(message)
      .then(async (request) => {
        const instead = canned(request);
        if (instead?.delayMs !== undefined)
          await new Promise((resolve) => setTimeout(resolve, instead.delayMs).unref());
        send(response, instead ?? system.answer(request));
      })
      .catch((error: unknown) =>
        send(response, { status: 500, body: { error: error instanceof Error ? error.message : "unknown" } }),
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the sandbox has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    state: () => system.state(),
    reset: (next) => {
      seed = parse(next);
      system = build(seed);
      used = new Map();
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function receive(message: IncomingMessage): Promise<SandboxRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new Error(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  const url = new URL(message.url ?? "/", "http://sandbox");
  return {
    method: message.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: message.headers,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

function send(response: ServerResponse, answer: SandboxAnswer): void {
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
}
