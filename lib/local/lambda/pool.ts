import { AwsFault } from "../types.js";
import type { Outcome } from "./outcome.js";
import type { Worker } from "./worker.js";

/** Children of one function that this machine runs at a time, when the function reserves no number itself. */
const DEFAULT_CHILDREN = 8;

/** The child processes of one function. */
export class FunctionPool {
  private readonly workers = new Set<Worker>();
  private readonly queue: (() => void)[] = [];
  private running = 0;

  constructor(
    private readonly start: (exited: (worker: Worker) => void) => Worker,
    private readonly reservedConcurrency: number | undefined,
  ) {}

  /**
   * Runs one invocation in an idle child or a new one.
   *
   * @param whenFull at the reserved concurrency Lambda refuses a synchronous call and keeps an asynchronous one waiting
   * @throws AwsFault 429 `TooManyRequestsException`
   */
  async invoke(payload: string, whenFull: "refuse" | "wait"): Promise<Outcome> {
    const limit = this.reservedConcurrency ?? DEFAULT_CHILDREN;
    const throttles = this.reservedConcurrency !== undefined && whenFull === "refuse";
    if (limit === 0 || (throttles && this.running >= limit)) {
      throw new AwsFault("TooManyRequestsException", "Rate Exceeded.", 429, {
        Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
      });
    }
    if (this.running >= limit) await new Promise<void>((turn) => this.queue.push(turn));
    else this.running += 1;
    try {
      return await this.idleWorker().invoke(payload);
    } finally {
      // A waiting call takes over this one's place, so that nobody slips in between.
      const next = this.queue.shift();
      if (next) next();
      else this.running -= 1;
    }
  }

  /** Ends the children that are at work: their invocations belong to data that is being dropped. */
  stopBusy(): void {
    for (const worker of this.workers) if (!worker.idle) worker.stop();
  }

  async close(): Promise<void> {
    const workers = [...this.workers];
    for (const worker of workers) worker.stop();
    await Promise.all(workers.map((worker) => worker.gone));
  }

  private idleWorker(): Worker {
    for (const worker of this.workers) if (worker.idle) return worker;
    const worker = this.start((exited) => this.workers.delete(exited));
    this.workers.add(worker);
    return worker;
  }
}
