/** The event sequences of the recordings in sfn-jsonpath (callbacks, heartbeats), with JSONata machines. */
import { describe, expect, it } from "vitest";
import { FunctionError } from "../../../lib/local/types.js";
import { finish, machine, secondsOf, start, tokenIn, waitForToken } from "./support.js";

const names = { resourceType: "lambda", resource: "invoke.waitForTaskToken" };
const asked = { ExecutedVersion: "$LATEST", Payload: "asked", StatusCode: 200 };
const caughtAll = { ErrorEquals: ["States.ALL"], Next: "Caught" };
const withCatch = (more: Record<string, unknown> = {}) =>
  machine({ Ask: waitForToken({ Catch: [caughtAll], ...more, End: true }), Caught: { Type: "Pass", End: true } });

async function submitted(definition: unknown) {
  const run = start(definition, { work: () => "asked", mode: "manual" });
  await run.clock.settled();
  expect(run.types().at(-1)).toBe("TaskSubmitted");
  return { ...run, token: tokenIn(run.run) };
}

describe("a task with a token", () => {
  it("waits after TaskSubmitted until it is told of success", async () => {
    const run = await submitted(machine({ Ask: waitForToken({ End: true }) }));
    run.tokens.settle(run.token, { kind: "success", outputJson: '{"approved": true}' });
    expect(await run.run.done).toEqual({ status: "SUCCEEDED", output: '{"approved": true}' });
    expect(run.events().slice(2)).toEqual([
      {
        type: "TaskScheduled",
        id: 3,
        previousEventId: 2,
        ...names,
        parameters: expect.objectContaining({ Payload: { token: run.token } }),
      },
      { type: "TaskStarted", id: 4, previousEventId: 3, ...names },
      { type: "TaskSubmitted", id: 5, previousEventId: 4, ...names, output: asked },
      { type: "TaskSucceeded", id: 6, previousEventId: 5, ...names, output: { approved: true } },
      { type: "TaskStateExited", id: 7, previousEventId: 6, name: "Ask", output: { approved: true } },
      { type: "ExecutionSucceeded", id: 8, previousEventId: 7, output: { approved: true } },
    ]);
  });

  it("fails with the error and cause it is told", async () => {
    const run = await submitted(machine({ Ask: waitForToken({ End: true }) }));
    run.tokens.settle(run.token, { kind: "failure", error: "Failure error", cause: "Failure cause" });
    expect(await run.run.done).toEqual({ status: "FAILED", error: "Failure error", cause: "Failure cause" });
    expect(run.events().slice(5)).toEqual([
      { type: "TaskFailed", id: 6, previousEventId: 5, ...names, error: "Failure error", cause: "Failure cause" },
      { type: "ExecutionFailed", id: 7, previousEventId: 6, error: "Failure error", cause: "Failure cause" },
    ]);
  });

  it("is caught with nulls when the failure says nothing", async () => {
    const run = await submitted(withCatch());
    run.tokens.settle(run.token, { kind: "failure", error: undefined, cause: undefined });
    expect(await run.run.done).toEqual({ status: "SUCCEEDED", output: '{"Error":null,"Cause":null}' });
    expect(run.events()[5]).toEqual({ type: "TaskFailed", id: 6, previousEventId: 5, ...names });
  });

  it("accepts an answer that comes while its function still runs, after TaskSubmitted", async () => {
    const run = await finish(machine({ Ask: waitForToken({ End: true }) }), {
      work: () => "asked",
      onEvent: (event, tokens) => {
        const token = /"token":"([^"]+)"/.exec(event.details?.parameters ?? "")?.[1];
        if (token !== undefined) tokens.settle(token, { kind: "success", outputJson: "1" });
      },
    });
    expect(run.types().slice(2)).toEqual([
      "TaskScheduled",
      "TaskStarted",
      "TaskSubmitted",
      "TaskSucceeded",
      "TaskStateExited",
      "ExecutionSucceeded",
    ]);
  });

  it("fails at once when its function does", async () => {
    const run = await finish(machine({ Ask: waitForToken({ End: true }) }), {
      work: () => {
        throw new FunctionError("Error", "no mail", '{"errorMessage":"no mail"}');
      },
    });
    expect(run.types().slice(3)).toEqual(["TaskStarted", "TaskFailed", "ExecutionFailed"]);
  });

  it("gets a new token on every retry; the old one is dead", async () => {
    const tokens: string[] = [];
    const run = await finish(
      machine({
        Ask: waitForToken({
          TimeoutSeconds: 9,
          Retry: [{ ErrorEquals: ["States.Timeout"], MaxAttempts: 1 }],
          End: true,
        }),
      }),
      {
        work: (payload) => {
          tokens.push(JSON.stringify(payload));
          return "asked";
        },
      },
    );
    expect(run.outcome).toMatchObject({ error: "States.Timeout" });
    expect(new Set(tokens).size).toBe(2);
    const first = /"token":"([^"]+)"/.exec(tokens[0] ?? "")?.[1] ?? "";
    expect(() => run.tokens.heartbeat(first)).toThrow("Task Timed Out: 'Provided task does not exist anymore'");
  });
});

describe("a heartbeat", () => {
  it("that stays away is a timeout of the task", async () => {
    const run = await finish(machine({ Ask: waitForToken({ HeartbeatSeconds: 5, End: true }) }), {
      work: () => "asked",
    });
    expect(run.outcome).toEqual({ status: "FAILED", error: "States.Timeout", cause: undefined });
    expect(run.events()[2]).toMatchObject({ type: "TaskScheduled", heartbeatInSeconds: 5 });
    expect(run.events().slice(5)).toEqual([
      { type: "TaskTimedOut", id: 6, previousEventId: 5, ...names, error: "States.Timeout" },
      { type: "ExecutionFailed", id: 7, previousEventId: 6, error: "States.Timeout" },
    ]);
    expect(secondsOf(run, "TaskTimedOut")).toEqual([5]);
  });

  it("is caught with an empty cause, also by its own name", async () => {
    const byName = withCatch({
      HeartbeatSeconds: 5,
      Catch: [{ ...caughtAll, ErrorEquals: ["States.HeartbeatTimeout"] }],
    });
    for (const definition of [withCatch({ HeartbeatSeconds: 5 }), byName]) {
      const run = await finish(definition, { work: () => "asked" });
      expect(run.outcome).toEqual({ status: "SUCCEEDED", output: '{"Error":"States.Timeout","Cause":""}' });
    }
  });

  it("that comes in time keeps the task waiting, but not past its timeout", async () => {
    const run = await submitted(
      machine({ Ask: waitForToken({ HeartbeatSeconds: 60, TimeoutSeconds: 150, End: true }) }),
    );
    for (const _ of [1, 2]) {
      await run.clock.advance(50_000);
      run.tokens.heartbeat(run.token);
    }
    await run.clock.advance(49_000);
    expect(run.types().at(-1)).toBe("TaskSubmitted");
    await run.clock.advance(1_000);
    expect(secondsOf(run, "TaskTimedOut")).toEqual([150]);
  });
});

describe("a token", () => {
  it("is answered once; the second answer and every answer after the end are refused", async () => {
    const run = await submitted(machine({ Ask: waitForToken({ End: true }) }));
    run.tokens.settle(run.token, { kind: "success", outputJson: "1" });
    expect(() => run.tokens.settle(run.token, { kind: "success", outputJson: "2" })).toThrow(
      expect.objectContaining({ code: "TaskTimedOut" }),
    );
    await run.run.done;
    expect(() => run.tokens.heartbeat(run.token)).toThrow(expect.objectContaining({ code: "TaskTimedOut" }));
  });

  it("of a stopped execution is dead", async () => {
    const run = await submitted(machine({ Ask: waitForToken({ End: true }) }));
    run.run.stop(undefined, undefined);
    await run.run.done;
    await run.clock.settled();
    expect(() => run.tokens.settle(run.token, { kind: "success", outputJson: "1" })).toThrow(
      expect.objectContaining({ code: "TaskTimedOut" }),
    );
  });

  it("that nobody issued does not exist, and other text is no token", async () => {
    const run = await submitted(machine({ Ask: waitForToken({ End: true }) }));
    const forged = `${run.token.slice(0, -4)}AAAA`;
    expect(() => run.tokens.heartbeat(forged)).toThrow(expect.objectContaining({ code: "TaskDoesNotExist" }));
    expect(() => run.tokens.heartbeat("../../x")).toThrow(expect.objectContaining({ code: "InvalidToken" }));
  });
});
