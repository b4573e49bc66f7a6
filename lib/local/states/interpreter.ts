/** Runs a compiled state machine on a clock and a function invoker, and writes its history. */
import { type GraphRunner, runMap, runParallel } from "./concurrent.js";
import { Aborted, StateFailure } from "./failure.js";
import type { EventDetails, EventType, HistoryEvent } from "./history.js";
import type { Machine, State } from "./machine.js";
import type { Payload } from "./payload.js";
import { type RunContext, type RunIdentity, type RunSeams, recordEvent, Scope } from "./scope.js";
import { runChoice, runFail, runWait } from "./simple.js";
import { type Outcome, StateRun } from "./state-run.js";
import { errorDetails, runTask } from "./task.js";

/** How an execution ended. `output` is JSON text. */
export type RunOutcome =
  | { readonly status: "SUCCEEDED"; readonly output: string }
  | {
      readonly status: "FAILED" | "TIMED_OUT" | "ABORTED";
      readonly error: string | undefined;
      readonly cause: string | undefined;
    };

export interface RunRequest {
  readonly machine: Machine;
  readonly input: Payload;
  readonly identity: RunIdentity;
  readonly seams: RunSeams;
  /** called for every event, as it happens */
  onEvent(event: HistoryEvent): void;
}

/** An execution that is running, or has run. */
export interface RunHandle {
  readonly events: readonly HistoryEvent[];
  /** settles when the execution has ended; never rejects */
  readonly done: Promise<RunOutcome>;
  /** Ends the execution as ABORTED; without effect when it has ended. */
  stop(error: string | undefined, cause: string | undefined): void;
  /** Gives the execution up without an event: its cloud is closing. `done` never settles then. */
  discard(): void;
}

/** Starts an execution. Its first event is recorded before this returns. */
export function startRun(request: RunRequest): RunHandle {
  const run = createContext(request);
  const root = new Scope(run);
  let finish: (outcome: RunOutcome) => void = () => {};
  const done = new Promise<RunOutcome>((resolve) => {
    finish = resolve;
  });
  let ended = false;
  let cancelTimeout: (() => void) | undefined;
  const end = (type: EventType, previousEventId: number, details: EventDetails, outcome: RunOutcome): void => {
    if (ended) return;
    ended = true;
    cancelTimeout?.();
    root.abort();
    recordEvent(run, type, previousEventId, details);
    finish(outcome);
  };
  const interrupt = (status: "TIMED_OUT" | "ABORTED", failure: StateFailure): void => {
    const type = status === "ABORTED" ? "ExecutionAborted" : "ExecutionTimedOut";
    end(type, 0, errorDetails(failure), { status, error: failure.error, cause: failure.cause });
  };

  recordEvent(run, "ExecutionStarted", 0, { input: request.input.json, roleArn: request.identity.roleArn });
  const { timeoutSeconds } = request.machine;
  if (timeoutSeconds !== undefined) {
    const { clock } = request.seams;
    const timedOut = new StateFailure("States.Timeout", undefined);
    cancelTimeout = clock.at(clock.now() + timeoutSeconds * 1000, () => interrupt("TIMED_OUT", timedOut));
  }
  runGraph(request.machine, root, request.input).then(
    (output) =>
      end(
        "ExecutionSucceeded",
        root.lastEventId,
        { output: output.json },
        { status: "SUCCEEDED", output: output.json },
      ),
    (error: unknown) => {
      if (error instanceof Aborted) return;
      const failure = error instanceof StateFailure ? error : internalFailure(request, error);
      const outcome: RunOutcome = { status: "FAILED", error: failure.error, cause: failure.cause };
      end("ExecutionFailed", root.lastEventId, errorDetails(failure), outcome);
    },
  );
  return {
    events: run.events,
    done,
    stop: (error, cause) => interrupt("ABORTED", new StateFailure(error, cause)),
    discard() {
      ended = true;
      cancelTimeout?.();
      root.abort();
    },
  };
}

function createContext({ identity, input, seams, onEvent }: RunRequest): RunContext {
  const { clock } = seams;
  const roleName = identity.roleArn.slice(identity.roleArn.lastIndexOf("/") + 1);
  return {
    identity,
    seams,
    onEvent,
    events: [],
    services: { nowMs: () => clock.now(), random: seams.random, uuid: seams.uuid },
    caller: {
      principalArn: identity.roleArn,
      sessionArn: `arn:aws:sts::${identity.accountId}:assumed-role/${roleName}/${identity.executionName}`,
      accountId: identity.accountId,
    },
    contextBase: {
      Execution: {
        Id: identity.executionArn,
        Input: input.value,
        Name: identity.executionName,
        RoleArn: identity.roleArn,
        StartTime: new Date(clock.now()).toISOString(),
        RedriveCount: 0,
      },
      StateMachine: { Id: identity.stateMachineArn, Name: identity.stateMachineName },
    },
  };
}

/** A fault of the interpreter itself ends the execution, not the process. */
function internalFailure({ seams, identity }: RunRequest, error: unknown): StateFailure {
  const message = error instanceof Error ? error.message : String(error);
  seams.log(`states: ${identity.executionArn}: ${error instanceof Error ? error.stack : message}`);
  return new StateFailure("States.Runtime", `Internal error of the embedded cloud: ${message}`);
}

const runGraph: GraphRunner = async (graph, scope, input) => {
  let name: string | undefined = graph.startAt;
  let payload = input;
  while (name !== undefined) {
    const state = graph.states.get(name);
    if (state === undefined) throw new RangeError(`no state ${name}`);
    const outcome: Outcome = await runState(state, scope, payload);
    payload = outcome.output;
    name = outcome.next;
  }
  return payload;
};

function runState(state: State, scope: Scope, input: Payload): Promise<Outcome> {
  const run = new StateRun(scope, state, input);
  switch (state.type) {
    case "Task":
      return runTask(run, state);
    case "Parallel":
      return runParallel(run, state, runGraph);
    case "Map":
      return runMap(run, state, runGraph);
    case "Pass":
    case "Succeed":
      return run.guard(() => run.exit(state, input, state.next));
    case "Choice":
      return run.guard(() => runChoice(run, state));
    case "Wait":
      return run.guard(() => runWait(run, state));
    case "Fail":
      return run.guard(() => runFail(run, state));
  }
}
