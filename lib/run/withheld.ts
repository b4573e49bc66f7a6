/** The forms of an action and of a view that hold nothing sensitive: commitments stand in place of the values. */
import { isJsonObject } from "./canonical.js";
import type { Action } from "./protocol.js";
import { redactWithNonces } from "./redact.js";

/** An action as the state machine carries it: what its arguments hash to, but neither sensitive values nor the nonces to guess them by. */
export function withheldAction({ tool, args, nonces }: Action): Action {
  const redacted = redactWithNonces(args, Object.keys(nonces), nonces);
  return { tool, args: isJsonObject(redacted) ? redacted : {}, nonces: {} };
}
