import { randomUUID } from "node:crypto";
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { serviceCaller } from "../service-caller.js";
import { type InertProperties, parseProperties } from "../services/support/properties.js";
import {
  AwsFault,
  type AwsReply,
  type BusEvent,
  type Caller,
  type CloudContext,
  type CreatedResource,
  type Engine,
  type ResourceFactory,
  type ResourceRequest,
} from "../types.js";
import { compileInput, type InputOf, InputProperties } from "./input.js";
import { compilePattern, type EventMatch } from "./pattern.js";
import { every, rateMs } from "./schedule.js";

/** Starts a function without waiting for it. */
export type InvokeLater = (functionArn: string, payload: unknown, caller: Caller) => void;

// Deliveries are handed to Lambda's own queue, which always accepts: there is nothing for this policy to repeat.
const RetryPolicy = z
  .strictObject({ MaximumRetryAttempts: z.number().optional(), MaximumEventAgeInSeconds: z.number().optional() })
  .optional();
const lambdaArn = z.string().startsWith("arn:aws:lambda:", "only Lambda functions are modelled as targets");
const RuleProperties = z.strictObject({
  Name: z.string().optional(),
  EventBusName: z.literal("default").optional(),
  EventPattern: z.unknown().optional(),
  ScheduleExpression: z.string().optional(),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  Targets: z.array(z.strictObject({ Id: z.string(), Arn: lambdaArn, RetryPolicy, ...InputProperties })).default([]),
});
const RULE_INERT: InertProperties = { Description: "for people", Tags: "for people and bills" };
interface Target {
  readonly functionArn: string;
  readonly inputOf: InputOf;
  readonly caller: Caller;
}
interface Rule {
  readonly name: string;
  readonly matches: EventMatch;
  readonly targets: readonly Target[];
}
interface Schedule {
  readonly name: string;
  readonly intervalMs: number;
  /** the event its targets get */
  event(): unknown;
  readonly targets: readonly Target[];
}

/** EventBridge: rules on the default bus, and rules at a rate. */
export class EventsEngine implements Engine {
  readonly service = "events";
  readonly resources: Readonly<Record<string, ResourceFactory>> = {
    "AWS::Events::Rule": (request) => this.createRule(request),
  };
  private readonly rules: Rule[] = [];
  private readonly schedules: Schedule[] = [];
  private readonly ends: (() => void)[] = [];
  private started = false;

  constructor(
    private readonly context: CloudContext,
    private readonly invokeLater: InvokeLater,
  ) {}

  /** Schedules count from here: the stacks are complete. */
  start(): void {
    this.started = true;
    const { clock } = this.context;
    for (const schedule of this.schedules) {
      this.ends.push(
        every(clock, schedule.intervalMs, () => this.deliver(schedule.name, schedule.targets, schedule.event())),
      );
    }
  }

  publish(event: BusEvent): void {
    const whole = this.envelope(event);
    for (const rule of this.rules) if (rule.matches(whole)) this.deliver(rule.name, rule.targets, whole);
  }

  async handle(): Promise<AwsReply> {
    throw new AwsFault("UnknownOperationException", "events: no operation is modelled", 404);
  }

  /** Schedules start anew. */
  async reset(): Promise<void> {
    this.stopSchedules();
    if (this.started) this.start();
  }
  async close(): Promise<void> {
    this.stopSchedules();
  }

  private stopSchedules(): void {
    for (const end of this.ends.splice(0)) end();
  }

  private deliver(name: string, targets: readonly Target[], event: unknown): void {
    for (const { functionArn, inputOf, caller } of targets) {
      try {
        this.invokeLater(functionArn, inputOf(event), caller);
      } catch (error) {
        // EventBridge drops what it may not deliver; the log tells.
        if (!(error instanceof AwsFault || error instanceof CountersignError)) throw error;
        this.context.log(`events ${name}: not delivered: ${error.message}`);
      }
    }
  }

  private envelope(event: BusEvent): Record<string, unknown> {
    const { accountId, region, clock } = this.context;
    // EventBridge times have whole seconds.
    const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    return { version: "0", id: randomUUID(), account: accountId, time, region, ...event };
  }

  private createRule(request: ResourceRequest): CreatedResource {
    const properties = parseProperties(request, RuleProperties, RULE_INERT);
    const { accountId, region } = this.context;
    const name = properties.Name ?? request.defaultName;
    const arn = `arn:aws:events:${region}:${accountId}:rule/${name}`;
    const where = `${request.stackName}/${request.logicalId} Properties`;
    const caller = serviceCaller("events.amazonaws.com", arn, accountId);
    const targets = properties.Targets.map((target, index) => ({
      functionArn: target.Arn,
      inputOf: compileInput(target, `${where}.Targets.${index}`),
      caller,
    }));
    const { EventPattern, ScheduleExpression } = properties;
    if (EventPattern === undefined && ScheduleExpression === undefined) {
      throw new CountersignError("CS-1213", `${where}: a rule needs EventPattern or ScheduleExpression`);
    }
    const matches = EventPattern === undefined ? undefined : compilePattern(EventPattern, `${where}.EventPattern`);
    const intervalMs =
      ScheduleExpression === undefined ? undefined : rateMs(ScheduleExpression, `${where}.ScheduleExpression`);
    if (properties.State === "ENABLED" && matches) this.rules.push({ name, matches, targets });
    if (properties.State === "ENABLED" && intervalMs !== undefined) {
      const event = () =>
        this.envelope({ source: "aws.events", "detail-type": "Scheduled Event", resources: [arn], detail: {} });
      this.schedules.push({ name, intervalMs, event, targets });
    }
    return { ref: name, attributes: { Arn: arn } };
  }
}
