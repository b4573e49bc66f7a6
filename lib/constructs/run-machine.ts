/**
 * The state machine of a workflow, in JSONata. Every state's input is exactly what the next function is asked, less what the
 * execution itself knows (run id, tenant, ARN), which is always taken from the execution:
 *
 *   ProposeAction  { turn, last? }
 *   DecideAction   { phase: "proposal", turn, proposed } | { phase: "approval", turn, action, rationale, round } | { phase: "outcome", turn }
 *   RouteDecision  a decideAnswer; so are the inputs of RunTool, AwaitApproval and RunClosed
 */
import type { Duration } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { ERROR_NAMES } from "../run/protocol.js";
import { acknowledge, acknowledgeGuard } from "./findings.js";
import { rolePath } from "./names.js";
import { permit } from "./permissions.js";
import {
  awaitApproval,
  DECIDED,
  decideAction,
  failedProposal,
  input,
  proposeAction,
  runTool,
  type ToolTask,
} from "./run-states.js";

export interface RunMachineProps {
  readonly stage: string;
  readonly stateMachineName: string;
  readonly purpose: string;
  /** what the log calls the proposer when it fails before it can say so itself */
  readonly model: string;
  readonly propose: lambda.IFunction;
  readonly decide: lambda.IFunction;
  readonly requestApproval: lambda.IFunction;
  readonly tools: readonly ToolTask[];
  /** the whole run, waiting included */
  readonly runTime: Duration;
}

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
    const noLogs =
      "log delivery would give the role eight log actions on every resource; execution history and run log hold more";
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
    const propose = proposeAction(this, props.propose);
    const decide = decideAction(this, props.decide, props.tools);
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
    const when = (condition: string, next: sfn.IChainable) =>
      route.when(sfn.Condition.jsonata(`{% ${condition} %}`), next);
    for (const tool of props.tools) {
      const state = runTool(this, tool);
      state.addCatch(decide, { errors: ["States.ALL"], outputs: { phase: "outcome", turn: input("turn") } });
      when(`${is("permit")} and $states.input.action.tool = '${tool.name}'`, state.next(propose));
    }
    const approval = awaitApproval(this, props.requestApproval);
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
}
