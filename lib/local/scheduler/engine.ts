/**
 * EventBridge Scheduler: schedules of the template, and those that functions create to fire once. A schedule acts as its role, so
 * whoever creates one needs `iam:PassRole` for it.
 */
import { join } from "node:path";
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { every } from "../events/schedule.js";
import { readStoredJson, removeFile, writePrivateFile } from "../services/support/files.js";
import { type InertProperties, parseProperties, where } from "../services/support/properties.js";
import { parseRequest, unknownOperation } from "../services/support/request.js";
import {
  type AwsCall,
  AwsFault,
  type AwsReply,
  type Caller,
  type CloudContext,
  type CreatedResource,
  type Engine,
  type ResourceFactory,
  type ResourceRequest,
} from "../types.js";
import { requestedWhen, type When, whenOf } from "./expression.js";
import {
  type CreateSchedule,
  createSchedule,
  groupName,
  type KeptSchedule,
  keptSchedule,
  scheduleName,
} from "./requests.js";

/** Starts a function without waiting for it. */
type InvokeLater = (functionArn: string, payload: unknown, caller: Caller) => void;

const GroupProperties = z.strictObject({ Name: groupName.optional() });
const ScheduleProperties = createSchedule
  .omit({ ClientToken: true, Description: true, State: true, ActionAfterCompletion: true })
  .extend({ Name: scheduleName.optional(), State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED") });
const INERT: InertProperties = { Description: "for people", Tags: "for people and bills" };
const OPERATIONS = ["POST /schedules/{Name}", "GET /schedules/{Name}", "DELETE /schedules/{Name}"];

interface Target {
  readonly functionArn: string;
  readonly payload: unknown;
  readonly caller: Caller;
}
interface TemplateSchedule {
  readonly label: string;
  readonly when: When;
  readonly target: Target;
}

export class SchedulerEngine implements Engine {
  readonly service = "scheduler";
  readonly resources: Readonly<Record<string, ResourceFactory>> = {
    "AWS::Scheduler::ScheduleGroup": (request) => this.createGroup(request),
    "AWS::Scheduler::Schedule": (request) => this.createOfTemplate(request),
  };
  private readonly groups = new Set(["default"]);
  private readonly ofTemplate: TemplateSchedule[] = [];
  private readonly created = new Map<string, KeptSchedule>();
  private readonly ends = new Map<string, () => void>();
  private readonly path: string | undefined;
  private started = false;

  constructor(
    private readonly context: CloudContext,
    private readonly invokeLater: InvokeLater,
    /** whether the role's trust policy lets EventBridge Scheduler assume it for this schedule group */
    private readonly mayAssume: (roleArn: string, groupArn: string) => boolean,
  ) {
    this.path = context.dataDir === undefined ? undefined : join(context.dataDir, "schedules.json");
  }

  /** The stacks are complete. @param rates whether schedules at a rate fire. @throws CountersignError CS-4037 for damaged stored schedules */
  start(rates: boolean): void {
    this.started = rates;
    if (rates) this.startRates();
    const stored = this.path === undefined ? undefined : readStoredJson(this.path, z.array(keptSchedule));
    for (const kept of stored ?? []) this.arm(kept);
  }

  async handle(call: AwsCall): Promise<AwsReply> {
    const name = /^\/schedules\/([^/]+)$/.exec(call.path)?.[1];
    if (name === undefined) throw unknownOperation("scheduler", `${call.method} ${call.path}`, OPERATIONS);
    switch (call.method) {
      case "POST":
        return this.create(call, name);
      case "GET":
        return this.describe(call, name);
      case "DELETE":
        return this.delete(call, name);
      default:
        throw unknownOperation("scheduler", `${call.method} ${call.path}`, OPERATIONS);
    }
  }

  async reset(): Promise<void> {
    this.stop();
    this.created.clear();
    if (this.path !== undefined) removeFile(this.path);
    if (this.started) this.startRates();
  }
  async close(): Promise<void> {
    this.stop();
  }

  private stop(): void {
    for (const end of this.ends.values()) end();
    this.ends.clear();
  }

  private startRates(): void {
    const { clock } = this.context;
    for (const { label, when, target } of this.ofTemplate) {
      const fire = () => this.deliver(label, target);
      this.ends.set(
        `template ${label}`,
        when.kind === "rate" ? every(clock, when.intervalMs, fire) : clock.at(when.atMs, fire),
      );
    }
  }

  // ---- requests -------------------------------------------------------------------------------------------------

  private create(call: AwsCall, name: string): AwsReply {
    const request = parseRequest("scheduler", call.body, createSchedule);
    if (!scheduleName.safeParse(name).success)
      throw new AwsFault("ValidationException", `Name: ${name} is no name; use up to 64 of 0-9 a-z A-Z - _ .`);
    const arn = this.arnOf(request.GroupName, name);
    const { iam } = this.context;
    iam.authorize({ caller: call.caller, action: "scheduler:CreateSchedule", resource: arn });
    const passed = { "iam:PassedToService": "scheduler.amazonaws.com" };
    iam.authorize({ caller: call.caller, action: "iam:PassRole", resource: request.Target.RoleArn, context: passed });
    this.requireGroup(request.GroupName);
    const when = requestedWhen(request.ScheduleExpression, request.ScheduleExpressionTimezone);
    if (when.kind !== "at")
      throw new AwsFault("ValidationException", "CS-4036 scheduler: functions create schedules that fire once: at(…)");
    if (!this.mayAssume(request.Target.RoleArn, this.groupArn(request.GroupName)))
      throw new AwsFault(
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
      );
    parsedInput(request);
    const before = this.created.get(arn);
    if (before !== undefined) {
      // The same token again is the same request again.
      if (request.ClientToken !== undefined && before.request.ClientToken === request.ClientToken)
        return { status: 200, body: { ScheduleArn: arn } };
      throw new AwsFault("ConflictException", `Schedule ${name} already exists.`, 409);
    }
    if (when.atMs < this.context.clock.now() - 1000)
      throw new AwsFault("ValidationException", "The scheduled time cannot be in the past.");
    this.arm({ name, request, createdMs: this.context.clock.now() });
    this.store();
    return { status: 200, body: { ScheduleArn: arn } };
  }

  private describe(call: AwsCall, name: string): AwsReply {
    const { arn, kept } = this.find(call, name, "scheduler:GetSchedule");
    const { ClientToken: _token, ...request } = kept.request;
    return { status: 200, body: { Arn: arn, Name: name, State: "ENABLED", ...request } };
  }

  private delete(call: AwsCall, name: string): AwsReply {
    const { arn } = this.find(call, name, "scheduler:DeleteSchedule");
    this.remove(arn);
    return { status: 200, body: {} };
  }

  private find(call: AwsCall, name: string, action: string): { readonly arn: string; readonly kept: KeptSchedule } {
    const arn = this.arnOf(call.query.get("groupName") ?? "default", name);
    this.context.iam.authorize({ caller: call.caller, action, resource: arn });
    const kept = this.created.get(arn);
    if (kept === undefined) throw new AwsFault("ResourceNotFoundException", `Schedule ${name} does not exist.`, 404);
    return { arn, kept };
  }

  // ---- firing ---------------------------------------------------------------------------------------------------

  private arm(kept: KeptSchedule): void {
    const { name, request } = kept;
    const arn = this.arnOf(request.GroupName, name);
    const when = requestedWhen(request.ScheduleExpression, request.ScheduleExpressionTimezone);
    if (when.kind !== "at") return;
    this.created.set(arn, kept);
    const target = this.targetOf(request.Target, parsedInput(request), name);
    const cancel = this.context.clock.at(when.atMs, () => {
      this.ends.delete(arn);
      if (request.ActionAfterCompletion === "DELETE") this.remove(arn);
      this.deliver(arn, target);
    });
    this.ends.set(arn, cancel);
  }

  private remove(arn: string): void {
    this.ends.get(arn)?.();
    this.ends.delete(arn);
    this.created.delete(arn);
    this.store();
  }

  private store(): void {
    if (this.path !== undefined) writePrivateFile(this.path, JSON.stringify([...this.created.values()]));
  }

  private deliver(label: string, { functionArn, payload, caller }: Target): void {
    try {
      this.invokeLater(functionArn, payload, caller);
    } catch (error) {
      // Scheduler drops what it may not deliver; the log tells.
      if (!(error instanceof AwsFault || error instanceof CountersignError)) throw error;
      this.context.log(`scheduler ${label}: not delivered: ${error.message}`);
    }
  }

  private targetOf(target: CreateSchedule["Target"], payload: unknown, name: string): Target {
    const { accountId } = this.context;
    const roleName = target.RoleArn.slice(target.RoleArn.lastIndexOf("/") + 1);
    const sessionArn = `arn:aws:sts::${accountId}:assumed-role/${roleName}/${name}`;
    return { functionArn: target.Arn, payload, caller: { principalArn: target.RoleArn, sessionArn, accountId } };
  }

  // ---- resources of the template --------------------------------------------------------------------------------

  private createGroup(request: ResourceRequest): CreatedResource {
    const name =
      parseProperties(request, GroupProperties, { Tags: "for people and bills" }).Name ?? request.defaultName;
    this.groups.add(name);
    return { ref: name, attributes: { Arn: this.groupArn(name), State: "ACTIVE" } };
  }

  private createOfTemplate(request: ResourceRequest): CreatedResource {
    const properties = parseProperties(request, ScheduleProperties, INERT);
    const name = properties.Name ?? request.defaultName;
    const place = `${request.stackName}/${request.logicalId} Properties`;
    const arn = this.arnOf(properties.GroupName, name);
    this.requireGroup(properties.GroupName);
    const zone = properties.ScheduleExpressionTimezone;
    const when = whenOf(properties.ScheduleExpression, zone, `${place}.ScheduleExpression`);
    // The schedule's group is the source that Scheduler names when it assumes the role.
    if (!this.mayAssume(properties.Target.RoleArn, this.groupArn(properties.GroupName)))
      throw new CountersignError(
        "CS-4013",
        `${place}.Target.RoleArn: ${properties.Target.RoleArn} cannot be assumed by EventBridge Scheduler; trust scheduler.amazonaws.com in it`,
      );
    const payload = templateInput(properties.Target.Input, where(request));
    if (properties.State === "ENABLED")
      this.ofTemplate.push({ label: name, when, target: this.targetOf(properties.Target, payload, name) });
    return { ref: name, attributes: { Arn: arn } };
  }

  private requireGroup(name: string): void {
    if (!this.groups.has(name))
      throw new AwsFault("ResourceNotFoundException", `Schedule group ${name} does not exist.`, 404);
  }
  private groupArn(name: string): string {
    const { accountId, region } = this.context;
    return `arn:aws:scheduler:${region}:${accountId}:schedule-group/${name}`;
  }
  private arnOf(group: string, name: string): string {
    const { accountId, region } = this.context;
    return `arn:aws:scheduler:${region}:${accountId}:schedule/${group}/${name}`;
  }
}

/** What the function gets; without an input of its own a schedule sends an empty object. */
function parsedInput({ Target }: CreateSchedule): unknown {
  try {
    return Target.Input === undefined ? {} : JSON.parse(Target.Input);
  } catch {
    throw new AwsFault("ValidationException", "Target.Input: not JSON, which a Lambda function needs");
  }
}

function templateInput(text: string | undefined, place: string): unknown {
  try {
    return text === undefined ? {} : JSON.parse(text);
  } catch (error) {
    throw new CountersignError("CS-1213", `${place}: Target.Input: not JSON: ${String(error)}`);
  }
}
