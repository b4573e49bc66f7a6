/**
 * Synthesises the project, as `cdk synth` does, without the CDK's own command line: one process instead of three; and not at all
 * when nothing it is made from has changed.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import * as z from "zod";
import { CountersignError } from "../errors.js";

const cdkJson = z.object({ context: z.record(z.string(), z.json()).default({}) });

export interface SynthOptions {
  readonly root: string;
  readonly stage: string;
  /** where the assembly goes; default `<root>/cdk.out` */
  readonly out?: string;
}

/** Of a stage on this machine, where a Slack workspace and a sign-in provider are at hand (their addresses are known when they start). */
const LOCAL_CONTEXT = { slack: "on", oidcIssuer: "https://sign-in.localhost", oidcClientId: "countersign-local" };

/** What an assembly is made from. */
const SOURCES = ["bin", "lib", "lambdas", "workflows", "cdk.json", "package-lock.json", "tsconfig.json"];
const FINGERPRINT_FILE = "countersign-sources.sha256";

export interface Synthesised {
  readonly assembly: string;
  /** false: the assembly that was there is of the same sources */
  readonly made: boolean;
}

/** The assembly of the sources as they are now: the one that is there, or a new one. */
export async function ensureSynthesised(options: SynthOptions): Promise<Synthesised> {
  const out = options.out ?? join(options.root, "cdk.out");
  const marker = join(out, FINGERPRINT_FILE);
  const wanted = fingerprint(options.root, options.stage);
  if (existsSync(marker) && readFileSync(marker, "utf8") === `${wanted} ${manifestHash(out)}`)
    return { assembly: out, made: false };
  await rm(marker, { force: true });
  await synthesise({ ...options, out });
  await writeFile(marker, `${wanted} ${manifestHash(out)}`);
  return { assembly: out, made: true };
}

/** The manifest names every template and asset by hash: a `cdk synth` of another stage in between shows. */
function manifestHash(out: string): string {
  const file = join(out, "manifest.json");
  return existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest("hex") : "";
}

/** Every file in a folder, in order; a file is itself. */
function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : [])).sort();
}

/** SHA-256 over stage, paths and contents. */
function fingerprint(root: string, stage: string): string {
  const hash = createHash("sha256").update(`${process.version}\0${stage}\0`);
  for (const file of SOURCES.flatMap((source) => filesIn(join(root, source))))
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  return hash.digest("hex");
}

/** Runs `bin/app.ts`; answers with the assembly's folder. Faults and findings are CS-5011, in the app's own words. */
export async function synthesise({ root, stage, out = join(root, "cdk.out") }: SynthOptions): Promise<string> {
  const { context } = cdkJson.parse(JSON.parse(await readFile(join(root, "cdk.json"), "utf8")));
  const tsx = createRequire(import.meta.url).resolve("tsx");
  const app = spawn(process.execPath, ["--import", tsx, "bin/app.ts"], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...LOCAL_CONTEXT, stage }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  app.stdout.on("data", (chunk) => (said += String(chunk)));
  app.stderr.on("data", (chunk) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => app.once("error", reject).once("close", resolve));
  if (code === 0) return out;
  throw new CountersignError("CS-5011", `synthesis failed:\n${said.trim()}`);
}
