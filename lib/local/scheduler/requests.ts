/** Requests of EventBridge Scheduler, as far as functions use them: schedules that fire once. */
import * as z from "zod";

const name = z.string().regex(/^[0-9a-zA-Z-_.]{1,64}$/);
export const groupName = name;
export const scheduleName = name;

export const createSchedule = z.strictObject({
  GroupName: groupName.default("default"),
  ScheduleExpression: z.string().min(1).max(256),
  ScheduleExpressionTimezone: z.string().max(50).optional(),
  FlexibleTimeWindow: z.strictObject({ Mode: z.literal("OFF") }),
  ActionAfterCompletion: z.enum(["NONE", "DELETE"]).default("NONE"),
  Description: z.string().max(512).optional(),
  State: z.literal("ENABLED").optional(),
  ClientToken: z.string().min(1).max(64).optional(),
  Target: z.strictObject({
    Arn: z.string().startsWith("arn:aws:lambda:", "only Lambda functions are modelled as targets"),
    RoleArn: z.string(),
    Input: z.string().min(1).optional(),
    RetryPolicy: z
      .strictObject({
        MaximumRetryAttempts: z.int().min(0).max(185).optional(),
        MaximumEventAgeInSeconds: z.int().min(60).max(86_400).optional(),
      })
      .optional(),
  }),
});
export type CreateSchedule = z.output<typeof createSchedule>;

/** A schedule as it is kept, also in the data folder. */
export const keptSchedule = z.strictObject({ name: scheduleName, request: createSchedule, createdMs: z.int() });
export type KeptSchedule = z.output<typeof keptSchedule>;
