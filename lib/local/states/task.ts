/** Task states: a Lambda function through the service integration, with a task token, or by its ARN. */
import * as z from "zod";
import { AwsFault, FunctionError } from "../types.js";
import { HEARTBEAT_TIMEOUT, StateFailure, TASK_FAILED } from "./failure.js";
import type { EventDetails, EventType } from "./history.js";
import type { Integration, TaskState } from "./machine.js";
import { type Payload, payloadOf, withinLimit } from "./payload.js";
import { withRecovery } from "./recovery.js";
import type { Scope } from "./scope.js";
import type { Outcome, StateRun } from "./state-run.js";
import type { Settlement, TaskTokens } from "./tokens.js";

/** Runs a Task state. */
export function runTask(run: StateRun, state: TaskState): Promise<Outcome> {
  return withRecovery(
    run,
    state,
    async () => {
      const result = await attemptTask(run, state);
      return run.exit(state, result, state.next, { result: result.value });
    },
    () => {},
  );
}

type IssuedToken = ReturnType<TaskTokens["issue"]>;

async function attemptTask(run: StateRun, state: TaskState): Promise<Payload> {
  const withToken = state.integration.kind === "invoke-with-token";
  // Registered before anything can see it: the function may answer before it returns.
  const issued = withToken ? run.scope.run.seams.tokens.issue() : undefined;
  try {
    const call = await prepareCall(run, state, issued?.token);
    const events = EVENTS[state.integration.kind === "direct" ? "direct" : "integration"];
    const named = state.integration.kind === "direct" ? undefined : integrationNames(state.integration);
    run.scope.emit(events.scheduled, { ...call.scheduled });
    run.scope.emit(events.started, named);
    try {
      const result = withinLimit(await performCall(run.scope, call, issued, named), state.name);
      run.scope.emit(events.succeeded, { ...named, output: result.json });
      return result;
    } catch (error) {
      if (!(error instanceof StateFailure)) throw error;
      const type = error.error === "States.Timeout" ? events.timedOut : events.failed;
      run.scope.emit(type, { ...named, ...errorDetails(error) });
      throw error;
    }
  } finally {
    issued?.close();
  }
}

interface TaskEvents {
  readonly scheduled: EventType;
  readonly started: EventType;
  readonly succeeded: EventType;
  readonly failed: EventType;
  readonly timedOut: EventType;
}
const EVENTS: Readonly<Record<"direct" | "integration", TaskEvents>> = {
  integration: {
    scheduled: "TaskScheduled",
    started: "TaskStarted",
    succeeded: "TaskSucceeded",
    failed: "TaskFailed",
    timedOut: "TaskTimedOut",
  },
  direct: {
    scheduled: "LambdaFunctionScheduled",
    started: "LambdaFunctionStarted",
    succeeded: "LambdaFunctionSucceeded",
    failed: "LambdaFunctionFailed",
    timedOut: "LambdaFunctionTimedOut",
  },
};

function integrationNames(integration: Integration): EventDetails {
  const resource = integration.kind === "invoke-with-token" ? "invoke.waitForTaskToken" : "invoke";
  return { resourceType: "lambda", resource };
}

/** The members of an error that is there. */
export function errorDetails(failure: StateFailure): EventDetails {
  return {
    ...(failure.error === undefined ? {} : { error: failure.error }),
    ...(failure.cause === undefined ? {} : { cause: failure.cause }),
  };
}

/** One attempt's call, evaluated. */
interface Call {
  readonly functionArn: string;
  readonly payload: unknown;
  /** the Lambda integration wraps the function's answer */
  readonly wrapped: boolean;
  readonly timeoutMs: number | undefined;
  /** only a task with a token can be asked for signs of life */
  readonly heartbeatMs: number | undefined;
  /** details of the scheduled event */
  readonly scheduled: EventDetails;
}

async function prepareCall(run: StateRun, state: TaskState, token: string | undefined): Promise<Call> {
  const extras = { token };
  const given = state.arguments === undefined ? run.input.value : await run.evaluate(state.arguments, extras);
  const seconds = async (template: TaskState["timeoutSeconds"], location: string): Promise<number | undefined> =>
    template === undefined ? undefined : run.evaluateCount(template, location, 1, extras);
  const timeoutInSeconds = await seconds(state.timeoutSeconds, "TimeoutSeconds");
  const heartbeatInSeconds = await seconds(state.heartbeatSeconds, "HeartbeatSeconds");
  const times = {
    ...(timeoutInSeconds === undefined ? {} : { timeoutInSeconds }),
    ...(heartbeatInSeconds === undefined ? {} : { heartbeatInSeconds }),
  };
  const limits = {
    timeoutMs: timeoutInSeconds === undefined ? undefined : timeoutInSeconds * 1000,
    heartbeatMs: heartbeatInSeconds === undefined || token === undefined ? undefined : heartbeatInSeconds * 1000,
  };
  const { json } = withinLimit(payloadOf(given), state.name);
  const { identity } = run.scope.run;
  if (state.integration.kind === "direct") {
    const { functionArn } = state.integration;
    const scheduled = { resource: functionArn, input: json, ...times };
    return { functionArn, payload: given, wrapped: false, ...limits, scheduled };
  }
  const names = integrationNames(state.integration);
  const scheduled = { ...names, region: identity.region, parameters: json, ...times };
  return { ...invocationOf(run, given), wrapped: true, ...limits, scheduled };
}

const InvokeArguments = z.strictObject({
  FunctionName: z.string().min(1),
  Payload: z.unknown().optional(),
  Qualifier: z.string().min(1).optional(),
  InvocationType: z.literal("RequestResponse").optional(),
});

function invocationOf(run: StateRun, given: unknown): { readonly functionArn: string; readonly payload: unknown } {
  const parsed = InvokeArguments.safeParse(given);
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join("/")}: ${issue.message}`).join("; ");
    throw new StateFailure("States.Runtime", run.describe(`The Arguments of lambda:invoke are not modelled: ${why}`));
  }
  const { FunctionName: name, Payload: payload = {}, Qualifier: qualifier } = parsed.data;
  const { region, accountId } = run.scope.run.identity;
  const arn = name.startsWith("arn:") ? name : `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  return { functionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`, payload };
}

/**
 * Calls the function and, with a token, waits for its settlement.
 *
 * A settlement that comes before the function has returned takes effect when it returns; timeouts do not wait for it.
 */
function performCall(
  scope: Scope,
  call: Call,
  issued: IssuedToken | undefined,
  named: EventDetails | undefined,
): Promise<Payload> {
  return scope.wait<Payload>((resolve, reject) => {
    const stopTimeout = watchTimeout(scope, call.timeoutMs, reject);
    const heartbeat = watchHeartbeat(scope, call.heartbeatMs, reject);
    const answered = issued === undefined ? resolve : awaitSettlement(scope, issued, named, heartbeat, resolve, reject);
    let over = false;
    invoke(scope, call)
      .then((value) => {
        if (!over) answered(payloadOf(call.wrapped ? wrap(value) : (value ?? null)));
      })
      .catch(reject);
    return () => {
      over = true;
      stopTimeout();
      heartbeat.stop();
    };
  });
}

/** What Lambda's Invoke answers, as far as it does not depend on AWS's own plumbing. */
function wrap(value: unknown): Record<string, unknown> {
  return { ExecutedVersion: "$LATEST", Payload: value ?? null, StatusCode: 200 };
}

type Resolve = (result: Payload) => void;
type Reject = (error: unknown) => void;

/** Listens to the token; answers what to do when the function has returned: the task is submitted then. */
function awaitSettlement(
  scope: Scope,
  issued: IssuedToken,
  named: EventDetails | undefined,
  heartbeat: { beat(): void },
  resolve: Resolve,
  reject: Reject,
): Resolve {
  let submitted = false;
  let settlement: Settlement | undefined;
  const finish = (): void => {
    if (!submitted || settlement === undefined) return;
    if (settlement.kind === "success") resolve(settledPayload(settlement.outputJson));
    else reject(new StateFailure(settlement.error, settlement.cause, [TASK_FAILED]));
  };
  issued.listen({
    settled(answer) {
      settlement = answer;
      finish();
    },
    heartbeat: heartbeat.beat,
  });
  return (answer) => {
    scope.emit("TaskSubmitted", { ...named, output: answer.json });
    submitted = true;
    finish();
  };
}

async function invoke(scope: Scope, call: Call): Promise<unknown> {
  const { functions, log } = scope.run.seams;
  try {
    return await functions.invoke(call.functionArn, call.payload, scope.run.caller);
  } catch (error) {
    if (error instanceof FunctionError) throw new StateFailure(error.errorType, error.cause, [TASK_FAILED]);
    if (error instanceof AwsFault) {
      // Lambda's model has no AccessDeniedException, so Step Functions names it by the client.
      const name = error.code.startsWith("AccessDenied") ? "AWSLambdaException" : error.code;
      const cause = `${error.message} (Service: Lambda, Status Code: ${error.status})`;
      throw new StateFailure(`Lambda.${name}`, cause, [TASK_FAILED]);
    }
    const message = error instanceof Error ? error.message : String(error);
    log(`states: invoking ${call.functionArn} failed: ${message}`);
    throw new StateFailure("Lambda.Unknown", message, [TASK_FAILED]);
  }
}

/** The token's owner sent this text; the wire checked that it is JSON. */
function settledPayload(json: string): Payload {
  const value: unknown = JSON.parse(json);
  return { value, json };
}

function watchTimeout(scope: Scope, timeoutMs: number | undefined, reject: Reject): () => void {
  if (timeoutMs === undefined) return () => {};
  const { clock } = scope.run.seams;
  return clock.at(clock.now() + timeoutMs, () => reject(new StateFailure("States.Timeout", undefined)));
}

function watchHeartbeat(scope: Scope, heartbeatMs: number | undefined, reject: Reject): { beat(): void; stop(): void } {
  if (heartbeatMs === undefined) return { beat: () => {}, stop: () => {} };
  const { clock } = scope.run.seams;
  const miss = (): void => reject(new StateFailure("States.Timeout", undefined, [HEARTBEAT_TIMEOUT]));
  let cancel = clock.at(clock.now() + heartbeatMs, miss);
  return {
    beat() {
      cancel();
      cancel = clock.at(clock.now() + heartbeatMs, miss);
    },
    stop: () => cancel(),
  };
}
