import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSkippingClock } from "../../../lib/local/clock.js";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import { compileInput } from "../../../lib/local/events/input.js";
import { compilePattern } from "../../../lib/local/events/pattern.js";
import { rateMs } from "../../../lib/local/events/schedule.js";
import { assemblyOf, type Fixture, FunctionRole, lambdaFunction, role } from "./fixture.js";

const CODE = `exports.handler = async (event) => { console.log(JSON.stringify(event)); };`;
const START = Date.UTC(2030, 0, 1);
const clock = createSkippingClock(START, "manual");
let fixture: Fixture;
let cloud: Cloud;
let dataDir: string;
let seen = 0;
const lines = () =>
  readFileSync(join(dataDir, "logs", "sink.log"), { encoding: "utf8", flag: "a+" })
    .split("\n")
    .filter(Boolean);
/** what the function has printed since the test began, once it has printed `count` */
const printed = async (count: number): Promise<unknown[]> => {
  await expect.poll(() => lines().length - seen).toBeGreaterThanOrEqual(count);
  return lines()
    .slice(seen)
    .map((line) => JSON.parse(line));
};
const cloudLog = () => readFileSync(join(dataDir, "logs", "cloud.log"), { encoding: "utf8", flag: "a+" });

const rule = (properties: Record<string, unknown>) => ({
  Type: "AWS::Events::Rule",
  Properties: { State: "ENABLED", Targets: [{ Id: "Target0", Arn: { "Fn::GetAtt": ["Sink", "Arn"] } }], ...properties },
});
const permission = (ruleId: string) => ({
  Type: "AWS::Lambda::Permission",
  Properties: {
    Action: "lambda:InvokeFunction",
    FunctionName: { "Fn::GetAtt": ["Sink", "Arn"] },
    Principal: "events.amazonaws.com",
    SourceArn: { "Fn::GetAtt": [ruleId, "Arn"] },
  },
});
const failed = {
  source: ["aws.states"],
  "detail-type": ["Step Functions Execution Status Change"],
  detail: { status: ["FAILED", "TIMED_OUT"], stateMachineArn: [{ prefix: "arn:aws:states:" }] },
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "countersign-data-"));
  fixture = assemblyOf(
    {
      main: {
        template: {
          Resources: {
            FunctionRole,
            Sink: lambdaFunction("sink", { FunctionName: "sink" }),
            Failed: rule({
              EventPattern: failed,
              Targets: [
                {
                  Id: "T",
                  Arn: { "Fn::GetAtt": ["Sink", "Arn"] },
                  RetryPolicy: { MaximumRetryAttempts: 2 },
                  InputTransformer: {
                    InputPathsMap: { "detail-status": "$.detail.status", all: "$.detail" },
                    InputTemplate: '{"status":<detail-status>,"text":"it <detail-status>!","all":<all>}',
                  },
                },
              ],
            }),
            FailedPermission: permission("Failed"),
            Whole: rule({ EventPattern: { source: ["whole"] } }),
            WholePermission: permission("Whole"),
            Off: rule({ EventPattern: { source: ["whole"] }, State: "DISABLED" }),
            Unpermitted: rule({ Name: "unpermitted", EventPattern: { source: ["forbidden"] } }),
            Sweep: rule({ Name: "sweep", ScheduleExpression: "rate(5 minutes)" }),
            SweepPermission: permission("Sweep"),
            SchedulerRole: role("scheduler.amazonaws.com", [
              { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: { "Fn::GetAtt": ["Sink", "Arn"] } },
            ]),
            Hourly: {
              Type: "AWS::Scheduler::Schedule",
              Properties: {
                FlexibleTimeWindow: { Mode: "OFF" },
                ScheduleExpression: "rate(1 hour)",
                ScheduleExpressionTimezone: "Etc/UTC",
                State: "ENABLED",
                Target: {
                  Arn: { "Fn::GetAtt": ["Sink", "Arn"] },
                  RoleArn: { "Fn::GetAtt": ["SchedulerRole", "Arn"] },
                  Input: '{"hourly":true}',
                  RetryPolicy: { MaximumRetryAttempts: 185 },
                },
              },
            },
          },
        },
      },
    },
    { sink: { "index.js": CODE } },
  );
  cloud = await startCloud({ assembly: fixture.folder, dataDir, clock });
});
afterAll(async () => {
  await cloud.close();
  fixture.remove();
  rmSync(dataDir, { recursive: true });
});
beforeEach(() => {
  seen = lines().length;
});

const statusChange = (detail: Record<string, unknown>) => ({
  source: "aws.states",
  "detail-type": "Step Functions Execution Status Change",
  resources: ["arn:x"],
  detail,
});

describe("rules on the bus", () => {
  it("deliver matching events, transformed, and no others", async () => {
    cloud.context.publish(statusChange({ status: "SUCCEEDED", stateMachineArn: "arn:aws:states:x" }));
    cloud.context.publish(statusChange({ status: "FAILED", stateMachineArn: "arn:other" }));
    cloud.context.publish(statusChange({ status: "FAILED", stateMachineArn: "arn:aws:states:x" }));
    const detail = { status: "FAILED", stateMachineArn: "arn:aws:states:x" };
    expect(await printed(1)).toEqual([{ status: "FAILED", text: "it FAILED!", all: detail }]);
  });

  it("deliver the whole event with its envelope", async () => {
    cloud.context.publish({ source: "whole", "detail-type": "any", resources: ["arn:r"], detail: { x: 1 } });
    expect(await printed(1)).toEqual([
      {
        version: "0",
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        "detail-type": "any",
        source: "whole",
        account: "111111111111",
        time: "2030-01-01T00:00:00Z",
        region: "eu-central-1",
        resources: ["arn:r"],
        detail: { x: 1 },
      },
    ]);
  });

  it("cannot invoke a function that has not permitted the rule", () => {
    cloud.context.publish({ source: "forbidden", "detail-type": "any", resources: [], detail: {} });
    expect(cloudLog()).toMatch(/events unpermitted: not delivered: .*lambda:InvokeFunction/);
  });
});

describe("schedules", () => {
  it("fire at their rate of the cloud's time, each as its own principal", async () => {
    await clock.advance(4 * 60_000);
    expect(lines().length).toBe(seen);
    await clock.advance(60_000);
    expect(await printed(1)).toMatchObject([
      {
        source: "aws.events",
        "detail-type": "Scheduled Event",
        time: "2030-01-01T00:05:00Z",
        resources: [expect.stringMatching(/:rule\/sweep$/)],
        detail: {},
      },
    ]);
    await clock.advance(55 * 60_000);
    const all = await printed(13);
    expect(all).toHaveLength(13);
    expect(all.filter((event) => JSON.stringify(event) === '{"hourly":true}')).toHaveLength(1);
  });

  it("start anew at a reset", async () => {
    await clock.advance(3 * 60_000);
    await cloud.reset();
    await clock.advance(4 * 60_000);
    expect(lines().length).toBe(seen);
    await clock.advance(60_000);
    await printed(1);
  });

  it("do not fire when switched off", async () => {
    const quiet = await startCloud({ assembly: fixture.folder, clock, schedules: false });
    const before = clock.nextTimerMs();
    await quiet.close();
    expect(clock.nextTimerMs()).toBe(before);
  });
});

describe("patterns", () => {
  const matches = (pattern: unknown, event: unknown) => compilePattern(pattern, "p")(event);
  it("match values, prefixes, existence and exclusions; lists by any element", () => {
    const event = { a: "x", n: 3, none: null, list: ["u", "v"], deep: { b: true } };
    const yes = [
      {},
      { a: ["x", "y"] },
      { n: [3] },
      { none: [null] },
      { list: ["v"] },
      { deep: { b: [true] } },
      { a: [{ prefix: "" }] },
      { z: [{ exists: false }] },
      { deep: { b: [{ exists: true }] } },
      { a: [{ "anything-but": ["y"] }] },
      { a: [{ "anything-but": "y" }] },
    ];
    const no = [
      { a: ["y"] },
      { n: ["3"] },
      { z: ["x"] },
      { z: [null] },
      { deep: { c: [true] } },
      { a: { b: ["x"] } },
      { a: [{ prefix: "y" }] },
      { a: [{ exists: false }] },
      { a: [{ "anything-but": ["x"] }] },
      { z: [{ "anything-but": ["x"] }] },
      { a: [] },
    ];
    for (const pattern of yes) expect(matches(pattern, event), JSON.stringify(pattern)).toBe(true);
    for (const pattern of no) expect(matches(pattern, event), JSON.stringify(pattern)).toBe(false);
  });
  it("refuse what is not modelled, with its place", () => {
    for (const pattern of [
      { a: [{ numeric: ["<", 1] }] },
      { a: [{ cidr: "10.0.0.0/8" }] },
      { $or: [{}] },
      { a: "x" },
      [],
      { a: [{ prefix: "x", suffix: "y" }] },
      { a: [{ "anything-but": { prefix: "x" } }] },
    ]) {
      expect(() => compilePattern(pattern, "p"), JSON.stringify(pattern)).toThrow(
        expect.objectContaining({ code: "CS-1213" }),
      );
    }
  });
});

describe("input transformers", () => {
  it("put any JSON value where the placeholder stands, inside and outside of strings", () => {
    const settings = {
      InputTransformer: {
        InputPathsMap: { v: "$.detail.v" },
        InputTemplate: '{"raw":<v>,"text":"<<v>>","q":"a \\"<v>\\""}',
      },
    };
    const inputOf = compileInput(settings, "t");
    fc.assert(
      fc.property(fc.jsonValue(), (v) => {
        const plain = JSON.parse(JSON.stringify(v));
        const text = typeof plain === "string" ? plain : JSON.stringify(plain);
        expect(inputOf({ detail: { v: plain } })).toEqual({ raw: plain, text: `<${text}>`, q: `a "${text}"` });
      }),
    );
    expect(inputOf({})).toEqual({ raw: null, text: "<null>", q: 'a "null"' });
  });
  it("refuse unknown placeholders, paths and text that is no JSON", () => {
    const bad = [
      { InputTransformer: { InputPathsMap: {}, InputTemplate: "<aws.events.rule-arn>" } },
      { InputTransformer: { InputPathsMap: { x: "$.a[0]" }, InputTemplate: "<x>" } },
      { Input: "{" },
    ];
    for (const settings of bad)
      expect(() => compileInput(settings, "t")).toThrow(expect.objectContaining({ code: "CS-1213" }));
  });
});

it("rates", () => {
  expect([rateMs("rate(1 minute)", "w"), rateMs("rate(2 hours)", "w"), rateMs("rate(3 days)", "w")]).toEqual([
    60_000, 7_200_000, 259_200_000,
  ]);
  for (const text of ["rate(0 minutes)", "rate(1 week)", "cron(0 12 * * ? *)", "at(2030-01-01T00:00:00)", ""])
    expect(() => rateMs(text, "w")).toThrow(expect.objectContaining({ code: "CS-1213" }));
});
