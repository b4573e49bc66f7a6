/** The task states of a run, one function each: what they send, what they keep of the answer, and what they retry. */
import { Duration } from "aws-cdk-lib";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import type { Construct } from "constructs";
import { longestWaitMs } from "../run/claim.js";
import { ERROR_NAMES, TOOL_ATTEMPTS } from "../run/protocol.js";

export interface ToolTask {
  readonly name: string;
  readonly function: lambda.IFunction;
  /** of the function */
  readonly timeout: Duration;
}

/** Lambda could not run the function, or says so: doing it again is right for functions that repeat themselves. */
const SERVICE_ERRORS = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"];
/** The function's process died. */
const DIED = "Runtime.ExitError";
/** The function ended without an answer, or nobody waited for it: only for functions that may be asked again in any case. */
const CUT_OFF = ["Lambda.ClientExecutionTimeoutException", "Lambda.Unknown", "Sandbox.Timedout", DIED];
const THROTTLED = "Lambda.TooManyRequestsException";
/** Step Functions waits a little longer than the function may run, so that the function's own ending is what is seen. */
const TOOL_MARGIN = Duration.seconds(5);
/** And a claim is over a little later than that. */
const CLAIM_MARGIN = Duration.seconds(10);
const ZERO_HASH = "0".repeat(64);

/** `turn` of the state's input, as an expression */
export const input = (path: string) => `{% $states.input.${path} %}`;
const RUN_ID = "{% $states.context.Execution.Name %}";
const TENANT = "{% $states.context.Execution.Input.tenant %}";
const PAYLOAD = "{% $states.result.Payload %}";

/** What the gate is asked after people decided, or did not. */
export const DECIDED = {
  phase: "approval",
  turn: input("turn"),
  action: input("action"),
  rationale: input("rationale"),
  round: input("round"),
};

/** A `proposeAnswer` that says the proposer failed. The cause stays out: it may hold anything the agent's code put there. */
export function failedProposal(model: string) {
  return {
    phase: "proposal",
    turn: input("turn"),
    proposed: {
      proposal: {
        kind: "invalid",
        reason: "model-error",
        detail: "{% 'the proposer failed: ' & $substring($states.errorOutput.Error, 0, 200) %}",
      },
      model,
      prompt_tokens: 0,
      completion_tokens: 0,
      cost_micro_usd: 0,
      latency_ms: 0,
      context_hash: ZERO_HASH,
    },
  };
}

export function proposeAction(scope: Construct, propose: lambda.IFunction): tasks.LambdaInvoke {
  const state = tasks.LambdaInvoke.jsonata(scope, "ProposeAction", {
    lambdaFunction: propose,
    payload: sfn.TaskInput.fromObject({
      run_id: RUN_ID,
      tenant: TENANT,
      turn: input("turn"),
      last: "{% $exists($states.input.last) ? $states.input.last : null %}",
    }),
    outputs: { phase: "proposal", turn: input("turn"), proposed: PAYLOAD },
    retryOnServiceExceptions: false,
  });
  state.addRetry({
    errors: [...SERVICE_ERRORS, THROTTLED],
    interval: Duration.seconds(2),
    maxAttempts: 4,
    backoffRate: 2,
  });
  return state;
}

/** The gate repeats a step with the same result, so it may be asked again whenever it could not answer. */
export function decideAction(
  scope: Construct,
  decide: lambda.IFunction,
  tools: readonly ToolTask[],
): tasks.LambdaInvoke {
  const state = tasks.LambdaInvoke.jsonata(scope, "DecideAction", {
    lambdaFunction: decide,
    payload: sfn.TaskInput.fromText(
      "{% $merge([$states.input, {'run_id': $states.context.Execution.Name, 'tenant': $states.context.Execution.Input.tenant, 'execution_arn': $states.context.Execution.Id}]) %}",
    ),
    outputs: PAYLOAD,
    retryOnServiceExceptions: false,
  });
  state.addRetry({
    errors: [ERROR_NAMES.claimOpen],
    interval: Duration.seconds(CLAIM_PAUSES.firstSeconds),
    maxAttempts: claimAttempts(tools),
    backoffRate: CLAIM_PAUSES.rate,
    maxDelay: Duration.seconds(CLAIM_PAUSES.longestSeconds),
  });
  state.addRetry({
    errors: [ERROR_NAMES.conflict],
    interval: Duration.seconds(1),
    maxAttempts: 6,
    backoffRate: 2,
  });
  state.addRetry({
    errors: [ERROR_NAMES.unavailable, ...SERVICE_ERRORS, ...CUT_OFF, THROTTLED],
    interval: Duration.seconds(2),
    maxAttempts: 6,
    backoffRate: 2,
  });
  return state;
}

/** Growing pauses while a claim is open: short for a tool that ends soon, few for one that takes minutes. */
const CLAIM_PAUSES = { firstSeconds: 5, rate: 1.5, longestSeconds: 60 } as const;

/** As many as it takes to outlast the longest claim of these tools. */
function claimAttempts(tools: readonly ToolTask[]): number {
  // A function's own limit is longer than its tool's.
  const waitSeconds = Math.max(...tools.map(({ timeout }) => longestWaitMs(timeout.toMilliseconds()))) / 1000;
  const { firstSeconds, rate, longestSeconds } = CLAIM_PAUSES;
  let attempts = 0;
  for (let waited = 0; waited <= waitSeconds; attempts++)
    waited += Math.min(longestSeconds, firstSeconds * rate ** attempts);
  return attempts;
}

export function runTool(scope: Construct, tool: ToolTask): tasks.LambdaInvoke {
  const state = tasks.LambdaInvoke.jsonata(scope, `RunTool ${tool.name}`, {
    lambdaFunction: tool.function,
    payload: sfn.TaskInput.fromObject({
      run_id: RUN_ID,
      tenant: TENANT,
      turn: input("turn"),
      action: input("action"),
      permit_seq: input("permit_seq"),
    }),
    outputs: { turn: "{% $states.input.turn + 1 %}", last: PAYLOAD },
    taskTimeout: sfn.Timeout.duration(tool.timeout.plus(TOOL_MARGIN)),
    retryOnServiceExceptions: false,
  });
  state.addRetry({
    errors: [ERROR_NAMES.toolRetryable],
    interval: Duration.seconds(2),
    maxAttempts: TOOL_ATTEMPTS - 1,
    backoffRate: 3,
  });
  // Once its claim is over: whether it may act again, the tool's contract says.
  state.addRetry({ errors: [DIED], interval: tool.timeout.plus(CLAIM_MARGIN), maxAttempts: 1 });
  // Not a timeout, after which the effect may have happened: the gate settles that from the ledger.
  state.addRetry({
    errors: [...SERVICE_ERRORS, THROTTLED],
    interval: Duration.seconds(2),
    maxAttempts: 3,
    backoffRate: 2,
  });
  return state;
}

/** Whatever comes back, in time or not, the gate reads what people wrote down. */
export function awaitApproval(scope: Construct, requestApproval: lambda.IFunction): tasks.LambdaInvoke {
  const state = tasks.LambdaInvoke.jsonata(scope, "AwaitApproval", {
    lambdaFunction: requestApproval,
    integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    payload: sfn.TaskInput.fromObject({
      task_token: "{% $states.context.Task.Token %}",
      approval: input("approval"),
    }),
    outputs: { ...DECIDED, called_back: true },
    taskTimeout: sfn.Timeout.jsonata(input("wait_seconds")),
    retryOnServiceExceptions: false,
  });
  state.addRetry({
    errors: [...SERVICE_ERRORS, THROTTLED],
    interval: Duration.seconds(2),
    maxAttempts: 3,
    backoffRate: 2,
  });
  // Asking may be repeated. Without a pause gate and question would go round until the history is full, as long as no mail can be sent.
  state.addRetry({
    errors: [sfn.Errors.TASKS_FAILED],
    interval: Duration.seconds(5),
    maxAttempts: 6,
    backoffRate: 2,
  });
  return state;
}
