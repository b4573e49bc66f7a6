/**
 * The state machine of a workflow, in JSONata. Every state's input is exactly what the next function is asked, less what the
 * execution itself knows (run id, tenant, ARN), which is always taken from the execution:
 *
 *   ProposeAction  { turn, last? }
 *   DecideAction   { phase: "proposal", turn, proposed } | { phase: "approval", turn, action, rationale } | { phase: "outcome", turn }
 *   RouteDecision  a decideAnswer; so are the inputs of RunTool, AwaitApproval and RunClosed
 */
import { Duration } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import { Construct } from "constructs";
import { ERROR_NAMES } from "../run/protocol.js";
import { acknowledge, acknowledgeGuard } from "./findings.js";
import { rolePath } from "./names.js";
import { permit } from "./permissions.js";

export interface RunMachineProps {
  readonly stage: string;
  readonly stateMachineName: string;
  readonly purpose: string;
  /** what the log calls the proposer when it fails before it can say so itself */
  readonly model: string;
  readonly propose: lambda.IFunction;
  readonly decide: lambda.IFunction;
  readonly requestApproval: lambda.IFunction;
  readonly tools: readonly { readonly name: string; readonly function: lambda.IFunction; readonly timeout: Duration }[];
  /** the whole run, waiting included */
  readonly runTime: Duration;
}

/** Lambda could not run the function, or says so: doing it again is right for functions that repeat themselves. */
const SERVICE_ERRORS = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"];
/** The function ended without an answer, or nobody waited for it: only for functions that may be asked again in any case. */
const CUT_OFF = ["Lambda.ClientExecutionTimeoutException", "Lambda.Unknown", "Sandbox.Timedout"];
const THROTTLED = "Lambda.TooManyRequestsException";
/** Step Functions waits a little longer than the function may run, so that the function's own ending is what is seen. */
const TOOL_MARGIN = Duration.seconds(5);
const ZERO_HASH = "0".repeat(64);

const input = (path: string) => `{% $states.input.${path} %}`;
const RUN_ID = "{% $states.context.Execution.Name %}";
const TENANT = "{% $states.context.Execution.Input.tenant %}";
const PAYLOAD = "{% $states.result.Payload %}";

export class RunMachine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: RunMachineProps) {
    super(scope, id);
    const role = this.createRole(props);
    this.stateMachine = new sfn.StateMachine(this, "StateMachine", {
      stateMachineName: props.stateMachineName,
      stateMachineType: sfn.StateMachineType.STANDARD,
      queryLanguage: sfn.QueryLanguage.JSONATA,
      comment: props.purpose,
      definitionBody: sfn.DefinitionBody.fromChainable(this.states(props)),
      timeout: props.runTime,
      role: role.withoutPolicyUpdates(),
    });
    this.acknowledgeNoSideChannels();
  }

  /** The machine's role invokes exactly this workflow's functions: what would need more is left out, with its reason. */
  private acknowledgeNoSideChannels(): void {
    const noLogs = "log delivery would give the role eight log actions on every resource; execution history and run log hold more";
    acknowledge(this.stateMachine, "AwsSolutions-SF1", noLogs);
    acknowledgeGuard(this.stateMachine, "step_functions_state_machine_logging_enabled_check", noLogs);
    const noTraces = "tracing would give the role actions on every resource; the run log holds each step's time";
    acknowledge(this.stateMachine, "AwsSolutions-SF2", noTraces);
    acknowledgeGuard(this.stateMachine, "step_functions_state_machine_tracing_enabled_check", noTraces);
  }

  /** Invokes the functions by their plain ARNs: CDK's own grant would add every version of each. */
  private createRole(props: RunMachineProps): iam.Role {
    const role = new iam.Role(this, "Role", {
      path: rolePath(props.stage, "machine"),
      assumedBy: new iam.ServicePrincipal("states.amazonaws.com"),
      description: "invokes the functions of one workflow",
    });
    const functions = [props.propose, props.decide, props.requestApproval, ...props.tools.map((tool) => tool.function)];
    permit(role, {
      sid: "InvokeOwnFunctions",
      actions: ["lambda:InvokeFunction"],
      resources: functions.map((each) => each.functionArn),
    });
    return role;
  }

  private states(props: RunMachineProps): sfn.IChainable {
    const propose = this.proposeAction(props);
    const decide = this.decideAction(props);
    const route = sfn.Choice.jsonata(this, "RouteDecision");
    const notAdmitted = sfn.Fail.jsonata(this, "NotAdmitted", {
      error: ERROR_NAMES.notAdmitted,
      cause: "no run was admitted under this execution's name; start runs with POST /runs/<workflow>",
    });
    for (const state of [propose, decide]) state.addCatch(notAdmitted, { errors: [ERROR_NAMES.notAdmitted] });
    propose.addCatch(decide, { errors: ["States.ALL"], outputs: failedProposal(props.model) });
    propose.next(decide);
    decide.next(route);

    const is = (decision: string) => `$states.input.decision = '${decision}'`;
    const when = (condition: string, next: sfn.IChainable) => route.when(sfn.Condition.jsonata(`{% ${condition} %}`), next);
    for (const tool of props.tools) {
      const state = this.runTool(tool);
      state.addCatch(decide, { errors: ["States.ALL"], outputs: { phase: "outcome", turn: input("turn") } });
      when(`${is("permit")} and $states.input.action.tool = '${tool.name}'`, state.next(propose));
    }
    const approval = this.awaitApproval(props);
    approval.addCatch(decide, { errors: ["States.ALL"], outputs: DECIDED });
    when(is("ask"), approval.next(decide));
    when(is("deny"), propose);
    when(is("finish"), sfn.Succeed.jsonata(this, "RunClosed", { outputs: input("outcome") }));
    route.otherwise(
      sfn.Fail.jsonata(this, "UnknownDecision", {
        error: "UnknownDecision",
        cause: "the gate answered what this state machine does not know; deploy gate and machine together",
      }),
    );
    return propose;
  }

  private proposeAction(props: RunMachineProps): tasks.LambdaInvoke {
    const state = tasks.LambdaInvoke.jsonata(this, "ProposeAction", {
      lambdaFunction: props.propose,
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
  private decideAction(props: RunMachineProps): tasks.LambdaInvoke {
    const state = tasks.LambdaInvoke.jsonata(this, "DecideAction", {
      lambdaFunction: props.decide,
      payload: sfn.TaskInput.fromText(
        "{% $merge([$states.input, {'run_id': $states.context.Execution.Name, 'tenant': $states.context.Execution.Input.tenant, 'execution_arn': $states.context.Execution.Id}]) %}",
      ),
      outputs: PAYLOAD,
      retryOnServiceExceptions: false,
    });
    state.addRetry({
      errors: [ERROR_NAMES.claimOpen],
      interval: Duration.seconds(5),
      maxAttempts: 10,
      backoffRate: 1,
    });
    state.addRetry({
      errors: [ERROR_NAMES.conflict],
      interval: Duration.seconds(1),
      maxAttempts: 6,
      backoffRate: 2,
    });
    state.addRetry({
      errors: [...SERVICE_ERRORS, ...CUT_OFF, THROTTLED],
      interval: Duration.seconds(2),
      maxAttempts: 6,
      backoffRate: 2,
    });
    return state;
  }

  private runTool(tool: RunMachineProps["tools"][number]): tasks.LambdaInvoke {
    const state = tasks.LambdaInvoke.jsonata(this, `RunTool ${tool.name}`, {
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
      maxAttempts: 2,
      backoffRate: 3,
    });
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
  private awaitApproval(props: RunMachineProps): tasks.LambdaInvoke {
    const state = tasks.LambdaInvoke.jsonata(this, "AwaitApproval", {
      lambdaFunction: props.requestApproval,
      integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
      payload: sfn.TaskInput.fromObject({
        task_token: "{% $states.context.Task.Token %}",
        approval: input("approval"),
      }),
      outputs: DECIDED,
      taskTimeout: sfn.Timeout.jsonata(input("wait_seconds")),
      retryOnServiceExceptions: false,
    });
    state.addRetry({
      errors: [...SERVICE_ERRORS, THROTTLED],
      interval: Duration.seconds(2),
      maxAttempts: 3,
      backoffRate: 2,
    });
    return state;
  }
}

const DECIDED = { phase: "approval", turn: input("turn"), action: input("action"), rationale: input("rationale") };

/** A `proposeAnswer` that says the proposer failed. The cause stays out: it may hold anything the agent's code put there. */
function failedProposal(model: string) {
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
