import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { AwsFault, type Caller } from "../types.js";

/** How long AWS remembers a ClientRequestToken. */
const REMEMBERED_MS = 10 * 60 * 1000;

interface Remembered {
  readonly fingerprint: string;
  readonly answer: object;
  readonly untilMs: number;
}

/** ClientRequestToken: a repeated transaction is answered, not done again. In memory: a restart forgets. */
export class IdempotencyTokens {
  readonly #remembered = new Map<string, Remembered>();
  /** transactions under way: a repeat that overtakes its first waits for it */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(readonly nowMs: () => number) {}

  /** @throws AwsFault IdempotentParameterMismatchException for another request with the same token */
  async once(token: string | undefined, caller: Caller, request: object, task: () => Promise<object>): Promise<object> {
    if (token === undefined) return task();
    const name = `${caller.accountId} ${token}`;
    while (this.#running.has(name)) await this.#running.get(name);
    const fingerprint = createHash("sha256")
      .update(canonicalize(request) ?? "")
      .digest("hex");
    const known = this.#remembered.get(name);
    if (known !== undefined && known.untilMs > this.nowMs()) {
      if (known.fingerprint === fingerprint) return known.answer;
      throw new AwsFault(
        "IdempotentParameterMismatchException",
        "Request with the same client token but with different parameters was made within the idempotency window.",
      );
    }
    const run = task();
    this.#running.set(
      name,
      run.catch(() => undefined),
    );
    try {
      const answer = await run;
      this.#forgetExpired();
      this.#remembered.set(name, { fingerprint, answer, untilMs: this.nowMs() + REMEMBERED_MS });
      return answer;
    } finally {
      this.#running.delete(name);
    }
  }

  clear(): void {
    this.#remembered.clear();
  }

  #forgetExpired(): void {
    for (const [name, { untilMs }] of this.#remembered) if (untilMs <= this.nowMs()) this.#remembered.delete(name);
  }
}
