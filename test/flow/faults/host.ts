/**
 * Runs the functions in this process instead of in children: their real handlers on the real ports and SDK clients, whose requests go straight
 * to the engines. What is left out: bundles, environments, processes, sockets and signatures. A crashed invocation never hears from an engine
 * again, so nothing it had still to do is done.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { Readable } from "node:stream";
import { type HttpRequest, HttpResponse } from "@smithy/protocol-http";
import { ConnectionLost, type FaultSwitch, type FaultyCaller } from "../../../lib/local/faults.js";
import type { Runner } from "../../../lib/local/lambda/engine.js";
import { functionFailed, type Outcome, runtimeFailed } from "../../../lib/local/lambda/outcome.js";
import { type AwsCall, AwsFault, type AwsReply, type Caller, type Engine } from "../../../lib/local/types.js";
import { renderFault, renderReply } from "../../../lib/local/wire/render.js";

export type Handler = (event: unknown) => Promise<unknown>;

interface Invocation extends FaultyCaller {
  isAlive: boolean;
}
const running = new AsyncLocalStorage<Invocation>();
const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** A function whose handler runs here. Made at its first invocation, as a cold start would. */
export function runHere(functionName: string, make: () => Handler): Runner {
  let handler: Handler | undefined;
  const busy = new Set<Invocation>();
  const stopBusy = () => {
    for (const invocation of busy) invocation.kill();
  };
  return {
    invoke(payload) {
      handler ??= make();
      const { handler: handle } = { handler };
      return new Promise<Outcome>((settle) => {
        const end = (outcome: Outcome) => {
          busy.delete(invocation);
          settle(outcome);
        };
        const invocation: Invocation = {
          functionName,
          isAlive: true,
          kill() {
            invocation.isAlive = false;
            end(runtimeFailed("Runtime.ExitError", "Error: Runtime exited with error: signal: killed"));
          },
        };
        busy.add(invocation);
        running.run(invocation, () =>
          handle(JSON.parse(payload)).then(
            (answer) => end(succeeded(answer)),
            (error) => end(failure(error)),
          ),
        );
      });
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

export interface Directly {
  readonly caller: Caller;
  readonly faults: FaultSwitch;
  readonly engine: (service: string) => Engine | undefined;
}

/** SDK client options: requests of `service` go to its engine in this process, as this caller, through the fault switch. */
export function directClient(service: string, { caller, faults, engine }: Directly) {
  return {
    region: "eu-central-1",
    // by its address, so that buckets are named in the path
    endpoint: "http://127.0.0.1",
    credentials: { accessKeyId: "here", secretAccessKey: "here" },
    signer: { sign: async <T>(request: T): Promise<T> => request },
    retryStrategy: quickRetries(),
    requestHandler: {
      async handle(request: HttpRequest) {
        const invocation = running.getStore();
        if (invocation === undefined || !invocation.isAlive) return never<{ response: HttpResponse }>();
        const call = callOf(service, caller, request);
        const target = engine(service);
        if (target === undefined) throw new Error(`there is no engine ${service}`);
        return { response: await answer(faults, invocation, call, target) };
      },
    },
  };
}

async function answer(
  faults: FaultSwitch,
  invocation: Invocation,
  call: AwsCall,
  engine: Engine,
): Promise<HttpResponse> {
  try {
    const reply = await faults.call(invocation, call, () => engine.handle(call));
    return invocation.isAlive ? httpReply(call.service, reply) : await never<HttpResponse>();
  } catch (error) {
    if (!invocation.isAlive) return never<HttpResponse>();
    if (error instanceof ConnectionLost) throw connectionReset();
    if (error instanceof AwsFault) return response(renderFault(call.service, error, "here"));
    throw error;
  }
}

const httpReply = (service: string, reply: AwsReply) => response(renderReply(service, reply, "here"));

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
