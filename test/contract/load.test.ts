import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderFault } from "../../lib/contract/check.js";
import { defineTool, defineWorkflow } from "../../lib/contract/define.js";
import { listWorkflows, loadWorkflow } from "../../lib/contract/load.js";
import { DESK, FIXTURES } from "./fixture.js";
import tenFaults from "./fixtures/ten-faults/contract.js";
import * as desk from "./fixtures/ten-faults/tools/desk.js";

describe("listWorkflows", () => {
  it("gives the folders with a contract, by name", async () => {
    expect(await listWorkflows(FIXTURES)).toEqual(
      ["broken-import", "refund-desk", "ten-faults", "wrong-name"].map((name) => join(FIXTURES, name)),
    );
  });
  it("gives none where there is no folder", async () => {
    expect(await listWorkflows(join(FIXTURES, "nowhere"))).toEqual([]);
  });
});

describe("loadWorkflow", () => {
  const lines = async (name: string) =>
    (await loadWorkflow(join(FIXTURES, name))).faults.map((fault) => `${fault.code} ${renderFault(fault, FIXTURES)}`);

  it("imports and checks", async () => {
    expect(await loadWorkflow(DESK)).toMatchObject({ faults: [], contract: { name: "refund-desk" } });
    expect(await lines("ten-faults")).toHaveLength(10);
  });

  it.each([
    [
      "nowhere",
      'CS-1020 contract: "nowhere" has no contract.ts; run `countersign workflow new <name>`, or correct the name (nowhere/contract.ts)',
    ],
    [
      "broken-import",
      "CS-1021 contract: cannot be imported: the secret store is not reachable; correct the file or what it imports (broken-import/contract.ts)",
    ],
    [
      "wrong-name",
      'CS-1022 contract.name: "refund-desk" is in the folder wrong-name; give both one name (wrong-name/contract.ts)',
    ],
  ])("%s", async (name, line) => {
    expect(await lines(name)).toEqual([line]);
  });

  it("works the same under tsx", () => {
    const script = `
      const { loadWorkflow } = await import(${JSON.stringify(join(import.meta.dirname, "../../lib/contract/load.ts"))});
      const { contract, faults } = await loadWorkflow(${JSON.stringify(DESK)});
      console.log(JSON.stringify({ faults, file: contract?.file, tool: contract?.tools[0]?.file }));`;
    const answer = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: join(import.meta.dirname, "../.."),
      encoding: "utf8",
    });
    expect(JSON.parse(answer)).toEqual({
      faults: [],
      file: join(DESK, "contract.ts"),
      tool: join(DESK, "tools/ledger.ts"),
    });
  });
});

describe("defineTool and defineWorkflow", () => {
  it("know the file that called them", () => {
    expect(tenFaults.file).toBe(join(FIXTURES, "ten-faults/contract.ts"));
    expect(desk.refund.file).toBe(join(FIXTURES, "ten-faults/tools/desk.ts"));
  });

  it("leave Error as they found it", () => {
    const before = { limit: Error.stackTraceLimit, prepare: Error.prepareStackTrace };
    expect(tenFaults.kind).toBe("workflow");
    const hostile = JSON.parse('{"name":1}');
    expect(defineTool(hostile).definition).toBe(hostile);
    expect(defineWorkflow(hostile).definition).toBe(hostile);
    expect({ limit: Error.stackTraceLimit, prepare: Error.prepareStackTrace }).toEqual(before);
    expect(new Error("x").stack).toContain("load.test.ts");
  });
});
