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
});
