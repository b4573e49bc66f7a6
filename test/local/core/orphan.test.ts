import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { assemblyOf, FunctionRole, lambdaFunction, role } from "./fixture.js";

const CODE = `exports.handler = async (event) => { console.log("pid=" + process.pid); if (event.spin) for (;;); };`;

it("no function outlives a cloud that is killed, not even one that spins", async () => {
  const fixture = assemblyOf(
    {
      main: {
        template: {
          Resources: {
            FunctionRole,
            Invoker: role("ec2.amazonaws.com", [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "*" }], {
              RoleName: "invoker",
            }),
            Idle: lambdaFunction("code", { FunctionName: "idle" }),
            Spinning: lambdaFunction("code", { FunctionName: "spinning", Timeout: 60 }),
          },
        },
      },
    },
    { code: { "index.js": CODE } },
  );
  const script = fileURLToPath(new URL("./orphan-parent.ts", import.meta.url));
  const parent = spawn(process.execPath, ["--import", "tsx", script, fixture.folder], {
    stdio: ["ignore", "pipe", "inherit"],
    // a killed cloud cannot remove its copies of the functions' code; the fixture takes them along
    env: { ...process.env, TMPDIR: fixture.folder },
  });
  try {
    let output = "";
    parent.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
    const pids = () => [...output.matchAll(/pid=(\d+)/g)].map((match) => Number(match[1]));
    await expect.poll(pids).toHaveLength(2);
    const alive = () => pids().filter(isAlive);
    expect(alive()).toHaveLength(2);
    parent.kill("SIGKILL");
    await expect.poll(alive).toEqual([]);
  } finally {
    parent.kill("SIGKILL");
    fixture.remove();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
