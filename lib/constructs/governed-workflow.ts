/**
 * A contract as AWS resources: front door, state machine, proposer, gate, one function per tool and preview, policies, and what
 * watches over them. Each part is a file of its own; this one says how they hang together.
 */
import { Duration, type Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import { contractHash } from "../contract/hash.js";
import type { Contract } from "../contract/model.js";
import type { PolicySet } from "../policy/source.js";
import { addRunRoute } from "./api.js";
import { createApprovalRequest } from "./approval-request.js";
import type { WorkflowBundles } from "./bundle.js";
import type { ControlPlane } from "./control-plane.js";
import { createAdmit, createCloseRun, createDecide, machineNamed } from "./log-writers.js";
import { functionNames, workflowStackName } from "./names.js";
import { outputWorkflow } from "./outputs.js";
import { PolicyStore } from "./policy-store.js";
import { createProposer, modelName } from "./proposer.js";
import { RunMachine } from "./run-machine.js";
import { createPreview, createTool } from "./tool-functions.js";
import { Watch } from "./watch.js";
import type { WorkflowScope } from "./workflow-scope.js";
import type { ZoneFunction } from "./zone-function.js";

export interface GovernedWorkflowProps {
  /** a checked contract, see lib/contract */
  readonly contract: Contract;
  /** a checked policy set, see lib/policy */
  readonly policySet: PolicySet;
  readonly stage: string;
  readonly plane: ControlPlane;
  /** see `bundleWorkflow` */
  readonly bundles: WorkflowBundles;
  /** verified SES sender of approval mails */
  readonly mailFrom: string;
  /** whether approvers are asked in Slack too. @default false */
  readonly slack?: boolean;
}

export class GovernedWorkflow extends Construct {
  readonly machine: RunMachine;
  readonly policyStore: PolicyStore;
  readonly admit: ZoneFunction;
  readonly decide: ZoneFunction;
  readonly closeRun: ZoneFunction;

  constructor(scope: Construct, id: string, props: GovernedWorkflowProps) {
    super(scope, id);
    const { contract, policySet, stage, plane } = props;
    const toolNames = contract.tools.map((tool) => tool.name);
    const workflow: WorkflowScope = {
      ...props,
      contractHash: contractHash(contract),
      names: functionNames(stage, contract.name, toolNames),
    };
    const stateMachineName = workflowStackName(stage, contract.name);
    const machine = machineNamed(this, stateMachineName);
    const policySetHash = policySet.hash;

    this.policyStore = new PolicyStore(this, { workflow: contract.name, policySet });
    const previewed = contract.tools.filter((tool) => tool.preview !== undefined);
    const previews = previewed.map((tool) => createPreview(this, tool, workflow));
    const tools = contract.tools.map((tool) => createTool(this, tool, workflow));
    this.admit = createAdmit(this, workflow, machine, { policySetHash });
    this.decide = createDecide(this, workflow, { policySetHash, policyStore: this.policyStore, previews });
    this.closeRun = createCloseRun(this, workflow, machine);
    this.machine = new RunMachine(this, "Run", {
      stage,
      stateMachineName,
      purpose: contract.purpose,
      model: modelName(contract.agent),
      propose: createProposer(this, workflow).function,
      decide: this.decide.function,
      requestApproval: createApprovalRequest(this, workflow, props).function,
      tools: tools.map(({ name, zone, timeout }) => ({ name, function: zone.function, timeout })),
      runTime: Duration.seconds(Math.ceil(contract.limits.runTimeMs / 1000)),
    });
    addRunRoute(this, plane.apiId, contract.name, this.admit.function);
    new Watch(this, "Watch", {
      stateMachine: this.machine.stateMachine,
      decide: this.decide.function,
      closeRun: this.closeRun.function,
      ownerEmail: contract.owner.email,
      dataKeyArn: plane.dataKeyArn,
      workflow: contract.name,
    });
  }

  /** Writes what people and the command line need to the stack's outputs. */
  addOutputs(stack: Stack, props: GovernedWorkflowProps): void {
    outputWorkflow(stack, {
      StateMachineArn: this.machine.stateMachine.stateMachineArn,
      ApiEndpoint: props.plane.apiEndpoint,
      AdmitFunction: this.admit.function.functionName,
      DecideFunction: this.decide.function.functionName,
      CloseRunFunction: this.closeRun.function.functionName,
      ContractHash: contractHash(props.contract),
      PolicySetHash: props.policySet.hash,
      PolicyStoreId: this.policyStore.policyStoreId,
    });
  }
}
