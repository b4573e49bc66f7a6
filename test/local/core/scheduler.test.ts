import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSkippingClock } from "../../../lib/local/clock.js";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import { assemblyOf, type Fixture, FunctionRole, lambdaFunction, role } from "./fixture.js";

const CODE = `exports.handler = async (event) => { console.log(JSON.stringify(event)); };`;
const START = Date.UTC(2030, 0, 1);
const ARN = "arn:aws:scheduler:eu-central-1:111111111111";
const SINK = { "Fn::GetAtt": ["Sink", "Arn"] };

const template = {
  Resources: {
    FunctionRole,
    Sink: lambdaFunction("sink", { FunctionName: "sink" }),
    Group: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: "reminders" } },
    SchedulerRole: role(
      "scheduler.amazonaws.com",
      [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: SINK }],
      { RoleName: "wakes-sink" },
    ),
    Powerless: role("scheduler.amazonaws.com", [], { RoleName: "powerless" }),
    Stranger: role("lambda.amazonaws.com", [], { RoleName: "stranger" }),
  },
};

let fixture: Fixture;
let dataDir: string;
let cloud: Cloud;
const clock = createSkippingClock(START, "manual");
const statements = (resource: string) => [
  { Effect: "Allow" as const, Action: ["scheduler:*"], Resource: resource },
  { Effect: "Allow" as const, Action: "iam:PassRole", Resource: "arn:aws:iam::111111111111:role/*" },
];
const open = () =>
  startCloud({
    assembly: fixture.folder,
    clock,
    dataDir,
    schedules: false,
    people: {
      asker: [{ Version: "2012-10-17", Statement: statements(`${ARN}:schedule/reminders/*`) }],
      narrow: [{ Version: "2012-10-17", Statement: statements(`${ARN}:schedule/reminders/*`).slice(0, 1) }],
    },
  });

beforeAll(() => {
  fixture = assemblyOf({ main: { template } }, { sink: { "index.js": CODE } });
});
afterAll(() => {
  fixture.remove();
  clock.close();
});
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "countersign-data-"));
  clock.restart(START);
  cloud = await open();
});
afterEach(async () => {
  await cloud.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const client = (who = "asker") =>
  new SchedulerClient({
    region: "eu-central-1",
    endpoint: cloud.endpoint,
    maxAttempts: 1,
    credentials: cloud.credentialsFor(`arn:aws:iam::111111111111:role/${who}`),
  });
const schedule = (Name: string, at: string, more: Partial<CreateScheduleCommand["input"]> = {}) =>
  new CreateScheduleCommand({
    Name,
    GroupName: "reminders",
    ScheduleExpression: `at(${at})`,
    FlexibleTimeWindow: { Mode: "OFF" },
    ActionAfterCompletion: "DELETE",
    Target: {
      Arn: "arn:aws:lambda:eu-central-1:111111111111:function:sink",
      RoleArn: "arn:aws:iam::111111111111:role/wakes-sink",
      Input: '{"remind":1}',
    },
    ...more,
  });
const printed = () => readFileSync(join(dataDir, "logs", "sink.log"), { encoding: "utf8", flag: "a+" });

describe("a schedule that a function creates", () => {
  it("fires once at its time and is gone", async () => {
    const { ScheduleArn } = await client().send(schedule("r-1", "2030-01-01T00:10:00"));
    expect(ScheduleArn).toBe(`${ARN}:schedule/reminders/r-1`);
    await clock.advance(9 * 60_000);
    expect(printed()).toBe("");
    await clock.advance(60_000);
    await expect.poll(printed).toBe('{"remind":1}\n');
    await clock.advance(3_600_000);
    expect(printed()).toBe('{"remind":1}\n');
    const get = new GetScheduleCommand({ Name: "r-1", GroupName: "reminders" });
    await expect(client().send(get)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("is there once: the same request again is answered, another one under its name is refused", async () => {
    const first = schedule("r-1", "2030-01-01T00:10:00", { ClientToken: "a" });
    await client().send(first);
    await client().send(first);
    await expect(client().send(schedule("r-1", "2030-01-01T00:20:00", { ClientToken: "b" }))).rejects.toMatchObject({
      name: "ConflictException",
    });
    await clock.advance(3_600_000);
    await expect.poll(printed).toBe('{"remind":1}\n');
  });

  it("outlives the process, and can be deleted", async () => {
    await client().send(schedule("keep", "2030-01-01T00:10:00"));
    await client().send(schedule("drop", "2030-01-01T00:10:00"));
    await cloud.close();
    cloud = await open();
    await client().send(new DeleteScheduleCommand({ Name: "drop", GroupName: "reminders" }));
    await clock.advance(600_000);
    await expect.poll(printed).toBe('{"remind":1}\n');
  });

  it("is gone after a reset", async () => {
    await client().send(schedule("r-1", "2030-01-01T00:10:00"));
    await cloud.reset();
    await clock.advance(3_600_000);
    expect(printed()).toBe("");
  });
});

describe("what is refused", () => {
  const target = { Arn: "arn:aws:lambda:eu-central-1:111111111111:function:sink", Input: "{}" };
  it.each([
    ["another group than granted", { GroupName: "default" }, "AccessDeniedException"],
    ["the past", { ScheduleExpression: "at(2029-12-31T23:00:00)" }, "ValidationException"],
    ["a day that is not there", { ScheduleExpression: "at(2030-02-30T00:00:00)" }, "ValidationException"],
    ["a rate", { ScheduleExpression: "rate(5 minutes)" }, "ValidationException"],
    ["another zone", { ScheduleExpressionTimezone: "Europe/Berlin" }, "ValidationException"],
    [
      "a role that does not trust Scheduler",
      { Target: { ...target, RoleArn: "arn:aws:iam::111111111111:role/stranger" } },
      "ValidationException",
    ],
    [
      "an input that is no JSON",
      { Target: { ...target, Input: "{", RoleArn: "arn:aws:iam::111111111111:role/wakes-sink" } },
      "ValidationException",
    ],
  ])("%s", async (_, more, name) => {
    await expect(client().send(schedule("r-1", "2030-01-01T00:10:00", more))).rejects.toMatchObject({ name });
  });

  it("a role that the caller may not pass on", async () => {
    await expect(client("narrow").send(schedule("r-1", "2030-01-01T00:10:00"))).rejects.toThrow(/iam:PassRole/);
  });

  it("at its time, a function that its role may not invoke", async () => {
    const powerless = { ...target, RoleArn: "arn:aws:iam::111111111111:role/powerless" };
    await client().send(schedule("r-1", "2030-01-01T00:10:00", { Target: powerless }));
    await clock.advance(600_000);
    const log = readFileSync(join(dataDir, "logs", "cloud.log"), "utf8");
    expect(log).toMatch(/scheduler .*r-1: not delivered: .*lambda:InvokeFunction/);
    expect(printed()).toBe("");
  });
});

it("a schedule of the template needs a role that Scheduler may assume", async () => {
  const hourly = {
    Type: "AWS::Scheduler::Schedule",
    Properties: {
      FlexibleTimeWindow: { Mode: "OFF" },
      ScheduleExpression: "rate(1 hour)",
      Target: {
        Arn: "arn:aws:lambda:eu-central-1:111111111111:function:x",
        RoleArn: { "Fn::GetAtt": ["Wrong", "Arn"] },
      },
    },
  };
  const wrong = assemblyOf({
    main: { template: { Resources: { Wrong: role("lambda.amazonaws.com"), Hourly: hourly } } },
  });
  await expect(startCloud({ assembly: wrong.folder })).rejects.toThrow(
    /main\/Hourly Properties: CS-4013 .*cannot be assumed by EventBridge Scheduler/,
  );
  wrong.remove();
});
