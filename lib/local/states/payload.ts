import { StateFailure } from "./failure.js";
import { exceedsBytes, MAX_PAYLOAD_BYTES } from "./limits.js";

/** A JSON value with its text: histories, limits and the next state all need both. */
export interface Payload {
  readonly value: unknown;
  readonly json: string;
}

export function payloadOf(value: unknown): Payload {
  return { value, json: JSON.stringify(value) };
}

/** Fails with `States.DataLimitExceeded` when the payload is over 256 KiB; `what` is the state's name or resource. */
export function withinLimit(payload: Payload, what: string): Payload {
  if (!exceedsBytes(payload.json, MAX_PAYLOAD_BYTES)) return payload;
  throw new StateFailure(
    "States.DataLimitExceeded",
    `The state/task '${what}' returned a result with a size exceeding the maximum number of bytes service limit.`,
  );
}
