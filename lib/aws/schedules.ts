/**
 * Calls that come once, at a time: EventBridge Scheduler. Needs `scheduler:CreateSchedule` on the group's schedules and `iam:PassRole` for
 * the role that they act as.
 */
import { CreateScheduleCommand, type SchedulerClient } from "@aws-sdk/client-scheduler";
import { isNamed } from "./dynamo.js";

export interface Schedules {
  /** `name`: the same again changes nothing. `at`: ISO; comes at that second or a little later, never before. `input`: JSON. */
  once(name: string, at: string, input: string): Promise<"created" | "exists">;
}
export interface ScheduleTarget {
  readonly group: string;
  /** ARN of the function */
  readonly targetArn: string;
  /** ARN of the role that may invoke it */
  readonly roleArn: string;
}

export function schedulerSchedules(client: SchedulerClient, { group, targetArn, roleArn }: ScheduleTarget): Schedules {
  return {
    async once(name, at, input) {
      const command = new CreateScheduleCommand({
        Name: name,
        GroupName: group,
        ScheduleExpression: `at(${wholeSecond(at)})`,
        ScheduleExpressionTimezone: "UTC",
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: { Arn: targetArn, RoleArn: roleArn, Input: input },
      });
      try {
        await client.send(command);
        return "created";
      } catch (error) {
        if (isNamed(error, "ConflictException")) return "exists";
        throw error;
      }
    },
  };
}

/** `2026-11-21T15:00:00`, rounded up: whoever may act from then on must not be told before. */
const wholeSecond = (iso: string): string =>
  new Date(Math.ceil(Date.parse(iso) / 1000) * 1000).toISOString().slice(0, 19);
