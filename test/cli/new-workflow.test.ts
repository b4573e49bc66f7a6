import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyProject } from "../support/project-copy.js";

let clone: string;
beforeAll(() => {
  clone = copyProject();
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

function run(command: string, ...args: string[]): { status: number | null; said: string } {
  const done = spawnSync(process.execPath, [join(clone, command), ...args], { cwd: clone, encoding: "utf8" });
  return { status: done.status, said: `${done.stdout}${done.stderr}` };
}
const countersign = (...args: string[]) => run("bin/countersign.mjs", ...args);

test("a new workflow checks, runs its scenarios and synthesises at once", () => {
  const made = countersign("workflow", "new", "demo");
  expect(made).toMatchObject({ status: 0 });

  const checked = countersign("workflow", "check", "demo");
  expect(checked.said).toContain("no faults");
  expect(checked.status).toBe(0);

  const tested = countersign("scenario", "test", "demo");
  expect(tested.said).toContain("2 passed, 0 failed");
  expect(tested.status).toBe(0);

  const synthesised = run("node_modules/aws-cdk/bin/cdk", "list");
  expect(synthesised.said).toContain("countersign-dev\n");
  expect(synthesised.said).toContain("countersign-dev-billing-dispute");
  expect(synthesised.said).toContain("countersign-dev-demo");
  expect(synthesised.status).toBe(0);
}, 180_000);

test("a name that is taken or not allowed is refused and nothing is written", () => {
  for (const name of ["billing-dispute", "Demo", "a--b", "../x", "a".repeat(33)]) {
    const { status, said } = countersign("workflow", "new", name);
    expect(said).toMatch(/^CS-5007 workflow new: /);
    expect(status).toBe(1);
  }
}, 60_000);
