import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caseFiles, runCase } from "../../../lib/local/states/conformance.js";
import { type ConformanceCase, readCase } from "../../../lib/local/states/conformance-case.js";
import { conformanceCommand } from "../../../lib/local/states/conformance-command.js";
import { FUNCTION, invoke, machine, waitForToken } from "./support.js";

async function said(...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await conformanceCommand(argv, { out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out, err };
}

const RECORDED = resolve(import.meta.dirname, "../../../../shared/data/sfn");

describe.skipIf(!existsSync(RECORDED))("executions recorded on AWS", () => {
  const files = existsSync(RECORDED) ? caseFiles(RECORDED) : [];
  it.each(files.map((file) => ({ file, ...readCase(file) })))("$name", async ({ file }) => {
    expect((await runCase(readCase(file))).problems).toEqual([]);
  });

  it("are all there, and are summed up in the last line", async () => {
    expect(await said(RECORDED)).toEqual({ code: 0, out: ["52 passed, 0 failed"], err: [] });
  });
});

const lambda = { resourceType: "lambda", resource: "invoke" };
const answered = { ExecutedVersion: "$LATEST", Payload: { n: 1 }, SdkHttpMetadata: "<any-or-absent>", StatusCode: 200 };
const example: ConformanceCase = {
  name: "example",
  definition: JSON.parse(JSON.stringify(machine({ Work: invoke({ End: true }) }))),
  input: { n: 1 },
  lambdas: { [FUNCTION]: { behaviour: "echo" } },
  expected: {
    status: "SUCCEEDED",
    output: answered,
    history: [
      { type: "ExecutionStarted", id: 1, previousEventId: 0, input: { n: 1 } },
      { type: "TaskStateEntered", id: 2, previousEventId: 0, name: "Work", input: "<any>" },
      {
        type: "TaskScheduled",
        id: 3,
        previousEventId: 2,
        ...lambda,
        parameters: { FunctionName: "arn:aws:lambda:<any>:work", Payload: { n: 1 } },
      },
      { type: "TaskStarted", id: 4, previousEventId: 3, ...lambda },
      { type: "TaskSucceeded", id: 5, previousEventId: 4, ...lambda, output: answered },
      { type: "TaskStateExited", id: 6, previousEventId: 5, name: "Work", output: answered },
      { type: "ExecutionSucceeded", id: 7, previousEventId: 6, output: answered },
    ],
  },
};
const history = example.expected.history ?? [];
const withEvent = (index: number, change: Record<string, unknown>): ConformanceCase => ({
  ...example,
  expected: {
    ...example.expected,
    history: history.map((event, at) => (at === index ? { ...event, ...change } : event)),
  },
});
const problemsOf = async (each: ConformanceCase): Promise<number> => (await runCase(each)).problems.length;

describe("the comparison", () => {
  it("passes the example, wildcards included", async () => {
    expect((await runCase(example)).problems).toEqual([]);
  });

  it.each([
    ["another input", withEvent(0, { input: { n: 2 } })],
    ["another predecessor", withEvent(5, { previousEventId: 4 })],
    ["a member that is not there", withEvent(3, { heartbeatInSeconds: 1 })],
    [
      "a wildcard that does not match",
      withEvent(2, { parameters: { FunctionName: "<any>:other", Payload: { n: 1 } } }),
    ],
    ["another type", withEvent(4, { type: "TaskFailed" })],
    ["a missing event", { ...example, expected: { ...example.expected, history: history.slice(0, 6) } }],
    ["another status", { ...example, expected: { ...example.expected, status: "FAILED" as const } }],
    ["an error that is not there", { ...example, expected: { ...example.expected, error: "X" } }],
    ["another output", { ...example, expected: { ...example.expected, output: 1 } }],
  ])("finds %s", async (_, changed) => {
    expect(await problemsOf(changed)).toBeGreaterThan(0);
  });

  it("ignores the order where the recording has none, and nothing else there", async () => {
    const shuffled = [history[0], history[4], history[3], history[2], history[1], history[5], history[6]].flatMap(
      (event) => event ?? [],
    );
    const expected = { ...example.expected, history: shuffled };
    expect(await problemsOf({ ...example, expected })).toBeGreaterThan(0);
    expect(await problemsOf({ ...example, expected: { ...expected, unorderedRegions: [[1, 4]] } })).toBe(0);
    const missing = {
      ...expected,
      history: shuffled.with(2, { type: "TaskStarted", resource: "other" }),
      unorderedRegions: [[1, 4]],
    };
    expect(await problemsOf({ ...example, expected: { ...missing, unorderedRegions: [[1, 4]] } })).toBeGreaterThan(0);
  });

  it("follows each branch where several ran at the same time", async () => {
    const branches = ["A", "B"].map((name) => ({ StartAt: name, States: { [name]: { Type: "Pass", End: true } } }));
    const definition = JSON.parse(
      JSON.stringify(machine({ Both: { Type: "Parallel", Branches: branches, End: true } })),
    );
    const inOrder = (chain: number) => [
      { type: "ExecutionStarted", id: 1, previousEventId: 0, input: 0 },
      { type: "ParallelStateEntered", id: 2, previousEventId: 0, name: "Both", input: 0 },
      { type: "ParallelStateStarted", id: 3, previousEventId: 2 },
      { type: "PassStateEntered", id: 4, previousEventId: 3, name: "B", input: 0 },
      { type: "PassStateExited", id: 5, previousEventId: chain, name: "B", output: 0 },
      { type: "PassStateEntered", id: 6, previousEventId: 3, name: "A", input: 0 },
      { type: "PassStateExited", id: 7, previousEventId: 6, name: "A", output: 0 },
      { type: "ParallelStateSucceeded", id: 8 },
      { type: "ParallelStateExited", id: 9, name: "Both", output: [0, 0] },
      { type: "ExecutionSucceeded", id: 10, previousEventId: 9, output: [0, 0] },
    ];
    const parallel = (chain: number): ConformanceCase => ({
      ...example,
      definition,
      input: 0,
      expected: { status: "SUCCEEDED", output: [0, 0], history: inOrder(chain), interleavedRegions: [[3, 6]] },
    });
    expect(await runCase(parallel(4))).toEqual({ name: "example", problems: [] });
    expect(await problemsOf(parallel(3))).toBeGreaterThan(0);
  });

  it("sends the case's signals and lets its functions take their time", async () => {
    const definition = JSON.parse(
      JSON.stringify(machine({ Ask: waitForToken({ TimeoutSeconds: 30, HeartbeatSeconds: 20, End: true }) })),
    );
    const signals = [
      { afterState: "Ask", action: "SendTaskHeartbeat" as const },
      { afterState: "Ask", action: "SendTaskFailure" as const, error: "No" },
    ];
    const failed: ConformanceCase = {
      ...example,
      definition,
      lambdas: { [FUNCTION]: { behaviour: "return", value: 1, delaySeconds: 10 } },
      signals,
      expected: { status: "FAILED", error: "No" },
    };
    expect((await runCase(failed)).problems).toEqual([]);
    const slow = {
      ...failed,
      lambdas: { [FUNCTION]: { behaviour: "echo" as const, delaySeconds: 60 } },
      expected: { status: "FAILED" as const, error: "States.Timeout" },
    };
    expect((await runCase(slow)).problems).toEqual([]);
  });

  it("says so when the machine is not modelled", async () => {
    const { problems } = await runCase({
      ...example,
      definition: { StartAt: "A", States: { A: { Type: "Succeed" } } },
    });
    expect(problems).toEqual([expect.stringContaining("CS-1251")]);
  });
});

describe("the command", () => {
  let folder: string;
  const write = (name: string, content: unknown): void => writeFileSync(join(folder, name), JSON.stringify(content));
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "countersign-conformance-"));
    write("a.json", example);
    write("b.json", { ...withEvent(4, { type: "TaskFailed" }), name: "another" });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("prints what differs per failure and ends with 1", async () => {
    const { code, out, err } = await said(folder);
    expect({ code, err, last: out.at(-1) }).toEqual({ code: 1, err: [], last: "1 passed, 1 failed" });
    expect(out[0]).toBe(`FAILED another\n  ${join(folder, "b.json")}`);
    expect(out[1]).toMatch(/^ {2}event 5\n {4}- .*"TaskFailed".*\n {4}\+ .*"TaskSucceeded"/s);
    const { out: json } = await said("--json", folder);
    expect(JSON.parse(json.join(""))).toMatchObject({ passed: 1, failed: 1, failures: [{ name: "another" }] });
  });

  it.each([
    ["a folder that is not there", () => join(folder, "none"), "CS-1264", "does not exist"],
    ["a file", () => join(folder, "a.json"), "CS-1264", "is no folder"],
    ["a folder without a case", () => resolve(import.meta.dirname, "../../../bin"), "CS-1264", "holds no .json file"],
  ])("refuses %s with a code and ends with 2", async (_, path, errorCode, why) => {
    const { code, out, err } = await said(path());
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err.join("\n")).toMatch(new RegExp(`^${errorCode} conformance cases: ${path()} ${why}`));
  });

  it("refuses a file that is no case before it runs any, and a command line without a folder", async () => {
    write("c.json", { name: "c" });
    expect(await said(folder)).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/^CS-1265 .*c\.json/)] });
    expect(await said()).toMatchObject({
      code: 2,
      out: [],
      err: [expect.stringContaining("missing required argument")],
    });
    expect(await said("--frobnicate", folder)).toMatchObject({ code: 2, out: [] });
  });

  it("has help", async () => {
    const { code, out } = await said("--help");
    expect(code).toBe(0);
    expect(out.join("\n")).toMatchInlineSnapshot(`
      "Usage: npm run conformance -- [options] <folder...>

      Runs Step Functions cases on the interpreter: how each run ends, and its
      history.

      Arguments:
        folder      folders of cases, one JSON file each (format: docs/conformance.md)

      Options:
        --json      one JSON object instead of text: { passed, failed, failures }
        -h, --help  display help for command

      Exit code: 0 all passed, 1 a case failed, 2 a folder or case cannot be read."
    `);
  });
});
