/** Runs machines on a virtual clock with functions written in the test. */
import { createSkippingClock, type SkippingClock } from "../../../lib/local/clock.js";
import { flatEvent } from "../../../lib/local/states/conformance-compare.js";
import { parseDefinition } from "../../../lib/local/states/definition.js";
import type { HistoryEvent } from "../../../lib/local/states/history.js";
import { type RunHandle, type RunOutcome, startRun } from "../../../lib/local/states/interpreter.js";
import { compileMachine } from "../../../lib/local/states/machine.js";
import { payloadOf } from "../../../lib/local/states/payload.js";
import { createTaskTokens, type TaskTokens } from "../../../lib/local/states/tokens.js";
import type { Caller } from "../../../lib/local/types.js";

export const START = "2026-11-21T10:00:00.000Z";
export const FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:work";

export type TestFunction = (payload: unknown, caller: Caller, functionArn: string) => unknown;

export interface TestRun {
  readonly clock: SkippingClock;
  readonly tokens: TaskTokens;
  readonly run: RunHandle;
  readonly log: string[];
  /** `Type` or `Type(previousEventId)` of every event so far */
  types(): string[];
  /** the events as the recordings write them */
  events(): Readonly<Record<string, unknown>>[];
}

export interface RunOptions {
  readonly input?: unknown;
  readonly work?: TestFunction;
  readonly mode?: "auto" | "manual";
  readonly onEvent?: (event: HistoryEvent, tokens: TaskTokens) => void;
}

/** A machine whose states are JSONata. */
export function machine(states: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { QueryLanguage: "JSONata", StartAt: Object.keys(states)[0], States: states, ...more };
}

export function start(definition: unknown, options: RunOptions = {}): TestRun {
  const clock = createSkippingClock(Date.parse(START), options.mode ?? "auto");
  const tokens = createTaskTokens();
  const log: string[] = [];
  const run = startRun({
    machine: compileMachine(parseDefinition(definition, { variables: false })),
    input: payloadOf(options.input ?? {}),
    identity: {
      executionArn: "arn:aws:states:us-east-1:111111111111:execution:orders:run-1",
      executionName: "run-1",
      stateMachineArn: "arn:aws:states:us-east-1:111111111111:stateMachine:orders",
      stateMachineName: "orders",
      roleArn: "arn:aws:iam::111111111111:role/countersign/orders-machine",
      region: "us-east-1",
      accountId: "111111111111",
    },
    seams: {
      clock,
      tokens,
      functions: { invoke: async (arn, payload, caller) => options.work?.(payload, caller, arn) },
      random: () => 0.5,
      uuid: () => "00000000-0000-4000-8000-000000000001",
      log: (line) => log.push(line),
    },
    onEvent: (event) => options.onEvent?.(event, tokens),
  });
  return {
    clock,
    tokens,
    run,
    log,
    types: () => run.events.map((event) => event.type),
    events: () => run.events.map(flatEvent),
  };
}

/** Runs to the end; waits are skipped. */
export async function finish(
  definition: unknown,
  options: RunOptions = {},
): Promise<TestRun & { outcome: RunOutcome }> {
  const running = start(definition, options);
  const outcome = await running.run.done;
  return { ...running, outcome };
}

/** The seconds since the start at which events of this type happened. */
export function secondsOf(run: TestRun, type: string): number[] {
  return run.run.events
    .filter((event) => event.type === type)
    .map((event) => (event.timestampMs - Date.parse(START)) / 1000);
}

/** The token that the newest scheduled task handed out. */
export function tokenIn(run: RunHandle): string {
  const scheduled = run.events.findLast((event) => event.type === "TaskScheduled");
  const found = /"token":"([^"]+)"/.exec(scheduled?.details?.parameters ?? "");
  if (found?.[1] === undefined) throw new Error("no token in the history");
  return found[1];
}

export const invoke = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  Arguments: { FunctionName: FUNCTION, Payload: "{% $states.input %}" },
  ...more,
});

export const waitForToken = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
  Arguments: { FunctionName: FUNCTION, Payload: { token: "{% $states.context.Task.Token %}" } },
  ...more,
});
