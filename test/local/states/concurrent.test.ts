import { describe, expect, it } from "vitest";
import { FunctionError } from "../../../lib/local/types.js";
import { FUNCTION, finish, invoke, machine, secondsOf, start } from "./support.js";

const map = (processor: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  Type: "Map",
  ItemProcessor: { StartAt: Object.keys(processor)[0], States: processor },
  End: true,
  ...more,
});
const idsOf = (run: { events(): Readonly<Record<string, unknown>>[] }): string[] =>
  run.events().map((event) => `${event.id} ${event.type} after ${event.previousEventId}`);

describe("a Map", () => {
  it("selects items, knows its place, and reads the variables around it", async () => {
    const run = await finish(
      machine({
        Set: { Type: "Pass", Assign: { unit: "EUR" }, Next: "Each" },
        Each: map(
          {
            One: {
              Type: "Pass",
              Output: {
                at: "{% $states.context.Map.Item.Index %}",
                v: "{% $states.context.Map.Item.Value %}",
                in: "{% $states.input %}",
              },
              End: true,
            },
          },
          {
            Items: ["a", "b"],
            ItemSelector: { item: "{% $states.context.Map.Item.Value & $unit %}", from: "{% $states.input.n %}" },
          },
        ),
      }),
      { input: { n: 1 } },
    );
    expect(run.outcome).toEqual({
      status: "SUCCEEDED",
      output: JSON.stringify([
        { at: 0, v: "a", in: { item: "aEUR", from: 1 } },
        { at: 1, v: "b", in: { item: "bEUR", from: 1 } },
      ]),
    });
  });

  it("keeps the order of the items whatever ends first, and runs at most MaxConcurrency at a time", async () => {
    let running = 0;
    let most = 0;
    const definition = machine({
      Each: map({ Work: invoke({ Output: "{% $states.result.Payload %}", End: true }) }, { MaxConcurrency: 2 }),
    });
    const run = await finish(definition, {
      input: [5, 1, 3, 2],
      work: async (turns) => {
        most = Math.max(most, ++running);
        for (let turn = 0; turn < Number(turns); turn++) await new Promise((resolve) => setImmediate(resolve));
        running--;
        return turns;
      },
    });
    expect([run.outcome, most]).toEqual([{ status: "SUCCEEDED", output: "[5,1,3,2]" }, 2]);
  });

  it("starts concurrent iterations before it works on the first, all after MapStateStarted", async () => {
    const run = await finish(machine({ Each: map({ One: { Type: "Pass", End: true } }) }), { input: [1, 2] });
    expect(idsOf(run).slice(2, 7)).toEqual([
      "3 MapStateStarted after 2",
      "4 MapIterationStarted after 3",
      "5 MapIterationStarted after 3",
      "6 PassStateEntered after 4",
      "7 PassStateExited after 6",
    ]);
  });

  it("that times out in every iteration gives them up as AWS does", async () => {
    const definition = machine({ Each: map({ Work: invoke({ TimeoutSeconds: 5, End: true }) }) });
    const run = await finish(definition, { input: [1, 2], work: () => new Promise(() => {}) });
    expect(run.outcome).toEqual({ status: "FAILED", error: "States.Timeout", cause: undefined });
    expect(idsOf(run).slice(11)).toEqual([
      "12 TaskTimedOut after 9",
      "13 TaskTimedOut after 11",
      "14 MapIterationFailed after 12",
      "15 TaskStateAborted after 12",
      "16 MapIterationAborted after 12",
      "17 TaskStateAborted after 12",
      "18 MapStateFailed after 12",
      "19 ExecutionFailed after 18",
    ]);
  });

  it("retries as a whole: only MapStateStarted again, after the event that failed", async () => {
    const failing = { Fail: { Type: "Fail", Error: "HandleItemFailError", Cause: "HandleItemFailCause" } };
    const run = await finish(
      machine({
        Each: map(failing, { MaxConcurrency: 1, Retry: [{ ErrorEquals: ["HandleItemFailError"], MaxAttempts: 1 }] }),
      }),
      { input: [1] },
    );
    expect(idsOf(run).slice(1)).toEqual([
      "2 MapStateEntered after 0",
      "3 MapStateStarted after 2",
      "4 MapIterationStarted after 3",
      "5 FailStateEntered after 4",
      "6 MapIterationFailed after 5",
      "7 MapStateStarted after 5",
      "8 MapIterationStarted after 7",
      "9 FailStateEntered after 8",
      "10 MapIterationFailed after 9",
      "11 MapStateFailed after 9",
      "12 ExecutionFailed after 11",
    ]);
    expect(secondsOf(run, "MapStateStarted")).toEqual([0, 1]);
  });

  it("gives up the others when one fails: their functions' answers are not heard", async () => {
    const answered: unknown[] = [];
    const definition = machine({
      Each: map(
        { Work: invoke({ Next: "After" }), After: { Type: "Task", Resource: FUNCTION, Arguments: "after", End: true } },
        { Catch: [{ ErrorEquals: ["Bad"], Next: "Caught" }] },
      ),
      Caught: { Type: "Wait", Seconds: 100, End: true },
    });
    const run = await finish(definition, {
      input: ["bad", "slow"],
      work: async (payload) => {
        answered.push(payload);
        if (payload === "bad") throw new FunctionError("Bad", "bad", "{}");
        await new Promise((resolve) => setImmediate(resolve));
        return payload;
      },
    });
    expect([run.outcome.status, answered]).toEqual(["SUCCEEDED", ["bad", "slow"]]);
    expect(run.types()).not.toContain("MapIterationSucceeded");
    expect(run.types().slice(-5)).toEqual([
      "MapStateFailed",
      "MapStateExited",
      "WaitStateEntered",
      "WaitStateExited",
      "ExecutionSucceeded",
    ]);
  });

  it("refuses to guess what a tolerated failure would give", async () => {
    const run = await finish(
      machine({ Each: map({ F: { Type: "Fail", Error: "X" } }, { ToleratedFailureCount: 1 }) }),
      { input: [1] },
    );
    expect(run.outcome).toMatchObject({
      status: "FAILED",
      error: "States.Runtime",
      cause: expect.stringContaining("not modelled"),
    });
  });

  it("fails when its selector does, and leaves nothing running", async () => {
    const run = await finish(
      machine({ Each: map({ W: { Type: "Wait", Seconds: 9, End: true } }, { ItemSelector: "{% $nope %}" }) }),
      { input: [1, 2] },
    );
    expect(run.outcome).toMatchObject({
      error: "States.QueryEvaluationError",
      cause: expect.stringContaining("'ItemSelector' returned nothing (undefined)."),
    });
    expect(run.clock.nextTimerMs()).toBeUndefined();
  });

  it("needs an array", async () => {
    const run = await finish(machine({ Each: map({ P: { Type: "Pass", End: true } }) }), { input: { a: 1 } });
    expect(run.outcome).toMatchObject({
      status: "FAILED",
      cause: expect.stringContaining("input must be an array, but was 'object'"),
    });
  });
});

describe("a Parallel", () => {
  const branch = (name: string, state: Record<string, unknown>) => ({ StartAt: name, States: { [name]: state } });
  const parallel = (branches: unknown[], more: Record<string, unknown> = {}) => ({
    Type: "Parallel",
    Branches: branches,
    End: true,
    ...more,
  });

  it("gives every branch its arguments and collects the outputs in order", async () => {
    const run = await finish(
      machine({
        Both: parallel(
          [
            branch("Slow", { Type: "Wait", Seconds: 5, Output: "{% ['slow', $states.input] %}", End: true }),
            branch("Fast", { Type: "Pass", Output: "fast", End: true }),
          ],
          { Arguments: { n: "{% $states.input.n + 1 %}" }, Output: { results: "{% $states.result %}" } },
        ),
      }),
      { input: { n: 1 } },
    );
    expect(run.outcome).toEqual({ status: "SUCCEEDED", output: '{"results":[["slow",{"n":2}],"fast"]}' });
    expect(idsOf(run)).toEqual([
      "1 ExecutionStarted after 0",
      "2 ParallelStateEntered after 0",
      "3 ParallelStateStarted after 2",
      "4 WaitStateEntered after 3",
      "5 PassStateEntered after 3",
      "6 PassStateExited after 5",
      "7 WaitStateExited after 4",
      "8 ParallelStateSucceeded after 7",
      "9 ParallelStateExited after 7",
      "10 ExecutionSucceeded after 9",
    ]);
  });

  it("gives up the other branches when one fails, whatever they wait in", async () => {
    const inner = parallel([branch("Deep", { Type: "Wait", Seconds: 50, End: true })]);
    const run = await finish(
      machine({ Both: parallel([branch("Bad", invoke({ End: true })), branch("Inner", inner)]) }),
      {
        work: () => {
          throw new FunctionError("Bad", "bad", "{}");
        },
      },
    );
    expect(run.outcome).toMatchObject({ status: "FAILED", error: "Bad" });
    expect(run.types().slice(-6)).toEqual([
      "TaskFailed",
      "TaskStateAborted",
      "WaitStateAborted",
      "ParallelStateAborted",
      "ParallelStateFailed",
      "ExecutionFailed",
    ]);
    expect(run.clock.nextTimerMs()).toBeUndefined();
  });

  it("stops with the execution", async () => {
    const waits = [
      branch("A", { Type: "Wait", Seconds: 10, End: true }),
      branch("B", { Type: "Wait", Seconds: 20, End: true }),
    ];
    const run = start(machine({ Both: parallel(waits) }), { mode: "manual" });
    await run.clock.settled();
    run.run.stop("Stop", "now");
    await run.clock.advance(60_000);
    expect(run.types().slice(-3)).toEqual(["WaitStateEntered", "WaitStateEntered", "ExecutionAborted"]);
  });

  it("keeps a branch's variables inside", async () => {
    const definition = machine({
      Set: { Type: "Pass", Assign: { v: "outer" }, Next: "Both" },
      Both: parallel([branch("In", { Type: "Pass", Assign: { v: "inner" }, End: true })], {
        Next: "After",
        End: undefined,
      }),
      After: { Type: "Pass", Output: "{% $v %}", End: true },
    });
    expect((await finish(JSON.parse(JSON.stringify(definition)))).outcome).toEqual({
      status: "SUCCEEDED",
      output: '"outer"',
    });
  });
});
