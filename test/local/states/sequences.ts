/**
 * JSONata machines with the event sequences that AWS recorded for JSONPath machines: there are no JSONata recordings of
 * task tokens, timeouts, heartbeats and retries. A queue or topic of a recording is a function here: the events are the same.
 */
import { FunctionError } from "../../../lib/local/types.js";
import { FUNCTION, invoke, machine, type TestFunction, waitForToken } from "./support.js";

type Signal =
  | { readonly kind: "success"; readonly outputJson: string }
  | { readonly kind: "failure"; readonly error: string | undefined; readonly cause: string | undefined }
  | { readonly kind: "heartbeat" };

export interface SequenceCase {
  /** the file of `shared/data/sfn-jsonpath` that has this sequence */
  readonly recording: string;
  readonly what: string;
  readonly definition: unknown;
  readonly work?: TestFunction;
  /** what is sent, in order, once the task has been submitted */
  readonly signals?: readonly Signal[];
  readonly ends: { readonly status: string; readonly error?: string };
  /** index ranges in which iterations ran at the same time */
  readonly interleaved?: readonly [number, number][];
  /** in the notation of `lineOf` */
  readonly events: readonly string[];
}

const end = { Type: "Pass", End: true };
const failing = { Type: "Fail", Error: "HandleItemFailError", Cause: "HandleItemFailCause" };
const CONTEXT = { context: "{% $states.context %}", state: "{% $states.input %}" };
const HEARTBEAT: Signal = { kind: "heartbeat" };
const success = (output: unknown): Signal => ({ kind: "success", outputJson: JSON.stringify(output) });
const failure = (error?: string, cause?: string): Signal => ({ kind: "failure", error, cause });
const caught = (error: string, next: string) => ({ ErrorEquals: [error], Next: next });

const echo: TestFunction = (payload) => payload;
const never: TestFunction = () => new Promise(() => {});
const raise: TestFunction = () => {
  throw new FunctionError("Exception", "Some exception was raised.", '{"errorMessage":"Some exception was raised."}');
};

type Step = (more?: Record<string, unknown>) => Record<string, unknown>;
const direct: Step = (more = {}) => ({ Type: "Task", Resource: FUNCTION, ...more });

function retriedThenCaught(step: Step, given?: unknown): unknown {
  const Retry = [{ ErrorEquals: ["States.ALL"], MaxAttempts: 3 }];
  const Catch = [caught("States.ALL", "HandleError")];
  const argument = given === undefined ? {} : { Arguments: given };
  return machine({ InvokeLambdaWithRetry: step({ ...argument, Retry, Catch, End: true }), HandleError: end });
}

function mapOf(item: unknown, more: Record<string, unknown>, after: Record<string, unknown>): unknown {
  const ItemProcessor = { StartAt: "HandleItemFail", States: { HandleItemFail: item } };
  return machine({
    StartState: { Type: "Pass", Output: { arr: [1] }, Next: "MapState" },
    MapState: { Type: "Map", Items: "{% $states.input.arr %}", MaxConcurrency: 1, ItemProcessor, ...more },
    ...after,
  });
}

function caughtByRelevance(step: Step): unknown {
  const Catch = [
    caught("Lambda.Unknown", "EndWithLambdaUnknownHandler"),
    caught("States.TaskFailed", "EndWithStateTaskFailedHandler"),
    caught("States.ALL", "EndWithAllHandler"),
  ];
  return machine({
    Start: step({ Catch, Next: "EndWithFinal" }),
    EndWithLambdaUnknownHandler: end,
    EndWithStateTaskFailedHandler: end,
    EndWithAllHandler: end,
    EndWithFinal: end,
  });
}

const caughtByAnother = (step: Step): unknown =>
  machine({
    Start: step({ Catch: [caught("Lambda.Unknown", "EndWithHandler")], Next: "EndWithFinal" }),
    EndWithHandler: end,
    EndWithFinal: end,
  });

const correctedByLoop = machine({
  SetupInitialCondition: { Type: "Pass", Output: { status: "incomplete" }, Next: "TaskStateCatchRetry" },
  TaskStateCatchRetry: direct({
    Retry: [{ ErrorEquals: ["States.ALL"], IntervalSeconds: 3, MaxAttempts: 1, BackoffRate: 1 }],
    Catch: [caught("States.TaskFailed", "FailState")],
    Next: "IsComplete",
  }),
  IsComplete: {
    Type: "Choice",
    Choices: [{ Condition: '{% $states.input.status = "complete" %}', Next: "SuccessState" }],
    Default: "WaitState",
  },
  WaitState: { Type: "Wait", Seconds: 5, Next: "CorrectCondition" },
  CorrectCondition: { Type: "Pass", Output: { status: "complete" }, Next: "TaskStateCatchRetry" },
  SuccessState: { Type: "Succeed" },
  FailState: { Type: "Fail", Error: "TaskFailed", Cause: "The Lambda function task failed." },
});

export const SEQUENCES: readonly SequenceCase[] = [
  {
    recording: "TestBaseScenarios-test-catch-empty.335a2f6d.json",
    what: "an empty list of catchers",
    definition: machine({ StartTask: direct({ Catch: [], Next: "Final" }), Final: end }),
    work: echo,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @StartTask",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionSucceeded  5<4",
      "TaskStateExited  6<5  @StartTask",
      "PassStateEntered  7<6  @Final",
      "PassStateExited  8<7  @Final",
      "ExecutionSucceeded  9<8",
    ],
  },
  {
    recording: "TestBaseScenarios-test-lambda-empty-retry.52c8f4a6.json",
    what: "an empty list of retriers",
    definition: machine({ LambdaTask: direct({ Retry: [], End: true }) }),
    work: raise,
    ends: { status: "FAILED", error: "Exception" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @LambdaTask",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionFailed  5<4  !Exception",
      "ExecutionFailed  6<5  !Exception",
    ],
  },
  {
    recording: "TestBaseScenarios-test-lambda-invoke-with-retry-base.2be260ba.json",
    what: "a function that is retried and then caught",
    definition: retriedThenCaught(direct),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @InvokeLambdaWithRetry",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionFailed  5<4  !Exception",
      "LambdaFunctionScheduled  6<5",
      "LambdaFunctionStarted  7<6",
      "LambdaFunctionFailed  8<7  !Exception",
      "LambdaFunctionScheduled  9<8",
      "LambdaFunctionStarted  10<9",
      "LambdaFunctionFailed  11<10  !Exception",
      "LambdaFunctionScheduled  12<11",
      "LambdaFunctionStarted  13<12",
      "LambdaFunctionFailed  14<13  !Exception",
      "TaskStateExited  15<14  @InvokeLambdaWithRetry",
      "PassStateEntered  16<15  @HandleError",
      "PassStateExited  17<16  @HandleError",
      "ExecutionSucceeded  18<17",
    ],
  },
  {
    recording: "TestBaseScenarios-test-lambda-invoke-with-retry-extended-input.44c4883c.json",
    what: "a function that is retried with the context as its input",
    definition: retriedThenCaught(direct, CONTEXT),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @InvokeLambdaWithRetry",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionFailed  5<4  !Exception",
      "LambdaFunctionScheduled  6<5",
      "LambdaFunctionStarted  7<6",
      "LambdaFunctionFailed  8<7  !Exception",
      "LambdaFunctionScheduled  9<8",
      "LambdaFunctionStarted  10<9",
      "LambdaFunctionFailed  11<10  !Exception",
      "LambdaFunctionScheduled  12<11",
      "LambdaFunctionStarted  13<12",
      "LambdaFunctionFailed  14<13  !Exception",
      "TaskStateExited  15<14  @InvokeLambdaWithRetry",
      "PassStateEntered  16<15  @HandleError",
      "PassStateExited  17<16  @HandleError",
      "ExecutionSucceeded  18<17",
    ],
  },
  {
    recording: "TestBaseScenarios-test-lambda-service-invoke-with-retry-extended-input.78c0329c.json",
    what: "an integration that is retried and then caught",
    definition: retriedThenCaught(invoke, { FunctionName: FUNCTION, Payload: CONTEXT }),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @InvokeLambdaWithRetry",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskFailed  5<4  !Exception",
      "TaskScheduled  6<5",
      "TaskStarted  7<6",
      "TaskFailed  8<7  !Exception",
      "TaskScheduled  9<8",
      "TaskStarted  10<9",
      "TaskFailed  11<10  !Exception",
      "TaskScheduled  12<11",
      "TaskStarted  13<12",
      "TaskFailed  14<13  !Exception",
      "TaskStateExited  15<14  @InvokeLambdaWithRetry",
      "PassStateEntered  16<15  @HandleError",
      "PassStateExited  17<16  @HandleError",
      "ExecutionSucceeded  18<17",
    ],
  },
  {
    recording: "TestBaseScenarios-test-map-state-catch-empty-fail.000e2298.json",
    what: "a map whose item fails without a name for it",
    definition: mapOf(
      { Type: "Fail" },
      {
        Catch: [caught("Internal Error", "CaughtInternalError"), caught("State.ALL", "CaughtStatesALL")],
        Next: "CaughtNone",
      },
      { CaughtInternalError: end, CaughtStatesALL: end, CaughtNone: end },
    ),
    ends: { status: "FAILED" },
    events: [
      "ExecutionStarted  1<0",
      "PassStateEntered  2<0  @StartState",
      "PassStateExited  3<2  @StartState",
      "MapStateEntered  4<3  @MapState",
      "MapStateStarted  5<4  length=1",
      "MapIterationStarted  6<5  @MapState  #0",
      "FailStateEntered  7<6  @HandleItemFail",
      "MapIterationFailed  8<7  @MapState  #0",
      "MapStateFailed  9<7",
      "ExecutionFailed  10<9",
    ],
  },
  {
    recording: "TestBaseScenarios-test-map-state-retry-legacy.7bf8fc42.json",
    what: "a map that is retried, as it was written before ItemProcessor",
    definition: mapOf(
      failing,
      { Retry: [{ ErrorEquals: ["HandleItemFailError"], MaxAttempts: 2 }], Next: "Final" },
      { Final: end },
    ),
    ends: { status: "FAILED", error: "HandleItemFailError" },
    events: [
      "ExecutionStarted  1<0",
      "PassStateEntered  2<0  @StartState",
      "PassStateExited  3<2  @StartState",
      "MapStateEntered  4<3  @MapState",
      "MapStateStarted  5<4  length=1",
      "MapIterationStarted  6<5  @MapState  #0",
      "FailStateEntered  7<6  @HandleItemFail",
      "MapIterationFailed  8<7  @MapState  #0",
      "MapStateStarted  9<7  length=1",
      "MapIterationStarted  10<9  @MapState  #0",
      "FailStateEntered  11<10  @HandleItemFail",
      "MapIterationFailed  12<11  @MapState  #0",
      "MapStateStarted  13<11  length=1",
      "MapIterationStarted  14<13  @MapState  #0",
      "FailStateEntered  15<14  @HandleItemFail",
      "MapIterationFailed  16<15  @MapState  #0",
      "MapStateFailed  17<15",
      "ExecutionFailed  18<17  !HandleItemFailError",
    ],
  },
  {
    recording: "TestBaseScenarios-test-map-state-retry-multiple-retriers.3fffb10d.json",
    what: "a map with several retriers: the one that names the error counts",
    definition: mapOf(
      failing,
      {
        Retry: [
          { ErrorEquals: ["NoSuchError"], MaxAttempts: 1 },
          { ErrorEquals: ["State.ALL"], MaxAttempts: 2 },
          { ErrorEquals: ["HandleItemFailError"], MaxAttempts: 3 },
        ],
        Next: "Final",
      },
      { Final: end },
    ),
    ends: { status: "FAILED", error: "HandleItemFailError" },
    events: [
      "ExecutionStarted  1<0",
      "PassStateEntered  2<0  @StartState",
      "PassStateExited  3<2  @StartState",
      "MapStateEntered  4<3  @MapState",
      "MapStateStarted  5<4  length=1",
      "MapIterationStarted  6<5  @MapState  #0",
      "FailStateEntered  7<6  @HandleItemFail",
      "MapIterationFailed  8<7  @MapState  #0",
      "MapStateStarted  9<7  length=1",
      "MapIterationStarted  10<9  @MapState  #0",
      "FailStateEntered  11<10  @HandleItemFail",
      "MapIterationFailed  12<11  @MapState  #0",
      "MapStateStarted  13<11  length=1",
      "MapIterationStarted  14<13  @MapState  #0",
      "FailStateEntered  15<14  @HandleItemFail",
      "MapIterationFailed  16<15  @MapState  #0",
      "MapStateStarted  17<15  length=1",
      "MapIterationStarted  18<17  @MapState  #0",
      "FailStateEntered  19<18  @HandleItemFail",
      "MapIterationFailed  20<19  @MapState  #0",
      "MapStateFailed  21<19",
      "ExecutionFailed  22<21  !HandleItemFailError",
    ],
  },
  {
    recording: "TestBaseScenarios-test-map-state-retry.5c1a9dba.json",
    what: "a map that is retried",
    definition: mapOf(
      failing,
      { Retry: [{ ErrorEquals: ["HandleItemFailError"], MaxAttempts: 2 }], Next: "Final" },
      { Final: end },
    ),
    ends: { status: "FAILED", error: "HandleItemFailError" },
    events: [
      "ExecutionStarted  1<0",
      "PassStateEntered  2<0  @StartState",
      "PassStateExited  3<2  @StartState",
      "MapStateEntered  4<3  @MapState",
      "MapStateStarted  5<4  length=1",
      "MapIterationStarted  6<5  @MapState  #0",
      "FailStateEntered  7<6  @HandleItemFail",
      "MapIterationFailed  8<7  @MapState  #0",
      "MapStateStarted  9<7  length=1",
      "MapIterationStarted  10<9  @MapState  #0",
      "FailStateEntered  11<10  @HandleItemFail",
      "MapIterationFailed  12<11  @MapState  #0",
      "MapStateStarted  13<11  length=1",
      "MapIterationStarted  14<13  @MapState  #0",
      "FailStateEntered  15<14  @HandleItemFail",
      "MapIterationFailed  16<15  @MapState  #0",
      "MapStateFailed  17<15",
      "ExecutionFailed  18<17  !HandleItemFailError",
    ],
  },
  {
    recording: "TestCallback-test-sns-publish-wait-for-task-token.50690374.json",
    what: "a token that is answered with success",
    definition: machine({ Publish: waitForToken({ End: true }) }),
    signals: [success({})],
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @Publish",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskSubmitted  5<4",
      "TaskSucceeded  6<5",
      "TaskStateExited  7<6  @Publish",
      "ExecutionSucceeded  8<7",
    ],
  },
  {
    recording:
      "TestCallback-test-sqs-failure-in-wait-for-task-tok-no-error-field-SQS-WAIT-FOR-TASK-TOKEN-.1812c541.json",
    what: "a token that is answered with a failure without fields",
    definition: machine({
      SendMessageWithWait: waitForToken({
        Catch: [caught("States.Runtime", "CaughtRuntimeError"), caught("States.ALL", "CaughtStatesALL")],
        End: true,
      }),
      CaughtRuntimeError: end,
      CaughtStatesALL: end,
    }),
    signals: [failure()],
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @SendMessageWithWait",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskSubmitted  5<4",
      "TaskFailed  6<5",
      "TaskStateExited  7<6  @SendMessageWithWait",
      "PassStateEntered  8<7  @CaughtStatesALL",
      "PassStateExited  9<8  @CaughtStatesALL",
      "ExecutionSucceeded  10<9",
    ],
  },
  {
    recording: "TestCallback-test-sqs-failure-in-wait-for-task-token.4f9b5bd3.json",
    what: "a token that is answered with a failure",
    definition: machine({ SendMessageWithWait: waitForToken({ End: true }) }),
    signals: [failure("Failure error", "Failure cause")],
    ends: { status: "FAILED", error: "Failure error" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @SendMessageWithWait",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskSubmitted  5<4",
      "TaskFailed  6<5  !Failure error",
      "ExecutionFailed  7<6  !Failure error",
    ],
  },
  {
    recording: "TestCallback-test-sqs-wait-for-task-tok-with-heartbeat.437d7eea.json",
    what: "a token with a heartbeat that is sent",
    definition: machine({
      SendMessageWithWait: waitForToken({ TimeoutSeconds: 600, HeartbeatSeconds: 60, End: true }),
    }),
    signals: [HEARTBEAT, success("test_message_txt")],
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @SendMessageWithWait",
      "TaskScheduled  3<2  timeout=600  heartbeat=60",
      "TaskStarted  4<3",
      "TaskSubmitted  5<4",
      "TaskSucceeded  6<5",
      "TaskStateExited  7<6  @SendMessageWithWait",
      "ExecutionSucceeded  8<7",
    ],
  },
  {
    recording: "TestComments-test-comments-as-per-docs.288a27d4.json",
    what: "a loop that corrects its condition",
    definition: correctedByLoop,
    work: echo,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "PassStateEntered  2<0  @SetupInitialCondition",
      "PassStateExited  3<2  @SetupInitialCondition",
      "TaskStateEntered  4<3  @TaskStateCatchRetry",
      "LambdaFunctionScheduled  5<4",
      "LambdaFunctionStarted  6<5",
      "LambdaFunctionSucceeded  7<6",
      "TaskStateExited  8<7  @TaskStateCatchRetry",
      "ChoiceStateEntered  9<8  @IsComplete",
      "ChoiceStateExited  10<9  @IsComplete",
      "WaitStateEntered  11<10  @WaitState",
      "WaitStateExited  12<11  @WaitState",
      "PassStateEntered  13<12  @CorrectCondition",
      "PassStateExited  14<13  @CorrectCondition",
      "TaskStateEntered  15<14  @TaskStateCatchRetry",
      "LambdaFunctionScheduled  16<15",
      "LambdaFunctionStarted  17<16",
      "LambdaFunctionSucceeded  18<17",
      "TaskStateExited  19<18  @TaskStateCatchRetry",
      "ChoiceStateEntered  20<19  @IsComplete",
      "ChoiceStateExited  21<20  @IsComplete",
      "SucceedStateEntered  22<21  @SuccessState",
      "SucceedStateExited  23<22  @SuccessState",
      "ExecutionSucceeded  24<23",
    ],
  },
  {
    recording: "TestHeartbeats-test-heartbeat-no-timeout.6fcce52c.json",
    what: "a heartbeat that runs out",
    definition: machine({ SendMessageWithWait: waitForToken({ HeartbeatSeconds: 5, End: true }) }),
    ends: { status: "FAILED", error: "States.Timeout" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @SendMessageWithWait",
      "TaskScheduled  3<2  heartbeat=5",
      "TaskStarted  4<3",
      "TaskSubmitted  5<4",
      "TaskTimedOut  6<5  !States.Timeout",
      "ExecutionFailed  7<6  !States.Timeout",
    ],
  },
  {
    recording: "TestTaskLambda-test-no-such-function-catch.7a67a589.json",
    what: "a direct call that raises, caught as a failed task",
    definition: caughtByRelevance(direct),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @Start",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionFailed  5<4  !Exception",
      "TaskStateExited  6<5  @Start",
      "PassStateEntered  7<6  @EndWithStateTaskFailedHandler",
      "PassStateExited  8<7  @EndWithStateTaskFailedHandler",
      "ExecutionSucceeded  9<8",
    ],
  },
  {
    recording: "TestTaskLambda-test-raise-exception-catch.208fb6ed.json",
    what: "the same again",
    definition: caughtByRelevance(direct),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @Start",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionFailed  5<4  !Exception",
      "TaskStateExited  6<5  @Start",
      "PassStateEntered  7<6  @EndWithStateTaskFailedHandler",
      "PassStateExited  8<7  @EndWithStateTaskFailedHandler",
      "ExecutionSucceeded  9<8",
    ],
  },
  {
    recording: "TestTaskLambda-test-raise-exception.1ccf18f1.json",
    what: "a direct call that raises what no catcher names",
    definition: caughtByAnother(direct),
    work: raise,
    ends: { status: "FAILED", error: "Exception" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @Start",
      "LambdaFunctionScheduled  3<2",
      "LambdaFunctionStarted  4<3",
      "LambdaFunctionFailed  5<4  !Exception",
      "ExecutionFailed  6<5  !Exception",
    ],
  },
  {
    recording: "TestTaskServiceLambda-test-raise-exception-catch-output-path-None.56f8a098.json",
    what: "an integration that raises, caught by States.ALL",
    definition: machine({
      InvokeLambda: invoke({ Catch: [caught("States.ALL", "HandleGeneralError")], Next: "ProcessResult" }),
      ProcessResult: end,
      HandleGeneralError: { Type: "Pass", Output: { InputValue: "{% $states.input %}" }, End: true },
    }),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @InvokeLambda",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskFailed  5<4  !Exception",
      "TaskStateExited  6<5  @InvokeLambda",
      "PassStateEntered  7<6  @HandleGeneralError",
      "PassStateExited  8<7  @HandleGeneralError",
      "ExecutionSucceeded  9<8",
    ],
  },
  {
    recording: "TestTaskServiceLambda-test-raise-exception-catch.2dfdd225.json",
    what: "an integration that raises, caught as a failed task",
    definition: caughtByRelevance(invoke),
    work: raise,
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @Start",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskFailed  5<4  !Exception",
      "TaskStateExited  6<5  @Start",
      "PassStateEntered  7<6  @EndWithStateTaskFailedHandler",
      "PassStateExited  8<7  @EndWithStateTaskFailedHandler",
      "ExecutionSucceeded  9<8",
    ],
  },
  {
    recording: "TestTaskServiceLambda-test-raise-exception.0899a6f5.json",
    what: "an integration that raises what no catcher names",
    definition: caughtByAnother(invoke),
    work: raise,
    ends: { status: "FAILED", error: "Exception" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @Start",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskFailed  5<4  !Exception",
      "ExecutionFailed  6<5  !Exception",
    ],
  },
  {
    recording: "TestTaskServiceSqs-test-sqs-failure-in-wait-for-task-tok.47c3cf14.json",
    what: "a token's failure that is caught by its name",
    definition: machine({
      SendMessageWithWait: waitForToken({ Catch: [caught("Failure error", "EndWithCaught")], Next: "EndWithFinal" }),
      EndWithCaught: end,
      EndWithFinal: end,
    }),
    signals: [failure("Failure error", "Failure cause")],
    ends: { status: "SUCCEEDED" },
    events: [
      "ExecutionStarted  1<0",
      "TaskStateEntered  2<0  @SendMessageWithWait",
      "TaskScheduled  3<2",
      "TaskStarted  4<3",
      "TaskSubmitted  5<4",
      "TaskFailed  6<5  !Failure error",
      "TaskStateExited  7<6  @SendMessageWithWait",
      "PassStateEntered  8<7  @EndWithCaught",
      "PassStateExited  9<8  @EndWithCaught",
      "ExecutionSucceeded  10<9",
    ],
  },
  {
    recording: "TestTimeouts-test-service-lambda-map-timeout.773233ae.json",
    what: "tasks of a map that time out together",
    definition: machine({
      MapWait: {
        Type: "Map",
        Items: [0, 1, 2, 3],
        ItemProcessor: { StartAt: "LambdaInvoke", States: { LambdaInvoke: invoke({ TimeoutSeconds: 5, End: true }) } },
        End: true,
      },
    }),
    work: never,
    ends: { status: "FAILED", error: "States.Timeout" },
    interleaved: [[2, 32]],
    events: [
      "ExecutionStarted  1<0",
      "MapStateEntered  2<0  @MapWait",
      "MapStateStarted  3<2  length=4",
      "MapIterationStarted  4<3  @MapWait  #0",
      "MapIterationStarted  5<3  @MapWait  #1",
      "MapIterationStarted  6<3  @MapWait  #2",
      "MapIterationStarted  7<3  @MapWait  #3",
      "TaskStateEntered  8<4  @LambdaInvoke",
      "TaskScheduled  9<8  timeout=5",
      "TaskStateEntered  10<5  @LambdaInvoke",
      "TaskScheduled  11<10  timeout=5",
      "TaskStateEntered  12<6  @LambdaInvoke",
      "TaskScheduled  13<12  timeout=5",
      "TaskStateEntered  14<7  @LambdaInvoke",
      "TaskScheduled  15<14  timeout=5",
      "TaskStarted  16<9",
      "TaskStarted  17<11",
      "TaskStarted  18<13",
      "TaskStarted  19<15",
      "TaskTimedOut  20<16  !States.Timeout",
      "TaskTimedOut  21<18  !States.Timeout",
      "TaskTimedOut  22<17  !States.Timeout",
      "TaskTimedOut  23<19  !States.Timeout",
      "MapIterationFailed  24<20  @MapWait  #0",
      "TaskStateAborted  25<20",
      "MapIterationAborted  26<20  @MapWait  #1",
      "TaskStateAborted  27<20",
      "MapIterationAborted  28<20  @MapWait  #2",
      "TaskStateAborted  29<20",
      "MapIterationAborted  30<20  @MapWait  #3",
      "TaskStateAborted  31<20",
      "MapStateFailed  32<20",
      "ExecutionFailed  33<32  !States.Timeout",
    ],
  },
];
