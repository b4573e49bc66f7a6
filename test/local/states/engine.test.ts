// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its substitutions so
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { CountersignError } from "../../../lib/errors.js";
import { createSkippingClock, type SkippingClock } from "../../../lib/local/clock.js";
import { createStatesEngine, type StatesEngine } from "../../../lib/local/states/engine.js";
import {
  type AccessQuestion,
  AwsFault,
  type BusEvent,
  type Caller,
  type CloudContext,
} from "../../../lib/local/types.js";
import { FUNCTION, invoke, machine, START, waitForToken } from "./support.js";

const MACHINE = "arn:aws:states:us-east-1:111111111111:stateMachine:orders";
const EXECUTION = "arn:aws:states:us-east-1:111111111111:execution:orders";
const ROLE = "arn:aws:iam::111111111111:role/orders-machine";
const operator: Caller = {
  principalArn: "arn:aws:iam::111111111111:role/operator",
  sessionArn: "arn:aws:sts::111111111111:assumed-role/operator/me",
  accountId: "111111111111",
};

interface Cloud {
  readonly engine: StatesEngine;
  readonly clock: SkippingClock;
  readonly published: BusEvent[];
  readonly asked: AccessQuestion[];
  readonly log: string[];
  call(operation: string, request: object): Promise<Record<string, unknown>>;
}
interface CloudOptions {
  readonly dataDir?: string;
  readonly work?: (payload: unknown) => unknown;
  readonly allow?: (question: AccessQuestion) => boolean;
  readonly publish?: (event: BusEvent) => void;
}

const Body = z.record(z.string(), z.unknown());

function cloud(options: CloudOptions = {}): Cloud {
  const clock = createSkippingClock(Date.parse(START), "manual");
  const published: BusEvent[] = [];
  const asked: AccessQuestion[] = [];
  const log: string[] = [];
  const evaluate = (question: AccessQuestion) => {
    asked.push(question);
    return { allowed: options.allow?.(question) ?? true, message: `not allowed: ${question.action}` };
  };
  const context: CloudContext = {
    region: "us-east-1",
    accountId: "111111111111",
    clock,
    iam: {
      evaluate,
      authorize(question) {
        const answer = evaluate(question);
        if (!answer.allowed) throw new AwsFault("AccessDeniedException", answer.message, 403);
      },
    },
    functions: { invoke: async (_, payload) => options.work?.(payload) ?? null },
    endpoint: () => "http://127.0.0.1:1",
    publish: options.publish ?? ((event) => published.push(event)),
    log: (line) => log.push(line),
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
  };
  const engine = createStatesEngine(context);
  return {
    engine,
    clock,
    published,
    asked,
    log,
    async call(operation, request) {
      const reply = await engine.handle({
        service: "states",
        caller: operator,
        method: "POST",
        path: "/",
        query: new URLSearchParams(),
        headers: {},
        body: Buffer.from(JSON.stringify(request)),
        operation,
      });
      return Body.parse(reply.body);
    },
  };
}

const waiting = machine({ Ask: waitForToken({ End: true }) });
const passing = machine({ Pass: { Type: "Pass", Output: "{% $states.input.n %}", End: true } });

async function withMachine(definition: object, options: CloudOptions = {}): Promise<Cloud> {
  const made = cloud(options);
  await made.call("CreateStateMachine", { name: "orders", definition: JSON.stringify(definition), roleArn: ROLE });
  return made;
}

const create = (engine: StatesEngine, properties: Record<string, unknown>) =>
  engine.resources["AWS::StepFunctions::StateMachine"]?.({
    type: "AWS::StepFunctions::StateMachine",
    logicalId: "Machine",
    stackName: "orders-dev",
    defaultName: "orders-dev-Machine-1",
    metadata: {},
    properties,
  });

describe("the CloudFormation resource", () => {
  it("takes the definition as text or document, with substitutions", async () => {
    const { engine } = cloud({ work: () => 1 });
    const task = invoke({ Arguments: { FunctionName: "${Function}" }, TimeoutSeconds: "SECONDS", End: true });
    const text = JSON.stringify(machine({ Work: task })).replace('"SECONDS"', "${Seconds}");
    const created = await create(engine, {
      DefinitionString: text,
      DefinitionSubstitutions: { Function: FUNCTION, Seconds: 9 },
      RoleArn: ROLE,
      StateMachineName: "orders",
      StateMachineType: "STANDARD",
      LoggingConfiguration: {
        Level: "ALL",
        IncludeExecutionData: true,
        Destinations: [
          { CloudWatchLogsLogGroup: { LogGroupArn: "arn:aws:logs:us-east-1:111111111111:log-group:x:*" } },
        ],
      },
      TracingConfiguration: { Enabled: true },
      Tags: [{ Key: "stage", Value: "dev" }],
    });
    expect(created).toEqual({
      ref: MACHINE,
      attributes: { Arn: MACHINE, Name: "orders", StateMachineRevisionId: "INITIAL" },
    });
    const second = await create(engine, { Definition: passing, RoleArn: ROLE });
    expect(second?.ref).toBe("arn:aws:states:us-east-1:111111111111:stateMachine:orders-dev-Machine-1");
    expect(engine.stateMachines().map((each) => [each.name, each.tags])).toEqual([
      ["orders", { stage: "dev" }],
      ["orders-dev-Machine-1", {}],
    ]);
    const { executionArn } = engine.executions.start({ stateMachineArn: MACHINE });
    await engine.executions.completion(executionArn);
    expect(engine.executions.history(executionArn)[2]?.details).toMatchObject({
      parameters: JSON.stringify({ FunctionName: FUNCTION }),
      timeoutInSeconds: 9,
    });
  });

  it.each([
    [
      "an unknown property",
      { DefinitionString: "{}", RoleArn: ROLE, EncryptionConfiguration: {} },
      "CS-4030",
      "EncryptionConfiguration",
    ],
    [
      "an express machine",
      { DefinitionString: "{}", RoleArn: ROLE, StateMachineType: "EXPRESS" },
      "CS-4030",
      "StateMachineType",
    ],
    ["no role", { DefinitionString: "{}" }, "CS-4030", "RoleArn"],
    ["no definition", { RoleArn: ROLE }, "CS-1260", "either DefinitionString or Definition"],
    ["a substitution without a value", { DefinitionString: '{"a": "${Nope}"}', RoleArn: ROLE }, "CS-1260", "${Nope}"],
    [
      "a definition that is not modelled",
      { Definition: { StartAt: "A", States: { A: { Type: "Succeed" } } }, RoleArn: ROLE },
      "CS-1251",
      'state "A"',
    ],
  ])("refuses %s", async (_, properties, code, message) => {
    const refused = (async () => create(cloud().engine, properties))();
    await expect(refused).rejects.toThrow(CountersignError);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe("StartExecution", () => {
  it("runs the machine and tells EventBridge about every change", async () => {
    const made = await withMachine(passing);
    const started = await made.call("StartExecution", { stateMachineArn: MACHINE, name: "run-1", input: '{"n":7}' });
    expect(started).toEqual({ executionArn: `${EXECUTION}:run-1`, startDate: Date.parse(START) / 1000 });
    await made.engine.executions.completion(`${EXECUTION}:run-1`);
    expect(await made.call("DescribeExecution", { executionArn: `${EXECUTION}:run-1` })).toMatchObject({
      status: "SUCCEEDED",
      input: '{"n":7}',
      output: "7",
      stateMachineArn: MACHINE,
      name: "run-1",
      stopDate: Date.parse(START) / 1000,
    });
    expect(
      made.published.map((event) => [
        event.source,
        event["detail-type"],
        event.resources,
        event.detail.status,
        event.detail.output,
      ]),
    ).toEqual([
      ["aws.states", "Step Functions Execution Status Change", [`${EXECUTION}:run-1`], "RUNNING", null],
      ["aws.states", "Step Functions Execution Status Change", [`${EXECUTION}:run-1`], "SUCCEEDED", "7"],
    ]);
  });

  it("answers the running execution for the same name and input, and refuses another input or a used name", async () => {
    const made = await withMachine(waiting);
    const request = { stateMachineArn: MACHINE, name: "run-1", input: "{}" };
    const first = await made.call("StartExecution", request);
    await made.clock.advance(5_000);
    expect(await made.call("StartExecution", request)).toEqual(first);
    expect(made.engine.executions.list()).toHaveLength(1);
    const exists = { code: "ExecutionAlreadyExists" };
    await expect(made.call("StartExecution", { ...request, input: "{ }" })).rejects.toMatchObject(exists);
    await made.call("StopExecution", { executionArn: `${EXECUTION}:run-1` });
    await expect(made.call("StartExecution", request)).rejects.toMatchObject(exists);
  });

  it.each([
    [{ stateMachineArn: MACHINE, input: "{" }, "InvalidExecutionInput"],
    [{ stateMachineArn: MACHINE, input: JSON.stringify("x".repeat(262_144)) }, "ValidationException"],
    [{ stateMachineArn: MACHINE, input: JSON.stringify("ü".repeat(131_072)) }, "InvalidExecutionInput"],
    [{ stateMachineArn: MACHINE, name: "a/../b" }, "InvalidName"],
    [{ stateMachineArn: `${MACHINE}-2` }, "StateMachineDoesNotExist"],
    [{ stateMachineArn: "orders" }, "ValidationException"],
    [{ stateMachineArn: MACHINE, traceHeader: "x" }, "NotImplemented"],
  ])("refuses %j", async (request, code) => {
    await expect((await withMachine(passing)).call("StartExecution", request)).rejects.toMatchObject({ code });
  });
});

describe("permissions", () => {
  it.each([
    ["StartExecution", { stateMachineArn: MACHINE }, MACHINE],
    ["StopExecution", { executionArn: `${EXECUTION}:x` }, `${EXECUTION}:x`],
    ["DescribeExecution", { executionArn: `${EXECUTION}:x` }, `${EXECUTION}:x`],
    ["GetExecutionHistory", { executionArn: `${EXECUTION}:x` }, `${EXECUTION}:x`],
    ["ListExecutions", { stateMachineArn: MACHINE }, MACHINE],
    ["DescribeStateMachine", { stateMachineArn: MACHINE }, MACHINE],
    ["ListStateMachines", {}, "*"],
    ["CreateStateMachine", { name: "orders", definition: "{}", roleArn: ROLE }, MACHINE],
    ["ValidateStateMachineDefinition", { definition: "{}" }, "*"],
    ["SendTaskSuccess", { taskToken: "x", output: "{}" }, "*"],
    ["SendTaskFailure", { taskToken: "x" }, "*"],
    ["SendTaskHeartbeat", { taskToken: "x" }, "*"],
  ])("%s asks IAM first, on its resource", async (operation, request, resource) => {
    const made = cloud({ allow: () => false });
    await expect(made.call(operation, request)).rejects.toMatchObject({ code: "AccessDeniedException" });
    expect(made.asked).toEqual([{ caller: operator, action: `states:${operation}`, resource }]);
  });

  it("an operation that is not modelled is refused", async () => {
    await expect(cloud().call("RedriveExecution", {})).rejects.toMatchObject({ code: "NotImplemented" });
  });
});

describe("task tokens over the wire", () => {
  async function submitted(): Promise<Cloud & { readonly token: string }> {
    let token = "";
    const Asked = z.object({ token: z.string() });
    const made = await withMachine(waiting, {
      work: (payload) => {
        token = Asked.parse(payload).token;
        return "asked";
      },
    });
    await made.call("StartExecution", { stateMachineArn: MACHINE, name: "run-1" });
    await made.clock.settled();
    return { ...made, token };
  }

  it("finish the task once", async () => {
    const made = await submitted();
    expect(await made.call("SendTaskHeartbeat", { taskToken: made.token })).toEqual({});
    await expect(made.call("SendTaskSuccess", { taskToken: made.token, output: "{" })).rejects.toMatchObject({
      code: "InvalidOutput",
    });
    expect(await made.call("SendTaskSuccess", { taskToken: made.token, output: '{"ok":true}' })).toEqual({});
    expect(await made.engine.executions.completion(`${EXECUTION}:run-1`)).toMatchObject({
      status: "SUCCEEDED",
      output: '{"ok":true}',
    });
    await expect(made.call("SendTaskFailure", { taskToken: made.token })).rejects.toMatchObject({
      code: "TaskTimedOut",
    });
  });

  it("fail the task with what was sent", async () => {
    const made = await submitted();
    await made.call("SendTaskFailure", { taskToken: made.token, error: "Rejected", cause: "too much" });
    expect(await made.engine.executions.completion(`${EXECUTION}:run-1`)).toMatchObject({
      status: "FAILED",
      error: "Rejected",
      cause: "too much",
    });
    expect(made.published.at(-1)?.detail).toMatchObject({ status: "FAILED", error: "Rejected", cause: "too much" });
  });

  it("do not reach the log", async () => {
    const made = await submitted();
    await made.call("SendTaskSuccess", { taskToken: made.token, output: "1" });
    expect(made.log.join()).not.toContain(made.token);
  });
});

describe("GetExecutionHistory", () => {
  it("answers AWS's shape, in pages, also backwards", async () => {
    const made = await withMachine(
      machine({ Set: { Type: "Pass", Assign: { v: { a: 1 } }, Next: "Work" }, Work: invoke({ End: true }) }),
    );
    const executionArn = `${EXECUTION}:run-1`;
    await made.call("StartExecution", { stateMachineArn: MACHINE, name: "run-1", input: "{}" });
    await made.engine.executions.completion(executionArn);
    const timestamp = Date.parse(START) / 1000;
    const Page = z.object({ events: z.array(Body), nextToken: z.string().optional() });
    const first = Page.parse(await made.call("GetExecutionHistory", { executionArn, maxResults: 5 }));
    expect(first.events).toEqual([
      {
        timestamp,
        type: "ExecutionStarted",
        id: 1,
        previousEventId: 0,
        executionStartedEventDetails: { input: "{}", inputDetails: { truncated: false }, roleArn: ROLE },
      },
      {
        timestamp,
        type: "PassStateEntered",
        id: 2,
        previousEventId: 0,
        stateEnteredEventDetails: { name: "Set", input: "{}", inputDetails: { truncated: false } },
      },
      {
        timestamp,
        type: "PassStateExited",
        id: 3,
        previousEventId: 2,
        stateExitedEventDetails: {
          name: "Set",
          output: "{}",
          outputDetails: { truncated: false },
          assignedVariables: { v: '{"a":1}' },
          assignedVariablesDetails: { truncated: false },
        },
      },
      {
        timestamp,
        type: "TaskStateEntered",
        id: 4,
        previousEventId: 3,
        stateEnteredEventDetails: { name: "Work", input: "{}", inputDetails: { truncated: false } },
      },
      {
        timestamp,
        type: "TaskScheduled",
        id: 5,
        previousEventId: 4,
        taskScheduledEventDetails: {
          resourceType: "lambda",
          resource: "invoke",
          region: "us-east-1",
          parameters: JSON.stringify({ FunctionName: FUNCTION, Payload: {} }),
        },
      },
    ]);
    const rest = Page.parse(await made.call("GetExecutionHistory", { executionArn, nextToken: first.nextToken }));
    expect([rest.events.map((event) => event.id), rest.nextToken]).toEqual([[6, 7, 8, 9], undefined]);
    const backwards = Page.parse(
      await made.call("GetExecutionHistory", { executionArn, reverseOrder: true, maxResults: 1 }),
    );
    expect(backwards.events[0]).toMatchObject({ type: "ExecutionSucceeded", id: 9 });
    const bare = Page.parse(await made.call("GetExecutionHistory", { executionArn, includeExecutionData: false }));
    expect(bare.events[2]).toMatchObject({
      stateExitedEventDetails: { name: "Set", outputDetails: { truncated: false } },
    });
    expect(JSON.stringify(bare.events)).not.toContain('"output":');
    await expect(made.call("GetExecutionHistory", { executionArn, nextToken: "x" })).rejects.toMatchObject({
      code: "InvalidToken",
    });
  });
});

describe("lists", () => {
  it("name executions newest first, by status, in pages", async () => {
    const made = await withMachine(waiting);
    for (const name of ["a", "b", "c"]) await made.call("StartExecution", { stateMachineArn: MACHINE, name });
    await made.call("StopExecution", { executionArn: `${EXECUTION}:b`, error: "E", cause: "C" });
    const Page = z.object({
      executions: z.array(z.looseObject({ name: z.string() })),
      nextToken: z.string().optional(),
    });
    const list = async (more: object) =>
      Page.parse(await made.call("ListExecutions", { stateMachineArn: MACHINE, ...more }));
    const first = await list({ maxResults: 2 });
    expect(first.executions.map((each) => each.name)).toEqual(["c", "b"]);
    expect((await list({ maxResults: 2, nextToken: first.nextToken })).executions.map((each) => each.name)).toEqual([
      "a",
    ]);
    expect((await list({ statusFilter: "ABORTED" })).executions.map((each) => each.name)).toEqual(["b"]);
    await expect(list({ statusFilter: "aborted" })).rejects.toMatchObject({ code: "ValidationException" });
    expect(await made.call("DescribeExecution", { executionArn: `${EXECUTION}:b` })).toMatchObject({
      status: "ABORTED",
      error: "E",
      cause: "C",
    });
  });

  it("name state machines, and describe one", async () => {
    const made = await withMachine(passing);
    const again = { name: "orders", definition: JSON.stringify(passing), roleArn: ROLE };
    expect(await made.call("CreateStateMachine", again)).toMatchObject({ stateMachineArn: MACHINE });
    await expect(made.call("CreateStateMachine", { ...again, roleArn: `${ROLE}2` })).rejects.toMatchObject({
      code: "StateMachineAlreadyExists",
    });
    await expect(made.call("CreateStateMachine", { ...again, name: "bad", definition: "{}" })).rejects.toMatchObject({
      code: "InvalidDefinition",
    });
    expect(await made.call("ListStateMachines", {})).toMatchObject({
      stateMachines: [{ name: "orders", type: "STANDARD" }],
    });
    expect(await made.call("DescribeStateMachine", { stateMachineArn: MACHINE })).toMatchObject({
      definition: JSON.stringify(passing),
      roleArn: ROLE,
      status: "ACTIVE",
    });
  });

  it("ValidateStateMachineDefinition names every fault", async () => {
    const made = cloud();
    expect(await made.call("ValidateStateMachineDefinition", { definition: JSON.stringify(passing) })).toEqual({
      result: "OK",
      diagnostics: [],
      truncated: false,
    });
    const wrong = JSON.stringify(machine({ A: { Type: "Pass", ResultPath: "$", Next: "B" } }));
    expect(await made.call("ValidateStateMachineDefinition", { definition: wrong })).toMatchObject({
      result: "FAIL",
      diagnostics: [{ severity: "ERROR", code: "CS-1252", location: "/States/A/ResultPath" }],
    });
  });
});

describe("on disk", () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), "states-"));
    folders.push(made);
    return made;
  };

  it("finished executions outlive the process, with their histories", async () => {
    const dataDir = folder();
    const first = await withMachine(passing, { dataDir });
    const { executionArn } = first.engine.executions.start({
      stateMachineArn: MACHINE,
      name: "run-1",
      input: '{"n":1}',
    });
    const record = await first.engine.executions.completion(executionArn);
    const history = first.engine.executions.history(executionArn);
    await first.engine.close();
    const second = cloud({ dataDir });
    expect(second.engine.executions.describe(executionArn)).toEqual(record);
    expect(second.engine.executions.history(executionArn)).toEqual(history);
    expect(history.map((event) => event.type)).toEqual([
      "ExecutionStarted",
      "PassStateEntered",
      "PassStateExited",
      "ExecutionSucceeded",
    ]);
    expect(await second.engine.executions.completion(executionArn)).toEqual(record);
    expect([second.engine.executions.recover(), second.published]).toEqual([0, []]);
  });

  it("an execution whose process died is aborted by recover, once, and published", async () => {
    const dataDir = folder();
    const first = await withMachine(waiting, { dataDir });
    const { executionArn } = first.engine.executions.start({ stateMachineArn: MACHINE, name: "run-1" });
    await first.clock.settled();
    await first.engine.close();
    const second = cloud({ dataDir });
    expect(second.engine.executions.describe(executionArn).status).toBe("RUNNING");
    expect(second.engine.executions.recover()).toBe(1);
    const aborted = { status: "ABORTED", error: "Countersign.CloudEnded" };
    expect(second.engine.executions.describe(executionArn)).toMatchObject(aborted);
    expect(second.published.map((event) => event.detail)).toMatchObject([aborted]);
    expect(second.engine.executions.history(executionArn).at(-1)).toMatchObject({
      type: "ExecutionAborted",
      id: 6,
      previousEventId: 0,
    });
    await second.engine.close();
    const third = cloud({ dataDir });
    expect([third.engine.executions.recover(), third.engine.executions.describe(executionArn).status]).toEqual([
      0,
      "ABORTED",
    ]);
  });

  it("a line that the dying process left half written is cut off", async () => {
    const dataDir = folder();
    const first = await withMachine(waiting, { dataDir });
    const { executionArn } = first.engine.executions.start({ stateMachineArn: MACHINE, name: "run-1" });
    await first.clock.settled();
    await first.engine.close();
    const [file = ""] = readdirSync(join(dataDir, "executions"));
    const path = join(dataDir, "executions", file);
    writeFileSync(path, `${readFileSync(path, "utf8")}{"event":{"id":6,`);
    const second = cloud({ dataDir });
    expect(second.engine.executions.recover()).toBe(1);
    await second.engine.close();
    const third = cloud({ dataDir });
    expect(third.engine.executions.history(executionArn).map((event) => event.id)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("a file that is something else is named in the log and left alone", async () => {
    const dataDir = folder();
    const first = await withMachine(passing, { dataDir });
    first.engine.executions.start({ stateMachineArn: MACHINE });
    await first.engine.close();
    writeFileSync(join(dataDir, "executions", "other.jsonl"), "hello\n");
    const second = cloud({ dataDir });
    expect(second.engine.executions.list()).toHaveLength(1);
    expect(second.log).toEqual([expect.stringContaining("other.jsonl line 1")]);
    expect(readFileSync(join(dataDir, "executions", "other.jsonl"), "utf8")).toBe("hello\n");
  });

  it("reset forgets executions, running and kept, but no state machine", async () => {
    const dataDir = folder();
    const made = await withMachine(waiting, { dataDir });
    const { executionArn } = made.engine.executions.start({ stateMachineArn: MACHINE, name: "run-1" });
    await made.clock.settled();
    await made.engine.reset();
    expect(made.engine.executions.list()).toEqual([]);
    expect(() => made.engine.executions.describe(executionArn)).toThrow("Execution Does Not Exist");
    expect(made.engine.executions.start({ stateMachineArn: MACHINE, name: "run-1" }).status).toBe("RUNNING");
    await made.engine.close();
  });
});

describe("faults around an execution", () => {
  it("of the bus are logged and change nothing", async () => {
    const made = await withMachine(passing, {
      publish: () => {
        throw new Error("no bus");
      },
    });
    const { executionArn } = made.engine.executions.start({ stateMachineArn: MACHINE, input: '{"n":1}' });
    expect((await made.engine.executions.completion(executionArn)).status).toBe("SUCCEEDED");
    expect(made.log).toEqual([expect.stringContaining("no bus"), expect.stringContaining("no bus")]);
  });

  it("of a function's answer fail the execution, not the process", async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const made = await withMachine(machine({ Work: invoke({ End: true }) }), { work: () => circular });
    const { executionArn } = made.engine.executions.start({ stateMachineArn: MACHINE });
    expect(await made.engine.executions.completion(executionArn)).toMatchObject({
      status: "FAILED",
      error: "States.Runtime",
    });
  });
});
