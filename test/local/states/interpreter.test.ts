import { describe, expect, it } from "vitest";
import { AwsFault, FunctionError } from "../../../lib/local/types.js";
import { FUNCTION, finish, invoke, machine, START, secondsOf, start } from "./support.js";

const broken =
  (errorType: string, cause = "{}") =>
  () => {
    throw new FunctionError(errorType, "broken", cause);
  };

describe("a task", () => {
  it("calls the function as the machine's role and shows the whole call in the history", async () => {
    const calls: unknown[] = [];
    const run = await finish(
      machine({ Work: invoke({ TimeoutSeconds: 60, Output: "{% $states.result.Payload %}", End: true }) }),
      {
        input: { n: 1 },
        work: (payload, caller, arn) => {
          calls.push([payload, caller.principalArn, caller.sessionArn, arn]);
          return { n: 2 };
        },
      },
    );
    expect(calls).toEqual([
      [
        { n: 1 },
        "arn:aws:iam::111111111111:role/countersign/orders-machine",
        "arn:aws:sts::111111111111:assumed-role/orders-machine/run-1",
        FUNCTION,
      ],
    ]);
    expect(run.outcome).toEqual({ status: "SUCCEEDED", output: '{"n":2}' });
    const result = { ExecutedVersion: "$LATEST", Payload: { n: 2 }, StatusCode: 200 };
    const lambda = { resourceType: "lambda", resource: "invoke" };
    expect(run.events()).toEqual([
      { type: "ExecutionStarted", id: 1, previousEventId: 0, input: { n: 1 } },
      { type: "TaskStateEntered", id: 2, previousEventId: 0, name: "Work", input: { n: 1 } },
      {
        type: "TaskScheduled",
        id: 3,
        previousEventId: 2,
        ...lambda,
        timeoutInSeconds: 60,
        parameters: { FunctionName: FUNCTION, Payload: { n: 1 } },
      },
      { type: "TaskStarted", id: 4, previousEventId: 3, ...lambda },
      { type: "TaskSucceeded", id: 5, previousEventId: 4, ...lambda, output: result },
      { type: "TaskStateExited", id: 6, previousEventId: 5, name: "Work", output: { n: 2 } },
      { type: "ExecutionSucceeded", id: 7, previousEventId: 6, output: { n: 2 } },
    ]);
  });

  it("names a function by name and qualifier", async () => {
    const arns: string[] = [];
    const work = (_: unknown, __: unknown, arn: string): null => {
      arns.push(arn);
      return null;
    };
    const args = { FunctionName: "other", Qualifier: "live" };
    const run = await finish(machine({ Work: invoke({ Arguments: args, End: true }) }), { work });
    expect(run.outcome.status).toBe("SUCCEEDED");
    expect(arns).toEqual(["arn:aws:lambda:us-east-1:111111111111:function:other:live"]);
  });

  it("by the function's ARN has the function's own events", async () => {
    const direct = { Type: "Task", Resource: FUNCTION, TimeoutSeconds: 5, End: true };
    const run = await finish(machine({ Work: direct }), { input: { a: 1 }, work: (payload) => payload });
    expect(run.types()).toEqual([
      "ExecutionStarted",
      "TaskStateEntered",
      "LambdaFunctionScheduled",
      "LambdaFunctionStarted",
      "LambdaFunctionSucceeded",
      "TaskStateExited",
      "ExecutionSucceeded",
    ]);
    expect(run.events()[2]).toMatchObject({ resource: FUNCTION, input: { a: 1 }, timeoutInSeconds: 5 });
    expect(run.outcome).toEqual({ status: "SUCCEEDED", output: '{"a":1}' });
  });

  it.each([
    [
      new AwsFault("AccessDeniedException", "User: x is not authorized", 403),
      "Lambda.AWSLambdaException",
      "User: x is not authorized (Service: Lambda, Status Code: 403)",
    ],
    [
      new AwsFault("ResourceNotFoundException", "Function not found: f", 404),
      "Lambda.ResourceNotFoundException",
      "Function not found: f (Service: Lambda, Status Code: 404)",
    ],
    [new Error("socket closed"), "Lambda.Unknown", "socket closed"],
  ])("that cannot reach its function fails with %s", async (thrown, error, cause) => {
    const run = await finish(machine({ Work: invoke({ End: true }) }), {
      work: () => {
        throw thrown;
      },
    });
    expect(run.outcome).toEqual({ status: "FAILED", error, cause });
    expect(run.types().slice(-2)).toEqual(["TaskFailed", "ExecutionFailed"]);
  });

  it("times out, and what the function answers later changes nothing", async () => {
    let answer: (value: unknown) => void = () => {};
    const work = () => new Promise((resolve) => (answer = resolve));
    const run = await finish(machine({ Work: invoke({ TimeoutSeconds: 5, End: true }) }), { work });
    answer({ late: true });
    await run.clock.settled();
    expect(run.outcome).toEqual({ status: "FAILED", error: "States.Timeout", cause: undefined });
    expect(run.types().slice(2)).toEqual(["TaskScheduled", "TaskStarted", "TaskTimedOut", "ExecutionFailed"]);
    expect(secondsOf(run, "TaskTimedOut")).toEqual([5]);
    expect(run.events()[4]).toEqual({
      type: "TaskTimedOut",
      id: 5,
      previousEventId: 4,
      resourceType: "lambda",
      resource: "invoke",
      error: "States.Timeout",
    });
  });

  it("sees the context object", async () => {
    const seen: unknown[] = [];
    await finish(
      machine({ Work: invoke({ Arguments: { FunctionName: FUNCTION, Payload: "{% $states.context %}" }, End: true }) }),
      {
        input: { n: 1 },
        work: (payload) => seen.push(payload),
      },
    );
    expect(seen).toEqual([
      {
        Execution: {
          Id: "arn:aws:states:us-east-1:111111111111:execution:orders:run-1",
          Input: { n: 1 },
          Name: "run-1",
          RoleArn: "arn:aws:iam::111111111111:role/countersign/orders-machine",
          StartTime: START,
          RedriveCount: 0,
        },
        StateMachine: { Id: "arn:aws:states:us-east-1:111111111111:stateMachine:orders", Name: "orders" },
        State: { EnteredTime: START, Name: "Work", RetryCount: 0 },
      },
    ]);
  });
});

describe("retry", () => {
  const retried = (retrier: Record<string, unknown>) =>
    machine({ Work: invoke({ Retry: [{ ErrorEquals: ["Busy"], ...retrier }], End: true }) });

  it("repeats Scheduled, Started, Failed without entering again, at growing distances", async () => {
    const run = await finish(retried({ IntervalSeconds: 3, MaxAttempts: 3, BackoffRate: 2 }), { work: broken("Busy") });
    expect(run.types().slice(2)).toEqual([
      ...["TaskScheduled", "TaskStarted", "TaskFailed", "TaskScheduled", "TaskStarted", "TaskFailed"],
      ...[
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "ExecutionFailed",
      ],
    ]);
    expect(run.run.events.every((event) => event.id === 2 || event.previousEventId === event.id - 1)).toBe(true);
    expect(secondsOf(run, "TaskScheduled")).toEqual([0, 3, 9, 21]);
  });

  it("has AWS's defaults: three attempts after 1, 2 and 4 seconds", async () => {
    const run = await finish(retried({}), { work: broken("Busy") });
    expect(secondsOf(run, "TaskScheduled")).toEqual([0, 1, 3, 7]);
  });

  it("is capped by MaxDelaySeconds and spread by full jitter", async () => {
    const capped = await finish(retried({ IntervalSeconds: 10, BackoffRate: 10, MaxDelaySeconds: 15 }), {
      work: broken("Busy"),
    });
    expect(secondsOf(capped, "TaskScheduled")).toEqual([0, 10, 25, 40]);
    const spread = await finish(retried({ IntervalSeconds: 10, MaxAttempts: 1, JitterStrategy: "FULL" }), {
      work: broken("Busy"),
    });
    expect(secondsOf(spread, "TaskScheduled")).toEqual([0, 5]);
  });

  it("evaluates the arguments again, with the retry count, until it succeeds", async () => {
    const counts: unknown[] = [];
    const payload = "{% $states.context.State.RetryCount %}";
    const task = invoke({
      Arguments: { FunctionName: FUNCTION, Payload: payload },
      Retry: [{ ErrorEquals: ["States.ALL"] }],
      End: true,
    });
    const run = await finish(machine({ Work: task }), {
      work: (count) => {
        counts.push(count);
        return counts.length < 3 ? broken("Busy")() : "done";
      },
    });
    expect([run.outcome.status, counts]).toEqual(["SUCCEEDED", [0, 1, 2]]);
  });

  it("counts each retrier on its own and does not retry what none names", async () => {
    let calls = 0;
    const task = invoke({
      Retry: [
        { ErrorEquals: ["Busy"], MaxAttempts: 1 },
        { ErrorEquals: ["Slow"], MaxAttempts: 1 },
        { ErrorEquals: ["Never"], MaxAttempts: 0 },
      ],
      End: true,
    });
    const work = () => broken(["Busy", "Slow", "Slow"][calls++] ?? "unexpected")();
    const run = await finish(machine({ Work: task }), { work });
    expect([run.outcome, calls]).toEqual([{ status: "FAILED", error: "Slow", cause: "{}" }, 3]);
    const never = await finish(machine({ Work: task }), { work: broken("Never") });
    expect(secondsOf(never, "TaskScheduled")).toEqual([0]);
  });
});

describe("catch", () => {
  const caught = (catchers: unknown[], more: Record<string, unknown> = {}) =>
    machine({
      Work: invoke({ Catch: catchers, Next: "Fine", ...more }),
      Fine: { Type: "Succeed" },
      Caught: { Type: "Pass", Output: { input: "{% $states.input %}", failure: "{% $failure %}" }, End: true },
    });

  it("gives Output and Assign the error, and shows the assigned variables", async () => {
    const run = await finish(
      caught([
        {
          ErrorEquals: ["Busy"],
          Output: "{% $states.input.n %}",
          Assign: { failure: "{% $states.errorOutput %}" },
          Next: "Caught",
        },
      ]),
      { input: { n: 1 }, work: broken("Busy", '{"errorMessage":"x"}') },
    );
    const failure = { Error: "Busy", Cause: '{"errorMessage":"x"}' };
    expect(run.events()[5]).toEqual({
      type: "TaskStateExited",
      id: 6,
      previousEventId: 5,
      name: "Work",
      output: 1,
      assignedVariables: { failure },
    });
    expect(run.outcome).toEqual({ status: "SUCCEEDED", output: JSON.stringify({ input: 1, failure }) });
  });

  it.each([
    ["Busy", ["Other"], "FAILED"],
    ["Busy", ["Other", "Busy"], "SUCCEEDED"],
    ["Busy", ["States.TaskFailed"], "SUCCEEDED"],
    ["Busy", ["States.ALL"], "SUCCEEDED"],
    ["Busy", ["States.Timeout"], "FAILED"],
    ["States.Runtime", ["States.ALL"], "FAILED"],
  ])("error %s with ErrorEquals %j: %s", async (error, errorEquals, status) => {
    const definition = caught([{ ErrorEquals: errorEquals, Assign: { failure: 1 }, Next: "Caught" }]);
    expect((await finish(definition, { work: broken(error) })).outcome.status).toBe(status);
  });

  it("catches a timeout with an empty cause; States.TaskFailed does not cover it", async () => {
    const never = () => new Promise(() => {});
    const by = (name: string) =>
      caught([{ ErrorEquals: [name], Assign: { failure: "{% $states.errorOutput %}" }, Next: "Caught" }], {
        TimeoutSeconds: 1,
      });
    const run = await finish(by("States.Timeout"), { work: never });
    expect(run.outcome).toMatchObject({ output: expect.stringContaining('{"Error":"States.Timeout","Cause":""}') });
    expect((await finish(by("States.TaskFailed"), { work: never })).outcome.status).toBe("FAILED");
  });

  it("catches an evaluation error of the state's own output, after the event that tells it", async () => {
    const definition = caught(
      [{ ErrorEquals: ["States.QueryEvaluationError"], Assign: { failure: 1 }, Next: "Caught" }],
      { Output: { a: ["{% $nope %}"] } },
    );
    const run = await finish(definition, { work: () => 1 });
    expect(run.outcome.status).toBe("SUCCEEDED");
    expect(run.events()[5]).toMatchObject({ type: "EvaluationFailed", previousEventId: 5, location: "Output/a[0]" });
    expect(run.types()[6]).toBe("TaskStateExited");
  });

  it("that fails itself fails the execution", async () => {
    const run = await finish(caught([{ ErrorEquals: ["States.ALL"], Output: "{% $nope %}", Next: "Caught" }]), {
      work: broken("Busy"),
    });
    expect(run.outcome).toMatchObject({ status: "FAILED", error: "States.QueryEvaluationError" });
    expect(run.events().at(-2)).toMatchObject({ type: "EvaluationFailed", location: "Catch[0]/Output" });
  });
});

describe("limits", () => {
  const large = "x".repeat(262_144);

  it("a result over 256 KiB fails the task, past States.ALL but not past its own name", async () => {
    const by = (name: string) =>
      machine({
        Work: invoke({ Catch: [{ ErrorEquals: [name], Output: "caught", Next: "End" }], Next: "End" }),
        End: { Type: "Succeed" },
      });
    const all = await finish(by("States.ALL"), { work: () => large });
    expect(all.outcome).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
    const own = await finish(by("States.DataLimitExceeded"), { work: () => large });
    expect(own.outcome).toEqual({ status: "SUCCEEDED", output: '"caught"' });
  });

  it("counts bytes, not characters", async () => {
    const definition = machine({ Grow: { Type: "Pass", Output: "{% $states.input & $states.input %}", End: true } });
    expect((await finish(definition, { input: "x".repeat(130_000) })).outcome.status).toBe("SUCCEEDED");
    expect((await finish(definition, { input: "é".repeat(70_000) })).outcome).toMatchObject({
      error: "States.DataLimitExceeded",
    });
  });

  it("a variable over 256 KiB fails the state", async () => {
    const definition = machine({ Keep: { Type: "Pass", Assign: { big: "{% $pad('', 300000, 'x') %}" }, End: true } });
    expect((await finish(definition)).outcome).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
  });

  it("a history of 25,000 events ends the execution", async () => {
    const run = await finish(machine({ A: { Type: "Pass", Next: "B" }, B: { Type: "Pass", Next: "A" } }));
    expect(run.outcome).toMatchObject({
      status: "FAILED",
      cause: "The execution reached the maximum number of history events (25000).",
    });
    expect([run.run.events.length, run.run.events.at(-1)?.type]).toEqual([25_000, "ExecutionFailed"]);
  });
});

describe("the execution", () => {
  const waiting = machine({ Wait: { Type: "Wait", Seconds: 60, Next: "End" }, End: { Type: "Succeed" } });

  it("waits without waiting", async () => {
    const run = await finish(waiting);
    expect([run.outcome.status, secondsOf(run, "WaitStateExited")]).toEqual(["SUCCEEDED", [60]]);
  });

  it("waits until a timestamp", async () => {
    const definition = machine({ Wait: { Type: "Wait", Timestamp: "2026-11-21T12:00:30+01:00", End: true } });
    expect(secondsOf(await finish(definition), "WaitStateExited")).toEqual([3630]);
  });

  it("times out as a whole", async () => {
    const run = await finish({ ...waiting, TimeoutSeconds: 5 });
    expect(run.outcome).toEqual({ status: "TIMED_OUT", error: "States.Timeout", cause: undefined });
    expect(run.types()).toEqual(["ExecutionStarted", "WaitStateEntered", "ExecutionTimedOut"]);
    expect(run.clock.nextTimerMs()).toBeUndefined();
  });

  it("is stopped once, and nothing happens after that", async () => {
    const run = start(waiting, { mode: "manual" });
    await run.clock.advance(10_000);
    run.run.stop("Operator", "enough");
    run.run.stop("again", "ignored");
    expect(await run.run.done).toEqual({ status: "ABORTED", error: "Operator", cause: "enough" });
    await run.clock.advance(100_000);
    expect(run.events().at(-1)).toEqual({
      type: "ExecutionAborted",
      id: 3,
      previousEventId: 0,
      error: "Operator",
      cause: "enough",
    });
  });

  it("fails without error and cause when its Fail state has none", async () => {
    const run = await finish(machine({ Stop: { Type: "Fail" } }));
    expect(run.outcome).toEqual({ status: "FAILED", error: undefined, cause: undefined });
    expect(run.events().at(-1)).toEqual({ type: "ExecutionFailed", id: 3, previousEventId: 2 });
  });

  it("fails when no choice matches", async () => {
    const choice = { Type: "Choice", Choices: [{ Condition: "{% $states.input.a = 1 %}", Next: "End" }] };
    const run = await finish(machine({ Choose: choice, End: { Type: "Succeed" } }));
    expect(run.outcome).toMatchObject({ status: "FAILED", error: "States.NoChoiceMatched" });
  });

  it("fails when a condition is no boolean", async () => {
    const choice = { Type: "Choice", Choices: [{ Condition: "{% 'yes' %}", Next: "End" }] };
    const run = await finish(machine({ Choose: choice, End: { Type: "Succeed" } }));
    expect(run.outcome).toMatchObject({
      error: "States.QueryEvaluationError",
      cause:
        "An error occurred while executing the state 'Choose' (entered at the event id #2). The JSONata expression ''yes'' specified for the field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was 'string' for value: \"yes\"",
    });
  });

  it("keeps variables: new values count from the next state on", async () => {
    const definition = machine({
      One: { Type: "Pass", Assign: { n: 1 }, Next: "Two" },
      Two: { Type: "Pass", Assign: { n: "{% $n + 1 %}", before: "{% $n %}" }, Output: "{% $n %}", Next: "Three" },
      Three: { Type: "Pass", Output: "{% [$states.input, $n, $before] %}", End: true },
    });
    expect((await finish(definition)).outcome).toEqual({ status: "SUCCEEDED", output: "[1,2,1]" });
  });
});
