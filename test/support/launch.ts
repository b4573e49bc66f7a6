/** Starts the project's own commands as child processes and collects what they say. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export interface Ended {
  readonly code: number | null;
  readonly said: string;
}
export interface Launched {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<Ended>;
}

export function launch(folder: string, script: string, args: readonly string[]): Launched {
  const child = spawn(process.execPath, [join(folder, script), ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    text += String(chunk);
  });
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, said: text })));
  return { child, said: () => text, ended };
}
