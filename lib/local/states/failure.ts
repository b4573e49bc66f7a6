/** How states fail: the errors of the Amazon States Language, as values of one class. */

/** A state failed with an error that Retry and Catch can name. */
export class StateFailure extends Error {
  override readonly name = "StateFailure";
  constructor(
    /** e.g. `States.Timeout`; undefined for a Fail state without Error and a SendTaskFailure without fields */
    readonly error: string | undefined,
    /** what Catch and the execution show; undefined is "no cause given" */
    override readonly cause: string | undefined,
    /** further names that Retry and Catch may use for it, e.g. `States.HeartbeatTimeout` */
    readonly aliases: readonly string[] = [],
  ) {
    super(`${error ?? "(no error)"}: ${cause ?? ""}`);
  }
}

/** An expression failed: becomes the state's `States.QueryEvaluationError` after an `EvaluationFailed` event. */
export class EvaluationFault extends Error {
  override readonly name = "EvaluationFault";
  constructor(
    /** where in the state, e.g. `Arguments/FunctionName` */
    readonly location: string,
    /** AWS's sentence, without the one that names the state */
    readonly reason: string,
    /** Whether the state had already begun to act on the value (a Wait on its timestamp), which shows in the event's predecessor. */
    readonly afterEntry = false,
  ) {
    super(reason);
  }
}

/** Thrown inside a branch that must do nothing more: its execution ended, or a sibling failed. */
export class Aborted extends Error {
  override readonly name = "Aborted";
}

/** Ends the execution whatever Retry and Catch say. */
export function isFatal(failure: StateFailure): boolean {
  return failure.error === "States.Runtime";
}

/** Whether a Retry's or Catch's `ErrorEquals` covers the failure. */
export function matchesError(failure: StateFailure, errorEquals: readonly string[]): boolean {
  if (isFatal(failure)) return false;
  return errorEquals.some((name) => {
    if (name === failure.error || failure.aliases.includes(name)) return true;
    return name === "States.ALL" && failure.error !== "States.DataLimitExceeded";
  });
}

/** alias of every failure that a task's integration answered (all but timeouts) */
export const TASK_FAILED = "States.TaskFailed";
/** alias of a heartbeat that ran out; its error is `States.Timeout` */
export const HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout";

/** `$states.errorOutput`: what AWS hands to a Catch. A timeout has no cause but is caught with an empty one. */
export function errorOutput(failure: StateFailure): { readonly Error: string | null; readonly Cause: string | null } {
  const cause = failure.cause ?? (failure.error === "States.Timeout" ? "" : null);
  return { Error: failure.error ?? null, Cause: cause };
}
