import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createSkippingClock } from "../../../lib/local/clock.js";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import { type Caller, FunctionError } from "../../../lib/local/types.js";
import { assemblyOf, BOOTSTRAP, type Fixture, FunctionRole, lambdaFunction, role } from "./fixture.js";

const CODE = `
let calls = 0;
exports.handler = async (event, context) => {
  calls += 1;
  if (event.do === "throw") { class CardError extends Error { name = "CardError"; } throw new CardError("card declined"); }
  if (event.do === "throw text") throw "just text";
  if (event.do === "exit") process.exit(3);
  if (event.do === "spin") for (;;);
  if (event.do === "sleep") await new Promise((done) => setTimeout(done, event.ms));
  if (event.do === "large") return "x".repeat(7 * 1024 * 1024);
  if (event.do === "nothing") return undefined;
  if (event.do === "print") console.log("printed by the function");
  return {
    calls, pid: process.pid, now: Date.now(), date: new Date().toISOString(), isDate: new Date() instanceof Date, fixed: new Date(0).getTime(),
    text: typeof Date(), env: process.env, argv: process.argv.length, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(), event,
    module: typeof require, cwd: process.cwd(),
  };
};`;
const ESM = `export const deep = { handler: (event) => ({ esm: event.x }) };`;

let fixture: Fixture;
let cloud: Cloud;
let dataDir: string;
const clock = createSkippingClock(Date.UTC(2030, 0, 1), "manual");

const nobody = { Sid: "x", Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
const invokeAll = { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "*" };

beforeAll(async () => {
  process.env.SECRET_OF_THE_PARENT = "must not leak";
  dataDir = mkdtempSync(join(tmpdir(), "countersign-data-"));
  fixture = assemblyOf(
    {
      main: {
        template: {
          ...BOOTSTRAP,
          Resources: {
            FunctionRole,
            Invoker: role("states.amazonaws.com", [invokeAll], { RoleName: "invoker" }),
            Stranger: role("states.amazonaws.com", [nobody], { RoleName: "stranger" }),
            Work: lambdaFunction("work", { FunctionName: "work", Environment: { Variables: { TABLE: "t1" } } }),
            Slow: lambdaFunction("work", { FunctionName: "slow", Timeout: 1 }),
            Narrow: lambdaFunction("work", { FunctionName: "narrow", ReservedConcurrentExecutions: 1 }),
            Modern: lambdaFunction("modern", { FunctionName: "modern", Handler: "index.deep.handler" }),
            Broken: lambdaFunction("broken", { FunctionName: "broken" }),
            Unexported: lambdaFunction("modern", { FunctionName: "unexported" }),
            EventRole: role("events.amazonaws.com"),
            Permission: {
              Type: "AWS::Lambda::Permission",
              Properties: {
                Action: "lambda:InvokeFunction",
                FunctionName: { Ref: "Modern" },
                Principal: "events.amazonaws.com",
                SourceArn: "arn:aws:events:eu-central-1:111111111111:rule/r1",
              },
            },
            Repeats: {
              Type: "AWS::Lambda::EventInvokeConfig",
              Properties: { FunctionName: { Ref: "Work" }, Qualifier: "$LATEST", MaximumRetryAttempts: 1 },
            },
          },
        },
      },
    },
    { work: { "index.js": CODE }, modern: { "index.mjs": ESM }, broken: { "index.mjs": `import "not-there-at-all";` } },
  );
  cloud = await startCloud({
    assembly: fixture.folder,
    dataDir,
    clock,
    hosts: { "api.example.com": "http://127.0.0.1:9" },
  });
});
afterAll(async () => {
  await cloud.close();
  fixture.remove();
  rmSync(dataDir, { recursive: true });
});

const caller = (name: string): Caller => ({
  principalArn: `arn:aws:iam::111111111111:role/${name}`,
  sessionArn: `arn:aws:sts::111111111111:assumed-role/${name}/s`,
  accountId: "111111111111",
});
const arn = (name: string) => `arn:aws:lambda:eu-central-1:111111111111:function:${name}`;
const invokeRaw = (name: string, payload: unknown) =>
  cloud.context.functions.invoke(arn(name), payload, caller("invoker"));
const Answer = z.looseObject({
  pid: z.number(),
  calls: z.number(),
  now: z.number(),
  left: z.number(),
  event: z.looseObject({}),
  env: z.record(z.string(), z.string()),
});
/** what the function `work` answers */
const invoke = async (name: string, payload: unknown) => Answer.parse(await invokeRaw(name, payload));
const failure = async (name: string, payload: unknown): Promise<FunctionError> => {
  const error = await invokeRaw(name, payload).catch((thrown: unknown) => thrown);
  if (error instanceof FunctionError) return error;
  throw new Error(`expected a FunctionError, got ${String(error)}`);
};
const client = (name: string) =>
  new LambdaClient({
    region: "eu-central-1",
    endpoint: cloud.endpoint,
    credentials: cloud.credentialsFor(`arn:aws:iam::111111111111:role/${name}`),
    maxAttempts: 1,
  });
const text = (payload: Uint8Array | undefined) => JSON.parse(Buffer.from(payload ?? []).toString("utf8"));

describe("payloads", () => {
  const size = async (InvocationType: "Event" | "RequestResponse", bytes: number) => {
    const lambda = client("invoker");
    const Payload = Buffer.from(JSON.stringify("x".repeat(bytes - 2)));
    try {
      return (await lambda.send(new InvokeCommand({ FunctionName: "work", InvocationType, Payload }))).StatusCode;
    } catch (error) {
      return error instanceof Error ? error.name : error;
    } finally {
      lambda.destroy();
    }
  };

  it("may have 6 MB, and 1 MB when nobody waits for the answer", async () => {
    expect(await size("RequestResponse", 6 * 1024 * 1024 + 1)).toBe("RequestTooLargeException");
    expect(await size("Event", 1024 * 1024 + 1)).toBe("RequestTooLargeException");
    expect(await size("Event", 1024 * 1024)).toBe(202);
    const send = (bytes: number) => cloud.lambda.invokeLater(arn("work"), "x".repeat(bytes - 2), caller("invoker"));
    expect(() => send(1024 * 1024 + 1)).toThrow(/too large for the Event invocation type/);
    await cloud.reset();
  });
});

describe("a function's child process", () => {
  it("sees its own environment, credentials and endpoint, and nothing of the parent's", async () => {
    const { env, argv, cwd, module } = await invoke("work", {});
    expect(env).toMatchObject({
      TABLE: "t1",
      AWS_REGION: "eu-central-1",
      AWS_LAMBDA_FUNCTION_NAME: "work",
      AWS_ENDPOINT_URL: cloud.endpoint,
    });
    expect(env).not.toHaveProperty("SECRET_OF_THE_PARENT");
    expect(env).not.toHaveProperty("PATH");
    expect(env.AWS_ACCESS_KEY_ID).toMatch(/^ASIA/);
    expect(JSON.parse(env.COUNTERSIGN_LOCAL_HOSTS ?? "")).toEqual({ "api.example.com": "http://127.0.0.1:9" });
    expect(argv).toBe(2);
    // a CommonJS bundle stays one, whatever package.json lies above cdk.out
    expect(module).toBe("function");
    expect(cwd).not.toContain(fixture.folder);
  });

  it("is used again, and lives in the cloud's time", async () => {
    const first = await invoke("work", {});
    expect(first).toMatchObject({
      now: clock.now(),
      isDate: true,
      fixed: 0,
      text: "string",
      date: new Date(clock.now()).toISOString(),
      arn: arn("work"),
    });
    expect(first.left).toBe(10_000);
    await clock.advance(3_600_000);
    const second = await invoke("work", {});
    expect(second.pid).toBe(first.pid);
    expect(second.calls).toBe(first.calls + 1);
    expect(second.now).toBe(first.now + 3_600_000);
  });

  it("runs concurrent invocations in children of their own", async () => {
    const answers = await Promise.all([1, 2, 3].map((x) => invoke("work", { x, do: "sleep", ms: 150 })));
    expect(new Set(answers.map((answer) => answer.pid)).size).toBe(3);
    expect(answers.map((answer) => answer.event.x)).toEqual([1, 2, 3]);
  });

  it("loads ES modules and nested exports", async () => {
    expect(await invokeRaw("modern", { x: 7 })).toEqual({ esm: 7 });
  });

  it("answers null for undefined, and prints into its log file", async () => {
    expect(await invokeRaw("work", { do: "nothing" })).toBeNull();
    await invoke("work", { do: "print" });
    await expect
      .poll(() => readFileSync(join(dataDir, "logs", "work.log"), "utf8"))
      .toContain("printed by the function");
  });
});

describe("a function that fails", () => {
  it("gives its error's name, message and trace", async () => {
    const error = await failure("work", { do: "throw" });
    expect(error).toMatchObject({ errorType: "CardError", errorMessage: "card declined" });
    expect(JSON.parse(error.cause)).toMatchObject({
      errorType: "CardError",
      errorMessage: "card declined",
      trace: expect.arrayContaining(["CardError: card declined"]),
    });
    expect(await failure("work", { do: "throw text" })).toMatchObject({
      errorType: "string",
      errorMessage: "just text",
    });
  });

  it("is ended when its time is over, also when it spins, and starts anew", async () => {
    const asleep = await failure("slow", { do: "sleep", ms: 60_000 });
    expect(asleep.errorType).toBe("Sandbox.Timedout");
    expect(asleep.errorMessage).toMatch(/Task timed out after 1\.00 seconds$/);
    expect((await failure("slow", { do: "spin" })).errorType).toBe("Sandbox.Timedout");
    expect((await invoke("slow", {})).calls).toBe(1);
  });

  it("says so when it exits, cannot be loaded, has no such handler, or answers too much", async () => {
    expect(await failure("work", { do: "exit" })).toMatchObject({
      errorType: "Runtime.ExitError",
      errorMessage: expect.stringContaining("exit status 3"),
    });
    expect(await failure("broken", {})).toMatchObject({
      errorType: "Runtime.ImportModuleError",
      errorMessage: expect.stringContaining("not-there-at-all"),
    });
    expect((await failure("unexported", {})).errorType).toBe("Runtime.HandlerNotFound");
    expect((await failure("work", { do: "large" })).errorType).toBe("Function.ResponseSizeTooLarge");
    expect((await invoke("work", {})).calls).toBeGreaterThan(0);
  });

  it("throttles beyond its reserved concurrency", async () => {
    const first = invoke("narrow", { do: "sleep", ms: 200 });
    await expect(invoke("narrow", {})).rejects.toMatchObject({ code: "TooManyRequestsException", status: 429 });
    await first;
    expect((await invoke("narrow", {})).calls).toBe(2);
  });
});

describe("who may invoke", () => {
  it("is decided by the caller's role or the function's policy", async () => {
    await expect(cloud.context.functions.invoke(arn("work"), {}, caller("stranger"))).rejects.toMatchObject({
      code: "AccessDeniedException",
      message: expect.stringContaining("lambda:InvokeFunction"),
    });
    const events = (rule: string): Caller => ({
      principalArn: "events.amazonaws.com",
      sessionArn: "events.amazonaws.com",
      accountId: "111111111111",
      service: "events.amazonaws.com",
      sourceArn: `arn:aws:events:eu-central-1:111111111111:rule/${rule}`,
    });
    expect(await cloud.context.functions.invoke(arn("modern"), { x: 1 }, events("r1"))).toEqual({ esm: 1 });
    await expect(cloud.context.functions.invoke(arn("modern"), {}, events("r2"))).rejects.toMatchObject({
      code: "AccessDeniedException",
    });
    await expect(cloud.context.functions.invoke(arn("work"), {}, events("r1"))).rejects.toMatchObject({
      code: "AccessDeniedException",
    });
    await expect(invoke("absent", {})).rejects.toMatchObject({ code: "ResourceNotFoundException" });
  });
});

describe("Invoke through the SDK", () => {
  it("answers payloads and function errors as Lambda does", async () => {
    const good = await client("invoker").send(
      new InvokeCommand({ FunctionName: "modern", Payload: Buffer.from('{"x":2}') }),
    );
    expect([good.StatusCode, good.FunctionError, text(good.Payload), good.ExecutedVersion]).toEqual([
      200,
      undefined,
      { esm: 2 },
      "$LATEST",
    ]);
    const bad = await client("invoker").send(
      new InvokeCommand({ FunctionName: arn("work"), Payload: Buffer.from('{"do":"throw"}') }),
    );
    expect([bad.StatusCode, bad.FunctionError, text(bad.Payload).errorType]).toEqual([200, "Unhandled", "CardError"]);
  });

  it("refuses with the exceptions of Lambda", async () => {
    await expect(client("stranger").send(new InvokeCommand({ FunctionName: "work" }))).rejects.toMatchObject({
      name: "AccessDeniedException",
      $metadata: { httpStatusCode: 403 },
    });
    await expect(client("invoker").send(new InvokeCommand({ FunctionName: "absent" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await expect(
      client("invoker").send(new InvokeCommand({ FunctionName: "work", Payload: Buffer.from("{") })),
    ).rejects.toMatchObject({ name: "InvalidRequestContentException" });
    await expect(
      client("invoker").send(new InvokeCommand({ FunctionName: "work", Qualifier: "3" })),
    ).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("repeats a failed asynchronous invocation a minute later, as often as configured", async () => {
    const log = () => readFileSync(join(dataDir, "logs", "cloud.log"), "utf8");
    const answer = await client("invoker").send(
      new InvokeCommand({ FunctionName: "work", InvocationType: "Event", Payload: Buffer.from('{"do":"throw"}') }),
    );
    expect(answer.StatusCode).toBe(202);
    await clock.advance(59_000);
    expect(log().match(/card declined/g)).toHaveLength(1);
    await clock.advance(600_000);
    await expect
      .poll(() => log().match(/card declined; it is (repeated|dropped)/g))
      .toEqual(["card declined; it is repeated", "card declined; it is dropped"]);
  });
});

it("ends every child when the cloud closes", async () => {
  const { pid } = await invoke("work", {});
  expect(() => process.kill(pid, 0)).not.toThrow();
  await cloud.close();
  expect(() => process.kill(pid, 0)).toThrow();
  await cloud.close();
});
