import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Clock } from "../types.js";
import type { FunctionConfiguration } from "./configuration.js";
import { functionFailed, type Outcome, runtimeFailed } from "./outcome.js";
import { MAX_PAYLOAD_BYTES, type RuntimeApi } from "./runtime-api.js";

const BOOTSTRAP = fileURLToPath(new URL("./bootstrap.mjs", import.meta.url));
/** Lambda gives 10 s; a busy development machine loads a bundle more slowly than Lambda does. */
const INIT_TIMEOUT_MS = 30_000;

export interface WorkerOptions {
  readonly configuration: FunctionConfiguration;
  readonly runtimeApi: RuntimeApi;
  readonly clock: Clock;
  /** the clock does not move while functions run, so `Date` inside them must not either */
  readonly clockStandsStill: boolean;
  /** the function's code, outside of any package */
  readonly taskRoot: string;
  /** the whole environment of the child, but for the address of the Runtime API */
  readonly environment: Readonly<Record<string, string>>;
  output(text: string): void;
  /** the child is ended, if not gone yet: nothing it still asks for may be granted. May be called twice. */
  ended(): void;
  exited(worker: Worker): void;
}
interface Invocation {
  readonly requestId: string;
  readonly payload: string;
  readonly settle: (outcome: Outcome) => void;
  timer?: NodeJS.Timeout;
}
type Deliver = (headers: Readonly<Record<string, string>>, body: string) => void;

/** One child process of a function: one invocation at a time, used again while it lives. */
export class Worker {
  private readonly child: ChildProcess;
  private readonly releaseAddress: () => void;
  private waiting: Deliver | undefined;
  private invocation: Invocation | undefined;
  private initTimer: NodeJS.Timeout | undefined;
  /** settles when the process is gone */
  readonly gone: Promise<void>;
  alive = true;

  constructor(private readonly options: WorkerOptions) {
    const { configuration, runtimeApi, clock } = options;
    const { address, release } = runtimeApi.register({
      next: (deliver) => this.ready(deliver),
      response: (requestId, json) => this.finish(requestId, { ok: true, json }),
      error: (requestId, json) => this.finish(requestId, functionFailed(json)),
      initError: (json) => this.stop(functionFailed(json)),
      tooLarge: (requestId, sizeBytes) => this.finish(requestId, tooLarge(sizeBytes)),
    });
    this.releaseAddress = release;
    const bootArguments = [String(clock.now()), options.clockStandsStill ? "frozen" : "ticking", String(process.pid)];
    this.child = spawn(
      process.execPath,
      [`--max-old-space-size=${configuration.memoryMb}`, BOOTSTRAP, ...bootArguments],
      {
        cwd: options.taskRoot,
        env: { ...options.environment, AWS_LAMBDA_RUNTIME_API: address },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.child.stdout?.on("data", (chunk: Buffer) => options.output(chunk.toString("utf8")));
    this.child.stderr?.on("data", (chunk: Buffer) => options.output(chunk.toString("utf8")));
    this.gone = new Promise((done) => {
      this.child.once("exit", (code, signal) => {
        this.died(
          `Runtime exited with error: ${signal === null ? `exit status ${code ?? "unknown"}` : `signal: ${signal}`}`,
        );
        done();
      });
      this.child.once("error", (error) => {
        this.died(`the process could not be started: ${error.message}`);
        done();
      });
    });
    this.initTimer = setTimeout(() => this.stop(timedOut("init", INIT_TIMEOUT_MS)), INIT_TIMEOUT_MS);
  }

  get idle(): boolean {
    return this.alive && this.invocation === undefined;
  }

  /** Runs one invocation; only when `idle`. */
  invoke(payload: string): Promise<Outcome> {
    return new Promise((settle) => {
      this.invocation = { requestId: randomUUID(), payload, settle };
      this.deliver();
    });
  }

  /** Ends the process; an invocation under way fails with `outcome`. */
  stop(outcome: Outcome = runtimeFailed("Runtime.ExitError", "the local cloud stopped the function")): void {
    this.alive = false;
    this.options.ended();
    this.settle(outcome);
    this.child.kill("SIGKILL");
  }

  private ready(deliver: Deliver): void {
    clearTimeout(this.initTimer);
    this.waiting = deliver;
    this.deliver();
  }

  private deliver(): void {
    const { waiting, invocation } = this;
    if (!waiting || !invocation) return;
    this.waiting = undefined;
    const { configuration, clock } = this.options;
    const nowMs = clock.now();
    const headers = {
      "lambda-runtime-aws-request-id": invocation.requestId,
      "lambda-runtime-deadline-ms": String(nowMs + configuration.timeoutMs),
      "lambda-runtime-invoked-function-arn": configuration.arn,
      "countersign-clock-ms": String(nowMs),
    };
    invocation.timer = setTimeout(
      () => this.stop(timedOut(invocation.requestId, configuration.timeoutMs)),
      configuration.timeoutMs,
    );
    waiting(headers, invocation.payload);
  }

  private finish(requestId: string, outcome: Outcome): void {
    if (this.invocation?.requestId === requestId) this.settle(outcome);
  }

  private settle(outcome: Outcome): void {
    const { invocation } = this;
    this.invocation = undefined;
    clearTimeout(invocation?.timer);
    invocation?.settle(outcome);
  }

  private died(reason: string): void {
    this.alive = false;
    clearTimeout(this.initTimer);
    this.releaseAddress();
    this.options.ended();
    this.settle(
      runtimeFailed("Runtime.ExitError", `RequestId: ${this.invocation?.requestId ?? "init"} Error: ${reason}`),
    );
    this.options.exited(this);
  }
}

function timedOut(requestId: string, timeoutMs: number): Outcome {
  return runtimeFailed(
    "Sandbox.Timedout",
    `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
  );
}
function tooLarge(sizeBytes: number): Outcome {
  return runtimeFailed(
    "Function.ResponseSizeTooLarge",
    `Response payload size (${sizeBytes} bytes) exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`,
  );
}
