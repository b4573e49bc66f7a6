/** `countersign-<stage>-<workflow>`: one governed workflow. */
import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { importedControlPlane } from "./control-plane.js";
import { GovernedWorkflow, type GovernedWorkflowProps } from "./governed-workflow.js";

export interface WorkflowStackProps extends StackProps, Omit<GovernedWorkflowProps, "plane"> {}

export class WorkflowStack extends Stack {
  constructor(scope: Construct, id: string, props: WorkflowStackProps) {
    super(scope, id, props);
    const workflowProps = { ...props, plane: importedControlPlane(this, props.stage) };
    new GovernedWorkflow(this, "Workflow", workflowProps).addOutputs(this, workflowProps);
  }
}
