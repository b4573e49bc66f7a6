import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildProgram, everyCommand, runProgram } from "../../lib/cli/program.js";
import { root } from "../../scripts/ensure.mjs";

function recorder() {
  const lines: string[] = [];
  const errors: string[] = [];
  return {
    lines,
    errors,
    io: {
      out: (text: string) => void lines.push(text),
      err: (text: string) => void errors.push(text),
      terminal: false,
    },
  };
}

test("help of every command", () => {
  const { io } = recorder();
  const helps = everyCommand(buildProgram({ io, root, exitCode: () => {} })).map((command) =>
    command.helpInformation(),
  );
  expect(helps.join("\n————————\n")).toMatchSnapshot();
});

describe("a wrong command line is told in one line with its way out", () => {
  const said = async (...argv: string[]) => {
    const { io, lines, errors } = recorder();
    const code = await runProgram(argv, { io, root });
    return { code, text: [...lines, ...errors].join("\n") };
  };
  test("unknown command, missing option, option that is not allowed", async () => {
    expect(await said("frobnicate")).toMatchObject({
      code: 1,
      text: expect.stringContaining("unknown command 'frobnicate'"),
    });
    expect(await said("run", "start", "billing-dispute")).toMatchObject({
      code: 1,
      text: expect.stringContaining("--input"),
    });
    expect(await said("local", "start", "--port", "99999")).toMatchObject({
      code: 1,
      text: expect.stringContaining("CS-5006 --port: '99999' is not allowed"),
    });
    expect(await said("local", "start", "--expire")).toMatchObject({
      code: 1,
      text: expect.stringContaining("CS-5006 --expire"),
    });
    expect(await said("workflow", "check", "nope")).toMatchObject({
      code: 1,
      text: expect.stringContaining("CS-5001 workflow 'nope'"),
    });
    expect(await said("approval", "decide", "http://x/y", "--code", "A", "--approve")).toMatchObject({
      code: 1,
      text: expect.stringContaining("CS-5006 approval decide"),
    });
    expect(await said("--json", "workflow", "check", "nope")).toMatchObject({
      code: 1,
      text: expect.stringContaining('{"error":{"code":"CS-5001"'),
    });
  });

  test("a run's input that is no object, a tenant and a request id that cannot be", async () => {
    const folder = await mkdtemp(join(tmpdir(), "countersign-input-"));
    const [list, object] = [join(folder, "list.json"), join(folder, "object.json")];
    await Promise.all([writeFile(list, "[]"), writeFile(object, "{}")]);
    const start = (...options: string[]) => said("run", "start", "billing-dispute", "--local", ...options);
    const cases = [
      [await start("--input", list), `CS-5002 ${list}: the input is a JSON object; correct the file`],
      [await start("--input", object, "--tenant", "A B"), "CS-5006 --tenant: 'A B' is not allowed; use 1 to 40 of a-z"],
      [
        await start("--input", object, "--request-id", "a/b"),
        "CS-5006 --request-id: 'a/b' is not allowed; use 1 to 64",
      ],
    ] as const;
    for (const [{ code, text }, expected] of cases) {
      expect(code).toBe(1);
      expect(text).toContain(expected);
      expect(text).not.toContain("\n");
    }
    await rm(folder, { recursive: true });
  });
});
