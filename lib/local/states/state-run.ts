/** One visit of a state: its entry and exit events, what its expressions see, and how its evaluation errors are told. */
import { EvaluationFault, errorOutput, StateFailure } from "./failure.js";
import type { EventType } from "./history.js";
import type { Assignments, Catcher, Produces, State } from "./machine.js";
import { type Payload, payloadOf, withinLimit } from "./payload.js";
import type { Scope } from "./scope.js";
import {
  type EvaluationScope,
  evaluateTemplate,
  type JsonType,
  jsonType,
  type Template,
  wrongType,
} from "./template.js";
import { type AssignedValues, variableJson } from "./variables.js";

/** Where a state leads. */
export interface Outcome {
  readonly output: Payload;
  /** undefined ends the branch or machine */
  readonly next: string | undefined;
}

/** What `$states` has in one field beyond `input` and `context`. */
export interface Extras {
  readonly result?: unknown;
  readonly errorOutput?: unknown;
  readonly token?: string | undefined;
  readonly item?: { readonly index: number; readonly value: unknown };
}
const NO_EXTRAS: Extras = {};

export class StateRun {
  retryCount = 0;
  private last: { extras: Extras; retryCount: number; scope: EvaluationScope } | undefined;
  private readonly enteredAfter: number;
  private readonly enteredId: number;
  private readonly enteredTime: string;

  constructor(
    readonly scope: Scope,
    readonly state: State,
    readonly input: Payload,
  ) {
    this.enteredAfter = scope.lastEventId;
    this.enteredTime = new Date(scope.run.seams.clock.now()).toISOString();
    scope.openState = state.type;
    this.enteredId = scope.emit(this.eventType("StateEntered"), { name: state.name, input: input.json });
  }

  /** Evaluates one field. Throws `EvaluationFault`. */
  evaluate(template: Template, extras: Extras = NO_EXTRAS): unknown {
    return evaluateTemplate(template, this.evaluationScope(extras));
  }

  /** Evaluates a field that must have this type. */
  async evaluateAs<T>(
    template: Template,
    location: string,
    type: JsonType,
    accept: (value: unknown) => value is T,
    extras: Extras = NO_EXTRAS,
  ): Promise<T> {
    const value = await this.evaluate(template, extras);
    if (jsonType(value) !== type || !accept(value)) throw wrongType(template, location, type, value);
    return value;
  }

  /** Evaluates a field of whole numbers from `min` on. */
  async evaluateCount(template: Template, location: string, min: number, extras: Extras = NO_EXTRAS): Promise<number> {
    const isCount = (value: unknown): value is number => typeof value === "number";
    const value = await this.evaluateAs(template, location, "number", isCount, extras);
    if (Number.isInteger(value) && value >= min) return value;
    throw new EvaluationFault(
      location,
      `The value ${value} of the field '${location}' must be an integer of at least ${min}.`,
    );
  }

  /** Leaves the state: its Output or `fallback`, its Assign, the exit event. */
  async exit(
    produces: Produces,
    fallback: Payload,
    next: string | undefined,
    extras: Extras = NO_EXTRAS,
  ): Promise<Outcome> {
    let output = fallback;
    if (produces.output !== undefined) {
      const value = this.evaluate(produces.output, extras);
      output = payloadOf(value instanceof Promise ? await value : value);
    }
    withinLimit(output, this.state.name);
    const assigned = produces.assign === undefined ? undefined : await this.evaluateAssign(produces.assign, extras);
    if (assigned !== undefined) this.scope.variables.assign(assigned);
    const { name } = this.state;
    this.scope.emit(
      this.eventType("StateExited"),
      assigned === undefined
        ? { name, output: output.json }
        : { name, output: output.json, assignedVariables: assigned.json },
    );
    this.scope.openState = undefined;
    return { output, next };
  }

  /** Leaves the state through a Catch. */
  exitByCatch(catcher: Catcher, failure: StateFailure): Promise<Outcome> {
    const caught = errorOutput(failure);
    return this.exit(catcher, payloadOf(caught), catcher.next, { errorOutput: caught });
  }

  /** What came of `work`; an evaluation error in it becomes an event and the state's `States.QueryEvaluationError`. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof EvaluationFault)) throw error;
      throw this.evaluationFailed(error);
    }
  }

  /** `An error occurred while executing the state …`, as AWS opens the causes of errors that it finds itself. */
  describe(what: string): string {
    return `An error occurred while executing the state '${this.state.name}' (entered at the event id #${this.enteredId}). ${what}`;
  }

  private evaluationFailed(fault: EvaluationFault): StateFailure {
    const { scope, state } = this;
    const cause = this.describe(fault.reason);
    const error = "States.QueryEvaluationError";
    // Recorded on AWS: an error on entering follows the event before the entry.
    if (scope.lastEventId === this.enteredId && !fault.afterEntry) scope.lastEventId = this.enteredAfter;
    scope.emit("EvaluationFailed", { state: state.name, location: fault.location, error, cause });
    return new StateFailure(error, cause);
  }

  private async evaluateAssign(assign: Assignments, extras: Extras): Promise<AssignedValues> {
    const values: [string, unknown][] = [];
    const json: [string, string][] = [];
    for (const [name, template] of assign) {
      const value = await this.evaluate(template, extras);
      values.push([name, value]);
      json.push([name, variableJson(name, value)]);
    }
    return { values: Object.fromEntries(values), json: Object.fromEntries(json) };
  }

  /** The scope of the last evaluation serves the next one with the same extras: most states have several fields. */
  private evaluationScope(extras: Extras): EvaluationScope {
    const { last } = this;
    if (last?.extras === extras && last.retryCount === this.retryCount) return last.scope;
    const scope = this.createEvaluationScope(extras);
    this.last = { extras, retryCount: this.retryCount, scope };
    return scope;
  }

  private createEvaluationScope(extras: Extras): EvaluationScope {
    const states: Record<string, unknown> = { input: this.input.value, context: this.context(extras) };
    if (extras.result !== undefined) states.result = extras.result;
    if (extras.errorOutput !== undefined) states.errorOutput = extras.errorOutput;
    return { bindings: { ...this.scope.variables.all(), states }, services: this.scope.run.services };
  }

  private context(extras: Extras): Record<string, unknown> {
    const { iteration, run } = this.scope;
    const context: Record<string, unknown> = {
      ...run.contextBase,
      State: { EnteredTime: this.enteredTime, Name: this.state.name, RetryCount: this.retryCount },
    };
    if (extras.token !== undefined) context.Task = { Token: extras.token };
    const item = extras.item ?? iteration;
    if (item !== undefined) context.Map = { Item: { Index: item.index, Value: item.value } };
    return context;
  }

  private eventType<S extends "StateEntered" | "StateExited">(suffix: S): EventType {
    // A Fail state never exits; nothing asks for that event.
    const { type } = this.state;
    return type === "Fail" ? "FailStateEntered" : `${type}${suffix}`;
  }
}
