// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its substitutions so
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { CountersignError } from "../../../lib/errors.js";
import { cloud, create, EXECUTION, MACHINE, operator, passing, ROLE, waiting, withMachine } from "./engine-cloud.js";
import { FUNCTION, invoke, machine, START } from "./support.js";

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
