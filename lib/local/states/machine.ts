/** A definition compiled for running: states by name, expressions parsed, defaults filled in. */
import {
  type CatcherDefinition,
  type Definition,
  LAMBDA_INVOKE,
  LAMBDA_INVOKE_WITH_TOKEN,
  type MachineDefinition,
  type RetrierDefinition,
  type StateDefinition,
  type StateGraph,
} from "./asl.js";
import { compileTemplate, type Template } from "./template.js";

export interface Graph {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}
export interface Machine extends Graph {
  readonly timeoutSeconds: number | undefined;
}

export type Assignments = readonly (readonly [string, Template])[];

/** What a state says about its result: `undefined` output passes the result (or input) on. */
export interface Produces {
  readonly output: Template | undefined;
  readonly assign: Assignments | undefined;
}
interface Common extends Produces {
  readonly name: string;
  /** undefined ends the graph */
  readonly next: string | undefined;
}
export interface Retrier {
  readonly errorEquals: readonly string[];
  readonly intervalSeconds: number;
  readonly maxAttempts: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number;
  readonly fullJitter: boolean;
}
export interface Catcher extends Produces {
  readonly errorEquals: readonly string[];
  readonly next: string;
}
export interface Recovers {
  readonly retry: readonly Retrier[];
  readonly catch: readonly Catcher[];
}

/** How a task reaches its function: through the Lambda integration, the same with a token, or by the function's ARN. */
export type Integration =
  | { readonly kind: "invoke" }
  | { readonly kind: "invoke-with-token" }
  | { readonly kind: "direct"; readonly functionArn: string };

export interface TaskState extends Common, Recovers {
  readonly type: "Task";
  readonly integration: Integration;
  readonly arguments: Template | undefined;
  readonly timeoutSeconds: Template | undefined;
  readonly heartbeatSeconds: Template | undefined;
}
export interface PassState extends Common {
  readonly type: "Pass";
}
export interface ChoiceRule extends Produces {
  readonly condition: Template;
  readonly next: string;
}
/** `next`, `output` and `assign` belong to the Default. */
export interface ChoiceState extends Common {
  readonly type: "Choice";
  readonly rules: readonly ChoiceRule[];
}
export interface WaitState extends Common {
  readonly type: "Wait";
  readonly seconds: Template | undefined;
  readonly timestamp: Template | undefined;
}
export interface SucceedState extends Common {
  readonly type: "Succeed";
}
export interface FailState extends Common {
  readonly type: "Fail";
  readonly error: Template | undefined;
  readonly cause: Template | undefined;
}
export interface ParallelState extends Common, Recovers {
  readonly type: "Parallel";
  readonly arguments: Template | undefined;
  readonly branches: readonly Graph[];
}
export interface MapState extends Common, Recovers {
  readonly type: "Map";
  readonly items: Template | undefined;
  readonly itemSelector: Template | undefined;
  readonly maxConcurrency: Template | undefined;
  readonly toleratedFailureCount: Template | undefined;
  readonly toleratedFailurePercentage: Template | undefined;
  readonly processor: Graph;
}
export type State =
  | TaskState
  | PassState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | ParallelState
  | MapState;

/** Compiles a checked definition. */
export function compileMachine(definition: MachineDefinition): Machine {
  return { ...compileGraph(definition), timeoutSeconds: definition.TimeoutSeconds };
}

function compileGraph(graph: StateGraph): Graph {
  const states = new Map(Object.entries(graph.States).map(([name, state]) => [name, compileState(name, state)]));
  return { startAt: graph.StartAt, states };
}

function compileState(name: string, state: StateDefinition): State {
  const produced = state.Type === "Fail" ? produces({}, "") : produces(state, "");
  const common = { name, next: "Next" in state ? state.Next : undefined, ...produced };
  switch (state.Type) {
    case "Task":
      return { type: "Task", ...common, ...recovers(state), ...taskParts(state) };
    case "Pass":
      return { type: "Pass", ...common };
    case "Choice":
      return { type: "Choice", ...common, next: state.Default, rules: state.Choices.map(compileRule) };
    case "Wait":
      return {
        type: "Wait",
        ...common,
        seconds: optional(state.Seconds, "Seconds"),
        timestamp: optional(state.Timestamp, "Timestamp"),
      };
    case "Succeed":
      return { type: "Succeed", ...common };
    case "Fail":
      return { type: "Fail", ...common, error: optional(state.Error, "Error"), cause: optional(state.Cause, "Cause") };
    case "Parallel":
      return {
        type: "Parallel",
        ...common,
        ...recovers(state),
        arguments: optional(state.Arguments, "Arguments"),
        branches: state.Branches.map(compileGraph),
      };
    case "Map":
      return { type: "Map", ...common, ...recovers(state), ...mapParts(state) };
  }
}

function taskParts(state: Definition<"Task">) {
  return {
    integration: integrationOf(state.Resource),
    arguments: optional(state.Arguments, "Arguments"),
    timeoutSeconds: optional(state.TimeoutSeconds, "TimeoutSeconds"),
    heartbeatSeconds: optional(state.HeartbeatSeconds, "HeartbeatSeconds"),
  };
}

function mapParts(state: Definition<"Map">) {
  return {
    items: optional(state.Items, "Items"),
    itemSelector: optional(state.ItemSelector, "ItemSelector"),
    maxConcurrency: optional(state.MaxConcurrency, "MaxConcurrency"),
    toleratedFailureCount: optional(state.ToleratedFailureCount, "ToleratedFailureCount"),
    toleratedFailurePercentage: optional(state.ToleratedFailurePercentage, "ToleratedFailurePercentage"),
    processor: compileGraph(state.ItemProcessor),
  };
}

function integrationOf(resource: string): Integration {
  if (resource === LAMBDA_INVOKE) return { kind: "invoke" };
  if (resource === LAMBDA_INVOKE_WITH_TOKEN) return { kind: "invoke-with-token" };
  return { kind: "direct", functionArn: resource };
}

function compileRule(rule: Definition<"Choice">["Choices"][number], index: number): ChoiceRule {
  const at = `Choices[${index}]`;
  return {
    condition: compileTemplate(rule.Condition, `${at}/Condition`),
    next: rule.Next,
    ...produces(rule, `${at}/`),
  };
}

function recovers(state: {
  readonly Retry?: readonly RetrierDefinition[] | undefined;
  readonly Catch?: readonly CatcherDefinition[] | undefined;
}): Recovers {
  return {
    retry: (state.Retry ?? []).map((retrier) => ({
      errorEquals: retrier.ErrorEquals,
      intervalSeconds: retrier.IntervalSeconds ?? 1,
      maxAttempts: retrier.MaxAttempts ?? 3,
      backoffRate: retrier.BackoffRate ?? 2,
      maxDelaySeconds: retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
      fullJitter: retrier.JitterStrategy === "FULL",
    })),
    catch: (state.Catch ?? []).map((catcher, index) => ({
      errorEquals: catcher.ErrorEquals,
      next: catcher.Next,
      ...produces(catcher, `Catch[${index}]/`),
    })),
  };
}

function produces(
  from: { readonly Output?: unknown; readonly Assign?: Readonly<Record<string, unknown>> | undefined },
  prefix: string,
): Produces {
  const assign = from.Assign;
  return {
    output: optional(from.Output, `${prefix}Output`),
    assign:
      assign === undefined
        ? undefined
        : Object.entries(assign).map(([name, value]) => [name, compileTemplate(value, `${prefix}Assign/${name}`)]),
  };
}

function optional(value: unknown, location: string): Template | undefined {
  return value === undefined ? undefined : compileTemplate(value, location);
}
