/** The limits of Step Functions standard workflows that the interpreter keeps. */

/** one payload: an execution's or state's input or output, a task's arguments or result */
export const MAX_PAYLOAD_BYTES = 262_144;
/** the events of one execution */
export const MAX_HISTORY_EVENTS = 25_000;
/** all values of one Assign, as JSON */
export const MAX_ASSIGN_BYTES = 262_144;
/** all variables of one execution, as JSON */
export const MAX_VARIABLES_BYTES = 10_485_760;
/** an inline Map runs at most this many iterations at a time */
export const MAX_INLINE_CONCURRENCY = 40;
/** a state machine definition, as JSON */
export const MAX_DEFINITION_BYTES = 1_048_576;
/** Wait, TimeoutSeconds and HeartbeatSeconds */
export const MAX_SECONDS = 99_999_999;

/** Whether `json` is longer than `limitBytes` in UTF-8. */
export function exceedsBytes(json: string, limitBytes: number): boolean {
  // A UTF-16 unit takes at most three bytes: short texts need no counting.
  return json.length * 3 > limitBytes && Buffer.byteLength(json) > limitBytes;
}
