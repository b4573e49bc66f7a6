/** One line of work of an execution: the machine itself, a Parallel branch or a Map iteration. */
import type { Caller, Clock, FunctionInvoker } from "../types.js";
import { Aborted, StateFailure } from "./failure.js";
import type { EvaluationServices } from "./functions.js";
import type { EventDetails, EventType, HistoryEvent } from "./history.js";
import { MAX_HISTORY_EVENTS } from "./limits.js";
import type { TaskTokens } from "./tokens.js";
import { Variables } from "./variables.js";

/** Who an execution is. */
export interface RunIdentity {
  readonly executionArn: string;
  readonly executionName: string;
  readonly stateMachineArn: string;
  readonly stateMachineName: string;
  readonly roleArn: string;
  readonly region: string;
  readonly accountId: string;
}

/** What an execution needs from outside. */
export interface RunSeams {
  readonly clock: Clock;
  readonly functions: FunctionInvoker;
  readonly tokens: TaskTokens;
  /** 0 ≤ n < 1: `$random()` and retry jitter */
  random(): number;
  uuid(): string;
  /** a line for the local cloud's log file */
  log(line: string): void;
}

/** What all scopes of one execution share. */
export interface RunContext {
  readonly identity: RunIdentity;
  readonly seams: RunSeams;
  readonly services: EvaluationServices;
  /** calls functions as the state machine's role */
  readonly caller: Caller;
  /** `$states.context.Execution` and `.StateMachine` */
  readonly contextBase: Readonly<Record<string, unknown>>;
  readonly events: HistoryEvent[];
  onEvent(event: HistoryEvent): void;
}

const ENDINGS: ReadonlySet<EventType> = new Set([
  "ExecutionSucceeded",
  "ExecutionFailed",
  "ExecutionAborted",
  "ExecutionTimedOut",
]);

/** Adds an event to the history. Its last place is kept for the execution's end. */
export function recordEvent(
  run: RunContext,
  type: EventType,
  previousEventId: number,
  details: EventDetails | undefined,
): number {
  const id = run.events.length + 1;
  if (id >= MAX_HISTORY_EVENTS && !ENDINGS.has(type)) {
    throw new StateFailure(
      "States.Runtime",
      `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`,
    );
  }
  const timestampMs = run.seams.clock.now();
  const event: HistoryEvent =
    details === undefined
      ? { id, previousEventId, timestampMs, type }
      : { id, previousEventId, timestampMs, type, details };
  run.events.push(event);
  run.onEvent(event);
  return id;
}

/** A Map iteration's place. */
export interface Iteration {
  readonly mapName: string;
  readonly index: number;
  readonly value: unknown;
}

/** The event types that say a state was left unfinished; the other states never wait. */
const ABORTED_EVENT: Readonly<Record<string, EventType>> = {
  Task: "TaskStateAborted",
  Wait: "WaitStateAborted",
  Map: "MapStateAborted",
  Parallel: "ParallelStateAborted",
};

export class Scope {
  /** what the next event follows */
  lastEventId = 0;
  /** the type of the state that is running */
  openState: string | undefined;
  readonly variables: Variables;
  /** the innermost Map iteration around this line of work */
  readonly iteration: Iteration | undefined;
  private readonly children = new Set<Scope>();
  private readonly cleanups = new Set<() => void>();
  private aborted = false;

  constructor(
    readonly run: RunContext,
    private readonly parent?: Scope,
    private readonly ownIteration?: Iteration,
  ) {
    this.variables = new Variables(parent?.variables);
    this.iteration = ownIteration ?? parent?.iteration;
    if (parent !== undefined) this.lastEventId = parent.lastEventId;
    parent?.children.add(this);
  }
  /** Records the next event of this line of work. */
  emit(type: EventType, details?: EventDetails): number {
    this.assertRunning();
    this.lastEventId = recordEvent(this.run, type, this.lastEventId, details);
    return this.lastEventId;
  }

  /** Records an event that the next one does not follow, after `previousEventId`. */
  emitAside(type: EventType, previousEventId: number, details?: EventDetails): number {
    this.assertRunning();
    return recordEvent(this.run, type, previousEventId, details);
  }

  /** Throws when this line of work was given up. */
  assertRunning(): void {
    if (this.aborted) throw new Aborted("given up");
  }

  /** A promise that ends with the scope: `start` answers how to clean up, which happens when it is settled or aborted. */
  wait<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    return new Promise<T>((resolvePromise, rejectPromise) => {
      let cleanUp: (() => void) | undefined;
      let settled = false;
      const abort = (): void => settle(() => rejectPromise(new Aborted("given up")));
      const settle = (end: () => void): void => {
        if (settled) return;
        settled = true;
        this.cleanups.delete(abort);
        cleanUp?.();
        end();
      };
      this.cleanups.add(abort);
      cleanUp = start(
        (value) => settle(() => resolvePromise(value)),
        (error) => settle(() => rejectPromise(error)),
      );
      if (settled) cleanUp();
      else if (this.aborted) abort();
    });
  }

  /** Lets `ms` pass. */
  sleep(ms: number): Promise<void> {
    const { clock } = this.run.seams;
    return this.sleepUntil(clock.now() + ms);
  }

  /** Waits for a point in time, epoch milliseconds. */
  sleepUntil(atMs: number): Promise<void> {
    return this.wait<void>((resolve) => this.run.seams.clock.at(atMs, () => resolve()));
  }

  /** The scope did its work: its parent goes on after its last event. */
  close(): void {
    this.parent?.children.delete(this);
  }

  /** Gives up this line of work and all within it, silently. */
  abort(): void {
    this.aborted = true;
    this.dropChildren();
    for (const cleanUp of [...this.cleanups]) cleanUp();
  }

  /** Gives up the children, and says so in the history: the failed one first, all after the event that made it fail. */
  abortChildren(failed: Scope, failedEventId: number): void {
    const others = [...this.children].filter((child) => child !== failed);
    failed.recordOpenState(failedEventId);
    for (const child of others) child.recordAbort(failedEventId);
    this.dropChildren();
  }

  /** Gives up the children silently. */
  dropChildren(): void {
    for (const child of this.children) child.abort();
    this.children.clear();
  }

  private recordAbort(previousEventId: number): void {
    if (this.ownIteration !== undefined) {
      const { mapName: name, index } = this.ownIteration;
      recordEvent(this.run, "MapIterationAborted", previousEventId, { name, index });
    }
    this.recordOpenState(previousEventId);
  }

  private recordOpenState(previousEventId: number): void {
    const type = this.openState === undefined ? undefined : ABORTED_EVENT[this.openState];
    if (type === undefined) return;
    for (const child of this.children) child.recordAbort(previousEventId);
    recordEvent(this.run, type, previousEventId, undefined);
  }
}
