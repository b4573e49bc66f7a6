/**
 * Every error a person can meet, in one place. `docs/errors.md` is generated from `lib/errors/*.ts` tables.
 *
 * A message says, in lower case: what happened, where, the value, what is allowed, what to do.
 */
export interface ErrorEntry {
  /** Whose mistake it is: the `user`'s (input, contract, link) or the `system`'s (engine, network, bug). */
  readonly kind: "user" | "system";
  /** Whether doing the same again can succeed. */
  readonly retryable: boolean;
  readonly summary: string;
}

/** An error with a code of the error table. The only class of error that Countersign throws on purpose. */
export class CountersignError extends Error {
  override readonly name = "CountersignError";
  constructor(
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
  /** `CS-2103 link: this code is wrong; …` */
  override toString(): string {
    return `${this.code} ${this.message}`;
  }
}
