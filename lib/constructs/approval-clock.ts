/** Reminders and escalations: a group of one-time schedules, and the one role that they act as, which may invoke the sender and nothing else. */
import { ArnFormat, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as scheduler from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import { dueNames } from "../approval/due.js";
import { controlPlaneStackName, rolePath } from "./names.js";
import { permit } from "./permissions.js";
import type { Grantee } from "./zone-function.js";

export interface ScheduleIdentity {
  readonly group: string;
  /** ARN of the role that its schedules act as */
  readonly roleArn: string;
  /** ARN of the function that they invoke */
  readonly senderArn: string;
}

export class ApprovalClock extends Construct {
  readonly identity: ScheduleIdentity;

  constructor(scope: Construct, id: string, { stage }: { readonly stage: string }) {
    super(scope, id);
    const stack = Stack.of(this);
    const group = controlPlaneStackName(stage);
    const made = new scheduler.CfnScheduleGroup(this, "Group", { name: group });
    const groupArn = stack.formatArn({ service: "scheduler", resource: "schedule-group", resourceName: group });
    // By its name, which is fixed: the sender itself needs what this stack exports.
    const senderArn = stack.formatArn({
      service: "lambda",
      resource: "function",
      resourceName: `${group}-approval-sender`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const role = new iam.Role(this, "Role", {
      path: rolePath(stage, "approval-clock"),
      description: "calls the sender when a reminder or an escalation is due",
      assumedBy: new iam.ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": stack.account, "aws:SourceArn": groupArn } },
      }),
    });
    permit(role, { sid: "CallSender", actions: ["lambda:InvokeFunction"], resources: [senderArn] });
    this.identity = { group: made.ref, roleArn: role.roleArn, senderArn };
  }
}

/** The group as a grant sees it. */
export class Schedules {
  constructor(private readonly schedules: ScheduleIdentity) {}

  /** Adds schedules whose names begin with the workflow, which act as the group's role. Neither changes nor removes one. */
  grantAdd(grantee: Grantee & Construct, workflow: string): void {
    const { group, roleArn, senderArn } = this.schedules;
    const name = `${group}/${dueNames(workflow)}`;
    grantee.provide(
      { SCHEDULE_GROUP: group, SCHEDULE_ROLE_ARN: roleArn, SENDER_ARN: senderArn },
      {
        sid: "ScheduleReminders",
        actions: ["scheduler:CreateSchedule"],
        resources: [Stack.of(grantee).formatArn({ service: "scheduler", resource: "schedule", resourceName: name })],
        wildcard: "one schedule for each reminder of each question of this workflow: their names are not known before",
      },
      {
        sid: "ActAsClock",
        actions: ["iam:PassRole"],
        resources: [roleArn],
        conditions: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
      },
    );
  }
}
