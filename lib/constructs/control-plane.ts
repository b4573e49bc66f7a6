/** The control plane as a workflow sees it: what it may be granted there. */
import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Schedules } from "./approval-clock.js";
import { type ControlPlaneOutput, importFromControlPlane } from "./outputs.js";
import { ContextBucket, TokenKey, VaultBucket } from "./stores.js";
import { ApprovalsTable, BudgetsTable, ControlTable, EffectsTable, RunLogTable, SessionsTable } from "./tables.js";

export interface ControlPlane {
  readonly runLog: RunLogTable;
  readonly control: ControlTable;
  readonly budgets: BudgetsTable;
  readonly effects: EffectsTable;
  readonly approvals: ApprovalsTable;
  readonly sessions: SessionsTable;
  readonly context: ContextBucket;
  readonly vault: VaultBucket;
  readonly tokenKey: TokenKey;
  readonly schedules: Schedules;
  readonly apiId: string;
  /** `https://…`, no slash at the end */
  readonly apiEndpoint: string;
  /** encrypts what alarms say */
  readonly dataKeyArn: string;
}

/** Every value of the control plane, by output name. */
export type ControlPlaneValues = Readonly<Record<ControlPlaneOutput, string>>;

/** The grants over a control plane's values. */
export function controlPlane(scope: Construct, value: (output: ControlPlaneOutput) => string): ControlPlane {
  const { region } = Stack.of(scope);
  const table = (
    name: "RunLogTable" | "ControlTable" | "BudgetsTable" | "EffectsTable" | "ApprovalsTable" | "SessionsTable",
  ) => ({
    tableName: value(name),
    tableArn: value(`${name}Arn`),
  });
  const bucket = (name: "ContextBucket" | "VaultBucket", key: "DataKeyArn" | "VaultKeyArn") => ({
    bucketName: value(name),
    bucketArn: value(`${name}Arn`),
    keyArn: value(key),
    region,
  });
  return {
    runLog: new RunLogTable(table("RunLogTable")),
    control: new ControlTable(table("ControlTable")),
    budgets: new BudgetsTable(table("BudgetsTable")),
    effects: new EffectsTable(table("EffectsTable")),
    approvals: new ApprovalsTable(table("ApprovalsTable")),
    sessions: new SessionsTable(table("SessionsTable")),
    context: new ContextBucket(bucket("ContextBucket", "DataKeyArn")),
    vault: new VaultBucket(bucket("VaultBucket", "VaultKeyArn")),
    tokenKey: new TokenKey(value("TokenKeyArn")),
    schedules: new Schedules({
      group: value("ScheduleGroup"),
      roleArn: value("ScheduleRoleArn"),
      senderArn: value("SenderArn"),
    }),
    apiId: value("ApiId"),
    apiEndpoint: value("ApiEndpoint"),
    dataKeyArn: value("DataKeyArn"),
  };
}

/** The control plane of a stage, from what its stack exported. */
export const importedControlPlane = (scope: Construct, stage: string): ControlPlane =>
  controlPlane(scope, (output) => importFromControlPlane(stage, output));
