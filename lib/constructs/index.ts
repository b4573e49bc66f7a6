/** What an own CDK app needs to deploy governed workflows. Not part of lib/index.ts: contracts are bundled into functions, the CDK is not. */
export { type AppOptions, type CheckedWorkflow, createApp } from "./app.js";
export { type BundleOptions, Bundler, bundleApprovalDesk, bundleWorkflow, type WorkflowBundles } from "./bundle.js";
export { type ControlPlane, importedControlPlane } from "./control-plane.js";
export { ControlPlaneStack, type ControlPlaneStackProps } from "./control-plane-stack.js";
export { GovernedWorkflow, type GovernedWorkflowProps } from "./governed-workflow.js";
export { loadWorkflows } from "./load.js";
export { CONTROL_PLANE_OUTPUTS, WORKFLOW_OUTPUTS } from "./outputs.js";
export { WorkflowStack, type WorkflowStackProps } from "./workflow-stack.js";
