import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { runProgram } from "../../lib/cli/program.js";
import { copyProject } from "../support/project-copy.js";
import { commandsBelow } from "../support/readme.js";

let clone: string;
beforeAll(() => {
  clone = copyProject();
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

test("the README's five minutes, and the new workflow has a stack of its own", () => {
  for (const command of commandsBelow("README.md", "Your own workflow in five minutes")) {
    const typed = command.startsWith("npm start") ? `${command} --exit --port 0` : command;
    const done = spawnSync(typed, { cwd: clone, encoding: "utf8", shell: true });
    expect(done.status, `${typed}\n${done.stdout}${done.stderr}`).toBe(0);
    if (typed !== command) expect(done.stdout).toMatch(/recommended[\s\S]*Outcome: done/);
  }
  const manifest = z.object({ artifacts: z.record(z.string(), z.looseObject({ type: z.string() })) });
  const { artifacts } = manifest.parse(JSON.parse(readFileSync(join(clone, "cdk.out/manifest.json"), "utf8")));
  const stacks = Object.entries(artifacts).filter(([, { type }]) => type === "aws:cloudformation:stack");
  expect(stacks.map(([name]) => name).sort()).toEqual([
    "countersign-dev",
    "countersign-dev-billing-dispute",
    "countersign-dev-my-first",
  ]);
}, 180_000);

test("a name that is taken or not allowed is refused and nothing is written", async () => {
  for (const name of ["billing-dispute", "Demo", "a--b", "../x", "a".repeat(33)]) {
    const said: string[] = [];
    const io = { out: () => {}, err: (text: string) => void said.push(text), terminal: false };
    const code = await runProgram(["workflow", "new", name], { io, root: clone });
    expect([code, said.join("")]).toEqual([1, expect.stringMatching(/^CS-5007 workflow new: /)]);
  }
});
