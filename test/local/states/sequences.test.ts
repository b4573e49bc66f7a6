/** Event sequences of task tokens, timeouts, heartbeats, retries and catches, as AWS recorded them with JSONPath machines. */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readCase } from "../../../lib/local/states/conformance-case.js";
import { lineOf, sequenceProblems } from "./sequence-notation.js";
import { SEQUENCES, type SequenceCase } from "./sequences.js";
import { finish, invoke, machine, start, type TestRun, tokenIn } from "./support.js";

const RECORDED = resolve(import.meta.dirname, "../../../../shared/data/sfn-jsonpath");

/** Recordings whose sequence a JSONata machine does not have, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "TestBaseScenarios-test-catch-states-runtime.415bd76a.json":
    "a path that leads nowhere is States.Runtime in JSONPath; an undefined Output is States.QueryEvaluationError in JSONata",
  "TestTimeouts-test-global-timeout.23b49982.json": "the recording has no history, only how the run ended",
};

/** The run of a case; each submitted task is sent the case's signals. */
async function play({ definition, work = () => "submitted", signals = [] }: SequenceCase): Promise<TestRun> {
  const running: TestRun = start(definition, {
    work,
    onEvent(event, tokens) {
      if (event.type !== "TaskSubmitted") return;
      const token = tokenIn(running.run);
      for (const signal of signals)
        if (signal.kind === "heartbeat") tokens.heartbeat(token);
        else tokens.settle(token, signal);
    },
  });
  await running.run.done;
  return running;
}

describe("a JSONata machine has the event sequence that AWS recorded:", () => {
  it.each(SEQUENCES)("$what ($recording)", async (sequence) => {
    const { run } = await play(sequence);
    const { status, error } = { error: undefined, ...(await run.done) };
    expect({ status, error }).toEqual({ error: undefined, ...sequence.ends });
    expect(sequenceProblems(sequence.events, run.events, sequence.interleaved)).toEqual([]);
  });

  it("finds each kind of difference", async () => {
    const [sequence] = SEQUENCES.filter((each) => each.what === "a map that is retried");
    const { run } = await play(sequence ?? expect.fail("no such case"));
    const lines = sequence?.events ?? [];
    const changed = (from: string, to: string): string[] => lines.map((line) => line.replace(from, to));
    for (const other of [
      changed("length=1", "length=2"),
      changed("@MapState", "@Other"),
      changed("#0", "#1"),
      changed("7<6", "7<5"),
      changed("!HandleItemFailError", "!Other"),
      lines.slice(0, -1),
      [...lines.slice(0, -2), ...lines.slice(-2).reverse()],
    ])
      expect(sequenceProblems(other, run.events)).not.toEqual([]);
  });
});

describe("a JSONata machine does otherwise", () => {
  it("an Output that is undefined cannot be caught as States.Runtime either, and is an error of its own", async () => {
    const RaiseRuntime = invoke({
      Output: "{% $states.result.no.such.path %}",
      Catch: [{ ErrorEquals: ["States.Runtime"], Next: "CaughtRuntime" }],
      Next: "Final",
    });
    const pass = { Type: "Pass", End: true };
    const { outcome, types } = await finish(machine({ RaiseRuntime, CaughtRuntime: pass, Final: pass }));
    expect(outcome).toMatchObject({ status: "FAILED", error: "States.QueryEvaluationError" });
    expect(types().slice(2)).toEqual([
      "TaskScheduled",
      "TaskStarted",
      "TaskSucceeded",
      "EvaluationFailed",
      "ExecutionFailed",
    ]);
  });

  it("the timeout of a whole machine ends it as TIMED_OUT while it waits", async () => {
    const State_1 = { Type: "Wait", Seconds: 60, Next: "State_2" };
    const definition = machine({ State_1, State_2: { Type: "Pass", End: true } }, { TimeoutSeconds: 5 });
    const { outcome, run } = await finish(definition);
    expect(outcome).toMatchObject({ status: "TIMED_OUT" });
    expect(run.events.map(({ type }) => type)).toEqual(["ExecutionStarted", "WaitStateEntered", "ExecutionTimedOut"]);
  });
});

describe.skipIf(!existsSync(RECORDED))("the sequences here and the recordings", () => {
  const files = existsSync(RECORDED) ? readdirSync(RECORDED).filter((name) => name.endsWith(".json")) : [];

  it("are the same ones", () => {
    const here = [...SEQUENCES.map((sequence) => sequence.recording), ...Object.keys(OTHERWISE)];
    expect(here.sort()).toEqual(files.sort());
  });

  it.each(files.filter((file) => OTHERWISE[file] === undefined))("agree on %s", (file) => {
    const { expected } = readCase(join(RECORDED, file));
    const sequence = SEQUENCES.find((each) => each.recording === file);
    expect(sequence?.events).toEqual(expected.history?.map(lineOf));
    expect(sequence?.interleaved).toEqual(expected.interleavedRegions);
    expect(sequence?.ends).toEqual({
      status: expected.status,
      ...(expected.error === undefined ? {} : { error: expected.error }),
    });
  });
});
