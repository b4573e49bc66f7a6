/** An error that the state machine tells by its name (ERROR_NAMES in lib/run/protocol.ts). */
import type { ERROR_NAMES } from "../../lib/run/protocol.js";

export class NamedError extends Error {
  constructor(
    override readonly name: (typeof ERROR_NAMES)[keyof typeof ERROR_NAMES],
    message: string,
  ) {
    super(message);
  }
}
