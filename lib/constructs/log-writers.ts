/** The three functions that write the log: admission, gate and close-run. */
import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { admitEnv, closeRunEnv, decideEnv } from "../aws/env.js";
import type { Permission } from "./permissions.js";
import type { PolicyStore } from "./policy-store.js";
import type { ToolFunction } from "./tool-functions.js";
import type { WorkflowScope } from "./workflow-scope.js";
import { ZoneFunction } from "./zone-function.js";

/** The machine by name: its definition names the gate, so the gate cannot wait for its ARN. */
interface Machine {
  readonly stateMachineArn: string;
  readonly executionsArn: string;
}

export function machineNamed(scope: Construct, stateMachineName: string): Machine {
  const arn = (resource: string, resourceName: string) =>
    Stack.of(scope).formatArn({ service: "states", resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  return {
    stateMachineArn: arn("stateMachine", stateMachineName),
    executionsArn: arn("execution", `${stateMachineName}:*`),
  };
}

/** How an execution stands: admission repeats safely, close-run settles what ended. */
const seeExecutions = (machine: Machine): Permission => ({
  sid: "SeeExecutions",
  actions: ["states:DescribeExecution"],
  resources: [machine.executionsArn],
  wildcard: "every execution of this one state machine",
});

interface Hashes {
  readonly policySetHash: string;
}

/** The front door: the only function that may start this machine. */
export function createAdmit(scope: Construct, workflow: WorkflowScope, machine: Machine, hashes: Hashes): ZoneFunction {
  const { contract, contractHash, stage, names, bundles, plane } = workflow;
  const admit = new ZoneFunction(scope, "Admit", {
    stage,
    zone: "log-writer",
    functionName: names.of("admit"),
    description: `${contract.name}: admits runs`,
    code: bundles.admit,
    logKeyArn: plane.dataKeyArn,
    environment: admitEnv,
    settings: {
      WORKFLOW: contract.name,
      STAGE: stage,
      CONTRACT_HASH: contractHash,
      POLICY_SET_HASH: hashes.policySetHash,
    },
    timeout: Duration.seconds(29),
  });
  plane.runLog.grantAppend(admit, contract.name);
  plane.control.grantRead(admit, contract.name);
  plane.budgets.grantTake(admit, contract.name);
  plane.context.grantWrite(admit, contract.name);
  plane.vault.grantUse(admit, contract.name);
  admit.provide(
    { STATE_MACHINE_ARN: machine.stateMachineArn },
    { sid: "StartRuns", actions: ["states:StartExecution"], resources: [machine.stateMachineArn] },
    seeExecutions(machine),
  );
  return admit;
}

interface GateProps extends Hashes {
  readonly policyStore: PolicyStore;
  readonly previews: readonly ToolFunction[];
}

/** The gate: asks the policies, reads decisions and effects, writes the log, and invokes previews. */
export function createDecide(scope: Construct, workflow: WorkflowScope, props: GateProps): ZoneFunction {
  const { contract, contractHash, stage, names, bundles, plane } = workflow;
  const slowest = Math.max(0, ...props.previews.map((preview) => preview.timeout.toSeconds()));
  const decide = new ZoneFunction(scope, "Decide", {
    stage,
    zone: "log-writer",
    functionName: names.of("decide"),
    description: `${contract.name}: the gate`,
    code: bundles.decide,
    logKeyArn: plane.dataKeyArn,
    environment: decideEnv,
    settings: {
      WORKFLOW: contract.name,
      STAGE: stage,
      CONTRACT_HASH: contractHash,
      POLICY_SET_HASH: props.policySetHash,
      PREVIEW_FUNCTION_PREFIX: names.previewPrefix,
    },
    timeout: Duration.seconds(Math.min(900, 60 + slowest)),
    memorySizeMb: 1024,
  });
  plane.runLog.grantAppend(decide, contract.name);
  plane.control.grantRead(decide, contract.name);
  plane.approvals.grantGate(decide, contract.name);
  plane.budgets.grantUse(decide, contract.name);
  plane.effects.grantRead(decide, contract.name);
  plane.context.grantWrite(decide, contract.name);
  plane.context.grantPutOut(decide, contract.name);
  plane.vault.grantUse(decide, contract.name);
  props.policyStore.grantAsk(decide);
  if (props.previews.length > 0) {
    decide.provide(
      {},
      {
        sid: "InvokePreviews",
        actions: ["lambda:InvokeFunction"],
        resources: props.previews.map((preview) => preview.zone.functionArn),
      },
    );
  }
  return decide;
}

/** Closes what failed, and settles what is open too long against the execution's history. */
export function createCloseRun(scope: Construct, workflow: WorkflowScope, machine: Machine): ZoneFunction {
  const { contract, stage, names, bundles, plane } = workflow;
  const closeRun = new ZoneFunction(scope, "CloseRun", {
    stage,
    zone: "log-writer",
    functionName: names.of("close-run"),
    description: `${contract.name}: closes runs that ended without saying so`,
    code: bundles.closeRun,
    logKeyArn: plane.dataKeyArn,
    environment: closeRunEnv,
    settings: { WORKFLOW: contract.name, STAGE: stage },
    timeout: Duration.minutes(4),
  });
  plane.runLog.grantAppend(closeRun, contract.name);
  plane.budgets.grantUse(closeRun, contract.name);
  plane.effects.grantRead(closeRun, contract.name);
  plane.approvals.grantTell(closeRun, contract.name);
  plane.vault.grantUse(closeRun, contract.name);
  closeRun.provide({ STATE_MACHINE_ARN: machine.stateMachineArn }, seeExecutions(machine));
  return closeRun;
}
