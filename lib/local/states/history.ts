/** The events of an execution, as `GetExecutionHistory` answers them. */
import * as z from "zod";

/** Which member of the wire's event carries the details; undefined for the types that have none. */
const DETAILS_MEMBER = {
  ExecutionStarted: "executionStartedEventDetails",
  ExecutionSucceeded: "executionSucceededEventDetails",
  ExecutionFailed: "executionFailedEventDetails",
  ExecutionAborted: "executionAbortedEventDetails",
  ExecutionTimedOut: "executionTimedOutEventDetails",
  TaskStateEntered: "stateEnteredEventDetails",
  PassStateEntered: "stateEnteredEventDetails",
  ChoiceStateEntered: "stateEnteredEventDetails",
  WaitStateEntered: "stateEnteredEventDetails",
  SucceedStateEntered: "stateEnteredEventDetails",
  FailStateEntered: "stateEnteredEventDetails",
  ParallelStateEntered: "stateEnteredEventDetails",
  MapStateEntered: "stateEnteredEventDetails",
  TaskStateExited: "stateExitedEventDetails",
  PassStateExited: "stateExitedEventDetails",
  ChoiceStateExited: "stateExitedEventDetails",
  WaitStateExited: "stateExitedEventDetails",
  SucceedStateExited: "stateExitedEventDetails",
  ParallelStateExited: "stateExitedEventDetails",
  MapStateExited: "stateExitedEventDetails",
  TaskScheduled: "taskScheduledEventDetails",
  TaskStarted: "taskStartedEventDetails",
  TaskSubmitted: "taskSubmittedEventDetails",
  TaskSucceeded: "taskSucceededEventDetails",
  TaskFailed: "taskFailedEventDetails",
  TaskTimedOut: "taskTimedOutEventDetails",
  TaskStateAborted: undefined,
  LambdaFunctionScheduled: "lambdaFunctionScheduledEventDetails",
  LambdaFunctionStarted: undefined,
  LambdaFunctionSucceeded: "lambdaFunctionSucceededEventDetails",
  LambdaFunctionFailed: "lambdaFunctionFailedEventDetails",
  LambdaFunctionTimedOut: "lambdaFunctionTimedOutEventDetails",
  WaitStateAborted: undefined,
  ParallelStateStarted: undefined,
  ParallelStateSucceeded: undefined,
  ParallelStateFailed: undefined,
  ParallelStateAborted: undefined,
  MapStateStarted: "mapStateStartedEventDetails",
  MapStateSucceeded: undefined,
  MapStateFailed: undefined,
  MapStateAborted: undefined,
  MapIterationStarted: "mapIterationStartedEventDetails",
  MapIterationSucceeded: "mapIterationSucceededEventDetails",
  MapIterationFailed: "mapIterationFailedEventDetails",
  MapIterationAborted: "mapIterationAbortedEventDetails",
  EvaluationFailed: "evaluationFailedEventDetails",
} as const;

export type EventType = keyof typeof DETAILS_MEMBER;

/** The members of all kinds of details. `input`, `output`, `parameters` and assigned values are JSON texts. */
const EventDetailsSchema = z.strictObject({
  name: z.string().exactOptional(),
  input: z.string().exactOptional(),
  output: z.string().exactOptional(),
  assignedVariables: z.record(z.string(), z.string()).exactOptional(),
  error: z.string().exactOptional(),
  cause: z.string().exactOptional(),
  state: z.string().exactOptional(),
  location: z.string().exactOptional(),
  resource: z.string().exactOptional(),
  resourceType: z.string().exactOptional(),
  region: z.string().exactOptional(),
  parameters: z.string().exactOptional(),
  timeoutInSeconds: z.number().exactOptional(),
  heartbeatInSeconds: z.number().exactOptional(),
  roleArn: z.string().exactOptional(),
  length: z.number().exactOptional(),
  index: z.number().exactOptional(),
});
export type EventDetails = Readonly<z.infer<typeof EventDetailsSchema>>;

const EventTypeSchema = z.custom<EventType>(
  (type) => typeof type === "string" && Object.hasOwn(DETAILS_MEMBER, type),
  "unknown event type",
);

/** One event, also as it is kept on disk. */
export const HistoryEventSchema = z.strictObject({
  id: z.int(),
  previousEventId: z.int(),
  timestampMs: z.number(),
  type: EventTypeSchema,
  details: EventDetailsSchema.exactOptional(),
});
export interface HistoryEvent {
  /** 1, 2, 3, … */
  readonly id: number;
  readonly previousEventId: number;
  readonly timestampMs: number;
  readonly type: EventType;
  readonly details?: EventDetails;
}

/** The event in the wire's shape: details in the member of its type, time in seconds. */
export function wireEvent(event: HistoryEvent, includeData: boolean): Record<string, unknown> {
  const { id, previousEventId, timestampMs, type, details } = event;
  const shape: Record<string, unknown> = { timestamp: timestampMs / 1000, type, id, previousEventId };
  const member = DETAILS_MEMBER[type];
  if (member !== undefined) shape[member] = wireDetails(details ?? {}, includeData);
  return shape;
}

const DATA_MEMBERS: readonly (keyof EventDetails)[] = ["input", "output", "parameters", "assignedVariables"];

function wireDetails(details: EventDetails, includeData: boolean): Record<string, unknown> {
  const members: Record<string, unknown> = { ...details };
  for (const name of DATA_MEMBERS) {
    if (details[name] === undefined) continue;
    if (!includeData) delete members[name];
    // AWS has no `parametersDetails`
    if (name !== "parameters") members[`${name}Details`] = { truncated: false };
  }
  return members;
}
