import { AwsFault, type Clock } from "../types.js";
import type { Outcome } from "./outcome.js";
import type { AsyncSettings } from "./permission.js";

export interface AsyncInvocation {
  readonly name: string;
  readonly settings: AsyncSettings;
  attempt(): Promise<Outcome>;
}

/** Lambda waits one minute before the first repetition and two before the second. */
const RETRY_DELAYS_MS = [60_000, 120_000];

/** Asynchronous invocations: accepted at once, repeated when the function fails. */
export class AsyncQueue {
  private readonly cancels = new Set<() => void>();
  /** counts `clear`s, so that an attempt under way at that time is not repeated */
  private generation = 0;

  constructor(
    private readonly clock: Clock,
    private readonly log: (line: string) => void,
  ) {}

  add(invocation: AsyncInvocation): void {
    this.schedule(invocation, 0, this.clock.now(), this.clock.now());
  }

  clear(): void {
    this.generation += 1;
    for (const cancel of this.cancels) cancel();
    this.cancels.clear();
  }

  private schedule(invocation: AsyncInvocation, attempt: number, atMs: number, acceptedMs: number): void {
    const cancel = this.clock.at(atMs, () => {
      this.cancels.delete(cancel);
      void this.run(invocation, attempt, acceptedMs);
    });
    this.cancels.add(cancel);
  }

  private async run(invocation: AsyncInvocation, attempt: number, acceptedMs: number): Promise<void> {
    const { generation } = this;
    const failure = await failureOf(invocation);
    if (failure === undefined || generation !== this.generation) return;
    const { maximumRetryAttempts, maximumEventAgeMs } = invocation.settings;
    const nextMs = this.clock.now() + (RETRY_DELAYS_MS[attempt] ?? 120_000);
    const repeats = attempt < maximumRetryAttempts && nextMs - acceptedMs <= maximumEventAgeMs;
    this.log(
      `${invocation.name}: asynchronous invocation failed (attempt ${attempt + 1}): ${failure}; ${repeats ? "it is repeated" : "it is dropped"}`,
    );
    if (repeats) this.schedule(invocation, attempt + 1, nextMs, acceptedMs);
  }
}

async function failureOf(invocation: AsyncInvocation): Promise<string | undefined> {
  try {
    const outcome = await invocation.attempt();
    return outcome.ok ? undefined : `${outcome.errorType}: ${outcome.errorMessage}`;
  } catch (error) {
    if (error instanceof AwsFault) return `${error.code}: ${error.message}`;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
