/**
 * The seam between the stacks, and between the stacks and whoever reads their outputs (command line, operators). The names
 * are fixed here, so that a workflow can be deployed against a control plane of another version of this code.
 */
import { CfnOutput, Fn, type Stack } from "aws-cdk-lib";

/** Outputs of `countersign-<stage>`; exported as `countersign-<stage>:<name>`. */
export const CONTROL_PLANE_OUTPUTS = {
  RunLogTable: "append-only log of every run",
  RunLogTableArn: "append-only log of every run, ARN",
  EffectsTable: "ledger of permitted calls and their outcomes",
  EffectsTableArn: "ledger of permitted calls, ARN",
  ApprovalsTable: "approval requests, links and decisions",
  ApprovalsTableArn: "approval requests, links and decisions, ARN",
  BudgetsTable: "leases, exposure counters, open runs",
  BudgetsTableArn: "leases, exposure counters, open runs, ARN",
  SessionsTable: "people signed in to the approval desk",
  SessionsTableArn: "people signed in to the approval desk, ARN",
  ControlTable: "brakes",
  ControlTableArn: "brakes, ARN",
  OversightTable: "who read sealed values, what was shredded, what was reviewed",
  OversightTableArn: "who read sealed values, what was shredded, what was reviewed, ARN",
  ContextBucket: "what the proposers read",
  ContextBucketArn: "what the proposers read, ARN",
  VaultBucket: "sealed sensitive values",
  VaultBucketArn: "sealed sensitive values, ARN",
  DataKeyArn: "key of the context bucket and the alarm topics",
  VaultKeyArn: "key of the vault bucket",
  ArchiveBucket: "signed archive of the log",
  NotaryKey: "key that checkpoints are signed with",
  AlarmTopicArn: "tells when the log is not covered by checkpoints; subscribe to it",
  ScheduleGroup: "group of the reminders' and escalations' schedules",
  ScheduleRoleArn: "role that those schedules act as",
  SenderArn: "function that those schedules call",
  TokenKeyArn: "key that task tokens are encrypted with",
  ApiId: "HTTP API of requesters and approvers",
  ApiEndpoint: "base URL of requesters and approvers",
  RequesterRoleArn: "role of people and systems that start runs",
  ApproverRoleArn: "role of people who read waiting approvals",
  AuditorRoleArn: "role of people who read the log",
  OperatorRoleArn: "role of people who stop workflows",
  BreakGlassRoleArn: "role that may read the vault, with MFA",
  ShredderRoleArn: "role that may shred runs' keys, with MFA",
} as const;
export type ControlPlaneOutput = keyof typeof CONTROL_PLANE_OUTPUTS;

/** Outputs of `countersign-<stage>-<workflow>`. */
export const WORKFLOW_OUTPUTS = {
  StateMachineArn: "the workflow's state machine",
  ApiEndpoint: "base URL; runs start with POST /runs/<workflow>",
  AdmitFunction: "function that admits runs",
  DecideFunction: "the gate",
  CloseRunFunction: "function that closes and reconciles runs",
  ContractHash: "SHA-256 of the contract",
  PolicySetHash: "SHA-256 of the policies and their schema",
  PolicyStoreId: "Verified Permissions policy store",
} as const;
export type WorkflowOutput = keyof typeof WORKFLOW_OUTPUTS;

const exportName = (stage: string, output: ControlPlaneOutput): string => `countersign-${stage}:${output}`;

export function exportControlPlane(
  stack: Stack,
  stage: string,
  values: Readonly<Record<ControlPlaneOutput, string>>,
): void {
  for (const name of keysOf(CONTROL_PLANE_OUTPUTS)) {
    new CfnOutput(stack, name, {
      value: values[name],
      description: CONTROL_PLANE_OUTPUTS[name],
      exportName: exportName(stage, name),
    });
  }
}

/** What the control plane of this stage exported under that name, known when the stack is deployed. */
export const importFromControlPlane = (stage: string, output: ControlPlaneOutput): string =>
  Fn.importValue(exportName(stage, output));

export function outputWorkflow(stack: Stack, values: Readonly<Record<WorkflowOutput, string>>): void {
  for (const name of keysOf(WORKFLOW_OUTPUTS)) {
    new CfnOutput(stack, name, { value: values[name], description: WORKFLOW_OUTPUTS[name] });
  }
}

/** The keys of a literal table: `Object.keys` knows them only as strings. */
const keysOf = <T extends object>(table: T): (keyof T & string)[] =>
  Object.keys(table).filter((key): key is keyof T & string => key in table);
