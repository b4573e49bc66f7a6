// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its substitutions so
/** What survives the process, and what goes wrong around an execution. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { cloud, MACHINE, passing, waiting, withMachine } from "./engine-cloud.js";
import { invoke, machine } from "./support.js";

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
