/** Map and Parallel states: several lines of work in one state. */
import { EvaluationFault, isFatal, StateFailure } from "./failure.js";
import { MAX_INLINE_CONCURRENCY } from "./limits.js";
import type { Graph, MapState, ParallelState } from "./machine.js";
import { type Payload, payloadOf } from "./payload.js";
import { withRecovery } from "./recovery.js";
import { Scope } from "./scope.js";
import type { Outcome, StateRun } from "./state-run.js";
import { jsonType, wrongType } from "./template.js";

/** Runs a graph to its end (the interpreter's main loop). */
export type GraphRunner = (graph: Graph, scope: Scope, input: Payload) => Promise<Payload>;

export function runParallel(run: StateRun, state: ParallelState, runGraph: GraphRunner): Promise<Outcome> {
  return withRecovery(
    run,
    state,
    async () => {
      const input = state.arguments === undefined ? run.input : payloadOf(await run.evaluate(state.arguments));
      run.scope.emit("ParallelStateStarted");
      const outputs = await runAll(run.scope, state.branches.length, state.branches.length, {
        start: () => new Scope(run.scope.run, run.scope),
        work: (scope, index) => runGraph(branchAt(state.branches, index), scope, input),
        done: () => {},
        failed: () => {},
      });
      run.scope.emitAside("ParallelStateSucceeded", run.scope.lastEventId);
      const result = outputs.map((output) => output.value);
      return run.exit(state, payloadOf(result), state.next, { result });
    },
    () => giveUp(run, "ParallelStateFailed"),
  );
}

function branchAt(branches: readonly Graph[], index: number): Graph {
  const branch = branches[index];
  if (branch === undefined) throw new RangeError(`no branch ${index}`);
  return branch;
}

export function runMap(run: StateRun, state: MapState, runGraph: GraphRunner): Promise<Outcome> {
  return withRecovery(
    run,
    state,
    async () => {
      const items = await itemsOf(run, state);
      const concurrency = await concurrencyOf(run, state);
      const tolerant = await isTolerant(run, state);
      run.scope.emit("MapStateStarted", { length: items.length });
      const name = state.name;
      let lastIterationEvent = run.scope.lastEventId;
      const outputs = await runAll(run.scope, items.length, concurrency, {
        start(index) {
          const scope = new Scope(run.scope.run, run.scope, { mapName: name, index, value: items[index] });
          scope.emit("MapIterationStarted", { name, index });
          return scope;
        },
        async work(scope, index) {
          return runGraph(state.processor, scope, await itemInput(run, state, index, items[index]));
        },
        done(scope, index) {
          lastIterationEvent = scope.emitAside("MapIterationSucceeded", scope.lastEventId, { name, index });
        },
        failed(scope, index) {
          scope.emitAside("MapIterationFailed", scope.lastEventId, { name, index });
          if (tolerant) throw toleranceNotModelled(run);
        },
      });
      run.scope.emitAside("MapStateSucceeded", lastIterationEvent);
      if (items.length > 0) run.scope.lastEventId = lastIterationEvent;
      const result = outputs.map((output) => output.value);
      return run.exit(state, payloadOf(result), state.next, { result });
    },
    () => giveUp(run, "MapStateFailed"),
  );
}

function giveUp(run: StateRun, type: "MapStateFailed" | "ParallelStateFailed"): void {
  run.scope.emit(type);
  run.scope.openState = undefined;
}

/** What the lines of work of one state do at their turning points. */
interface Lines {
  start(index: number): Scope;
  work(scope: Scope, index: number): Promise<Payload>;
  done(scope: Scope, index: number): void;
  failed(scope: Scope, index: number): void;
}

/** Runs `total` lines, `concurrency` at a time. The first failure gives up all others. Answers the outputs in order. */
function runAll(parent: Scope, total: number, concurrency: number, lines: Lines): Promise<Payload[]> {
  const outputs: Payload[] = [];
  if (total === 0) return Promise.resolve(outputs);
  return parent.wait<Payload[]>((resolve, reject) => {
    let next = 0;
    let open = 0;
    let over = false;
    const fail = (scope: Scope, index: number, error: unknown): void => {
      if (over) return;
      over = true;
      reject(giveUpOthers(parent, scope, index, error, lines));
    };
    const begin = (scope: Scope, index: number): void => {
      open++;
      lines
        .work(scope, index)
        .then((output) => {
          if (over) return;
          outputs[index] = output;
          lines.done(scope, index);
          parent.lastEventId = scope.lastEventId;
          scope.close();
          open--;
          fill();
          if (open === 0) {
            over = true;
            resolve(outputs);
          }
        })
        .catch((error: unknown) => fail(scope, index, error));
    };
    const fill = (): void => {
      const started: [Scope, number][] = [];
      for (; open + started.length < concurrency && next < total; next++) started.push([lines.start(next), next]);
      for (const [scope, index] of started) begin(scope, index);
    };
    fill();
    return () => {
      over = true;
    };
  });
}

/** Records how the lines ended after one failed; answers the error the state ends with. */
function giveUpOthers(parent: Scope, scope: Scope, index: number, error: unknown, lines: Lines): unknown {
  parent.lastEventId = scope.lastEventId;
  if (!(error instanceof StateFailure)) {
    parent.dropChildren();
    return error;
  }
  try {
    // A fatal error ends the execution at once.
    if (!isFatal(error)) {
      lines.failed(scope, index);
      parent.abortChildren(scope, scope.lastEventId);
    }
    return error;
  } catch (fatal) {
    return fatal;
  }
}

async function itemsOf(run: StateRun, state: MapState): Promise<readonly unknown[]> {
  if (state.items !== undefined) {
    const isList = (value: unknown): value is unknown[] => Array.isArray(value);
    return run.evaluateAs(state.items, "Items", "array", isList);
  }
  const input = run.input.value;
  if (Array.isArray(input)) return input;
  throw new EvaluationFault(
    "Items",
    `The state has no Items, so its input must be an array, but was '${jsonType(input)}'.`,
  );
}

async function concurrencyOf(run: StateRun, state: MapState): Promise<number> {
  const wanted =
    state.maxConcurrency === undefined ? 0 : await run.evaluateCount(state.maxConcurrency, "MaxConcurrency", 0);
  return wanted === 0 ? MAX_INLINE_CONCURRENCY : Math.min(wanted, MAX_INLINE_CONCURRENCY);
}

/** Whether the definition tolerates any failed iteration. */
async function isTolerant(run: StateRun, state: MapState): Promise<boolean> {
  const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = state;
  const counted = count === undefined ? 0 : await run.evaluateCount(count, "ToleratedFailureCount", 0);
  const isPercentage = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 100;
  const location = "ToleratedFailurePercentage";
  const share = percentage === undefined ? 0 : await run.evaluateAs(percentage, location, "number", isPercentage);
  if (count !== undefined && percentage !== undefined && share > 0 && counted > 0) {
    throw wrongType(percentage, location, "nothing, as ToleratedFailureCount is given", share);
  }
  return counted > 0 || share > 0;
}

/** What AWS makes of a failed iteration of an inline Map with tolerance is not recorded anywhere; so it is not guessed. */
function toleranceNotModelled(run: StateRun): StateFailure {
  const what = "An iteration failed, and tolerated failures of an inline Map are not modelled by the embedded cloud.";
  return new StateFailure("States.Runtime", run.describe(what));
}

async function itemInput(run: StateRun, state: MapState, index: number, value: unknown): Promise<Payload> {
  if (state.itemSelector === undefined) return payloadOf(value);
  return payloadOf(await run.evaluate(state.itemSelector, { item: { index, value } }));
}
