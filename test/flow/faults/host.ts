/**
 * Runs the functions in this process instead of in children: their real handlers on the real ports and SDK clients, whose requests go straight
 * to the engines. What is left out: bundles, environments, processes, sockets and signatures. A crashed invocation never hears from an engine
 * again, so nothing it had still to do is done.
 */
import { Readable } from "node:stream";
import { type HttpRequest, HttpResponse } from "@smithy/protocol-http";
import { ConnectionLost, type FaultyCaller } from "../../../lib/local/faults.js";
import type { Runner } from "../../../lib/local/lambda/engine.js";
import { functionFailed, type Outcome, runtimeFailed } from "../../../lib/local/lambda/outcome.js";
import { type AwsCall, AwsFault, type Caller } from "../../../lib/local/types.js";
import { renderFault, renderReply } from "../../../lib/local/wire/render.js";
import { answer, type Directly } from "./direct.js";

export type Handler = (event: unknown) => Promise<unknown>;

/** Makes a function's handler; the clients that it calls engines with are its environment's. */
export type MakeHandler = (environment: Environment) => Handler;

/** Where a function runs: one invocation at a time, and none any more once it was killed. */
export class Environment implements FaultyCaller {
  private readonly handler: Handler;
  private alive = true;
  private settle: ((outcome: Outcome) => void) | undefined;
  private readonly frozen: (() => void)[] = [];

  constructor(
    readonly functionName: string,
    make: MakeHandler,
  ) {
    this.handler = make(this);
  }

  /**
   * Resolves while an invocation runs. Between two the environment is frozen, as on Lambda: what was left under way goes on with
   * the next. Never resolves once the environment was killed.
   */
  async atWork(): Promise<void> {
    while (!this.alive || this.settle === undefined) await new Promise<void>((thaw) => this.frozen.push(thaw));
  }
  get isAlive(): boolean {
    return this.alive;
  }

  invoke(payload: string): Promise<Outcome> {
    return new Promise((settle) => {
      this.settle = settle;
      for (const thaw of this.frozen.splice(0)) thaw();
      this.handler(JSON.parse(payload)).then(
        (answer) => this.end(succeeded(answer)),
        (error) => this.end(failure(error)),
      );
    });
  }

  kill(): void {
    this.alive = false;
    this.end(runtimeFailed("Runtime.ExitError", "Error: Runtime exited with error: signal: killed"));
  }

  private end(outcome: Outcome): void {
    this.settle?.(outcome);
    this.settle = undefined;
  }
}

/** A function whose handler runs here, in as many environments as there are invocations at once. */
export function runHere(functionName: string, make: MakeHandler): Runner {
  const idle: Environment[] = [];
  const busy = new Set<Environment>();
  const stopBusy = () => {
    for (const environment of busy) environment.kill();
  };
  return {
    async invoke(payload) {
      // One may die of a call that its last invocation left under way.
      const warm = idle.splice(0).filter(({ isAlive }) => isAlive);
      const environment = warm.pop() ?? new Environment(functionName, make);
      idle.push(...warm);
      busy.add(environment);
      const outcome = await environment.invoke(payload);
      busy.delete(environment);
      if (environment.isAlive) idle.push(environment);
      return outcome;
    },
    stopBusy,
    close: async () => stopBusy(),
  };
}

const succeeded = (answer: unknown): Outcome => ({ ok: true, json: JSON.stringify(answer) ?? "null" });

function failure(error: unknown): Outcome {
  const [errorType, errorMessage] = error instanceof Error ? [error.name, error.message] : ["unknown", String(error)];
  return functionFailed(JSON.stringify({ errorType, errorMessage }));
}

/** SDK client options: requests of `service` go to its engine in this process, as this caller, through the fault switch. */
export function directClient(service: string, parts: Directly) {
  return {
    region: "eu-central-1",
    // by its address, so that buckets are named in the path
    endpoint: "http://127.0.0.1",
    credentials: { accessKeyId: "here", secretAccessKey: "here" },
    signer: { sign: async <T>(request: T): Promise<T> => request },
    retryStrategy: quickRetries(),
    requestHandler: {
      handle: async (request: HttpRequest) => ({
        response: await exchange(parts, callOf(service, parts.caller, request)),
      }),
    },
  };
}

async function exchange(parts: Directly, call: AwsCall): Promise<HttpResponse> {
  try {
    return response(renderReply(call.service, await answer(parts, call), "here"));
  } catch (error) {
    if (error instanceof ConnectionLost) throw connectionReset();
    if (error instanceof AwsFault) return response(renderFault(call.service, error, "here"));
    throw error;
  }
}

function response({ status, headers, body }: ReturnType<typeof renderReply>): HttpResponse {
  return new HttpResponse({ statusCode: status, headers: { ...headers }, body: Readable.from([body]) });
}

/** As Node's HTTP client reports it, and the SDK's handler passes it on. */
function connectionReset(): Error {
  return Object.assign(new Error("read ECONNRESET"), { name: "TimeoutError", code: "ECONNRESET" });
}

function callOf(service: string, caller: Caller, request: HttpRequest): AwsCall {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {}))
    for (const one of [value ?? ""].flat()) query.append(name, one);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const target = headers["x-amz-target"];
  return {
    service,
    caller,
    method: request.method,
    path: decodeURIComponent(request.path),
    query,
    headers,
    body: bytesOf(request.body),
    ...(target === undefined ? {} : { operation: target.slice(target.lastIndexOf(".") + 1) }),
  };
}

function bytesOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.concat([body]);
  throw new Error("the laboratory's clients send no streams");
}

const MAX_RETRIES = 3;

/** Four attempts, as the product's clients make; without the pauses. */
function quickRetries() {
  const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0, getRetryCost: () => 0 });
  return {
    acquireInitialRetryToken: async () => token(0),
    async refreshRetryTokenForRetry(
      before: { getRetryCount(): number },
      { errorType, error }: { readonly errorType: string; readonly error?: unknown },
    ) {
      if (errorType === "CLIENT_ERROR" || before.getRetryCount() >= MAX_RETRIES)
        throw error ?? new Error("no more retries");
      return token(before.getRetryCount() + 1);
    },
    recordSuccess() {},
  };
}
