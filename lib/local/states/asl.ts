/**
 * The Amazon States Language as the interpreter models it: JSONata only, strict.
 *
 * A field that is not here is refused, never ignored: a definition that passes runs as written.
 */
import * as z from "zod";
import { expressionSource } from "./jsonata.js";
import { MAX_SECONDS } from "./limits.js";
import { parseTimestamp } from "./timestamp.js";

const expression = z
  .string()
  .refine((text) => expressionSource(text) !== undefined, { error: "must be one JSONata expression, {% … %}" });
const seconds = (min: number) => z.union([z.int().min(min).max(MAX_SECONDS), expression]);
const count = z.union([z.int().min(0), expression]);
const percentage = z.union([z.number().min(0).max(100), expression]);

const stateName = z.string().min(1).max(80);
const variableName = z
  .string()
  .max(80)
  .regex(/^[\p{ID_Start}_][\p{ID_Continue}]*$/u, { error: "must be a JSONata variable name" })
  .refine((name) => name !== "states", { error: "`states` is reserved" });
const Assign = z.record(variableName, z.json());

const queryLanguage = { QueryLanguage: z.literal("JSONata").optional() };
const common = { ...queryLanguage, Comment: z.string().optional() };
const transition = { Next: stateName.optional(), End: z.literal(true).optional() };
const produces = { Output: z.json().optional(), Assign: Assign.optional() };

const Retrier = z.strictObject({
  ErrorEquals: z.array(z.string().min(1)).min(1),
  IntervalSeconds: z.int().min(1).max(MAX_SECONDS).optional(),
  MaxAttempts: z.int().min(0).max(MAX_SECONDS).optional(),
  BackoffRate: z.number().min(1).optional(),
  MaxDelaySeconds: z.int().min(1).max(31_622_399).optional(),
  JitterStrategy: z.enum(["FULL", "NONE"]).optional(),
  Comment: z.string().optional(),
});
export type RetrierDefinition = z.infer<typeof Retrier>;

const Catcher = z.strictObject({
  ErrorEquals: z.array(z.string().min(1)).min(1),
  Next: stateName,
  Output: z.json().optional(),
  Assign: Assign.optional(),
  Comment: z.string().optional(),
});
export type CatcherDefinition = z.infer<typeof Catcher>;

const recovers = { Retry: z.array(Retrier).optional(), Catch: z.array(Catcher).optional() };

const LAMBDA_ARN = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[$A-Za-z0-9_-]+)?$/;
export const LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke";
export const LAMBDA_INVOKE_WITH_TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken";

const TaskState = z.strictObject({
  Type: z.literal("Task"),
  ...common,
  ...transition,
  ...produces,
  ...recovers,
  Resource: z
    .string()
    .refine((arn) => arn === LAMBDA_INVOKE || arn === LAMBDA_INVOKE_WITH_TOKEN || LAMBDA_ARN.test(arn), {
      error: `is not modelled; allowed are ${LAMBDA_INVOKE}, ${LAMBDA_INVOKE_WITH_TOKEN} and a function's ARN`,
      params: { unsupported: true },
    }),
  Arguments: z.json().optional(),
  TimeoutSeconds: seconds(1).optional(),
  HeartbeatSeconds: seconds(1).optional(),
});
export type TaskDefinition = z.infer<typeof TaskState>;

const PassState = z.strictObject({ Type: z.literal("Pass"), ...common, ...transition, ...produces });

const ChoiceRule = z.strictObject({
  Condition: z.union([z.boolean(), expression]),
  Next: stateName,
  ...produces,
  Comment: z.string().optional(),
});
const ChoiceState = z.strictObject({
  Type: z.literal("Choice"),
  ...common,
  ...produces,
  Choices: z.array(ChoiceRule).min(1),
  Default: stateName.optional(),
});
export type ChoiceDefinition = z.infer<typeof ChoiceState>;

const WaitState = z
  .strictObject({
    Type: z.literal("Wait"),
    ...common,
    ...transition,
    ...produces,
    Seconds: seconds(0).optional(),
    Timestamp: z
      .string()
      .refine((text) => text.startsWith("{%") || parseTimestamp(text) !== undefined, {
        error: "must be an ISO 8601 date-time with its offset, e.g. 2026-11-21T10:00:00Z",
      })
      .optional(),
  })
  .refine((state) => (state.Seconds === undefined) !== (state.Timestamp === undefined), {
    error: "needs either Seconds or Timestamp",
  });
const SucceedState = z.strictObject({ Type: z.literal("Succeed"), ...common, Output: z.json().optional() });
const FailState = z.strictObject({
  Type: z.literal("Fail"),
  ...common,
  Error: z.string().optional(),
  Cause: z.string().optional(),
});

/** What a Parallel branch and a Map's processor share with a machine. */
export interface StateGraph {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, StateDefinition>>;
}

const graph: z.ZodType<StateGraph> = z.lazy(() =>
  z.strictObject({ Comment: z.string().optional(), StartAt: stateName, States: states }),
);
const itemProcessor: z.ZodType<StateGraph> = z.lazy(() =>
  z.strictObject({
    Comment: z.string().optional(),
    StartAt: stateName,
    States: states,
    ProcessorConfig: z.strictObject({ Mode: z.literal("INLINE").optional() }).optional(),
  }),
);

const ParallelState = z.strictObject({
  Type: z.literal("Parallel"),
  ...common,
  ...transition,
  ...produces,
  ...recovers,
  Arguments: z.json().optional(),
  Branches: z.array(graph).min(1),
});
const MapState = z.strictObject({
  Type: z.literal("Map"),
  ...common,
  ...transition,
  ...produces,
  ...recovers,
  Items: z.union([z.array(z.json()), expression]).optional(),
  ItemSelector: z.json().optional(),
  ItemProcessor: itemProcessor,
  MaxConcurrency: count.optional(),
  ToleratedFailureCount: count.optional(),
  ToleratedFailurePercentage: percentage.optional(),
});

const StateSchema = z.discriminatedUnion("Type", [
  TaskState,
  PassState,
  ChoiceState,
  WaitState,
  SucceedState,
  FailState,
  ParallelState,
  MapState,
]);
export type StateDefinition = z.infer<typeof StateSchema>;
export type StateType = StateDefinition["Type"];
export type Definition<T extends StateType> = Extract<StateDefinition, { Type: T }>;

const states: z.ZodType<Record<string, StateDefinition>> = z
  .record(stateName, StateSchema)
  .refine((all) => Object.keys(all).length > 0, { error: "needs at least one state" });

export const MachineSchema = z.strictObject({
  Comment: z.string().optional(),
  Version: z.literal("1.0").optional(),
  ...queryLanguage,
  StartAt: stateName,
  States: states,
  TimeoutSeconds: z.int().min(1).max(MAX_SECONDS).optional(),
});
export type MachineDefinition = z.infer<typeof MachineSchema>;
