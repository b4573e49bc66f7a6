import { describe, expect, it } from "vitest";
import * as z from "zod";
import { Body, type Cloud, EXECUTION, MACHINE, ROLE, waiting, withMachine } from "./engine-cloud.js";
import { FUNCTION, invoke, machine, START } from "./support.js";

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
