/** Synthesises the project, as `cdk synth` does, without the CDK's own command line: one process instead of three. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as z from "zod";
import { CountersignError } from "../errors.js";

const cdkJson = z.object({ context: z.record(z.string(), z.json()).default({}) });

export interface SynthOptions {
  readonly root: string;
  readonly stage: string;
  /** where the assembly goes; default `<root>/cdk.out` */
  readonly out?: string;
}

/** Runs `bin/app.ts`; answers with the assembly's folder. Faults and findings are CS-5011, in the app's own words. */
export async function synthesise({ root, stage, out = join(root, "cdk.out") }: SynthOptions): Promise<string> {
  const { context } = cdkJson.parse(JSON.parse(await readFile(join(root, "cdk.json"), "utf8")));
  const tsx = createRequire(import.meta.url).resolve("tsx");
  const app = spawn(process.execPath, ["--import", tsx, "bin/app.ts"], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify({ ...context, stage }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  app.stdout.on("data", (chunk) => (said += String(chunk)));
  app.stderr.on("data", (chunk) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => app.once("error", reject).once("close", resolve));
  if (code === 0) return out;
  throw new CountersignError("CS-5011", `synthesis failed:\n${said.trim()}`);
}
