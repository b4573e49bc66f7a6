/** Synthesises the project once for all whole-run tests; they get the assembly's folder with `inject("assembly")`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensureSynthesised } from "../../lib/scenario/synth.js";
import { root } from "../../scripts/ensure.mjs";

declare module "vitest" {
  interface ProvidedContext {
    assembly: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-synth-"));
  // What workers leave there goes with it: a cloud that they share ends with them, and removes nothing.
  process.env.TMPDIR = folder;
  const { assembly } = await ensureSynthesised({ root, stage: "dev", out: join(folder, "cdk.out") });
  project.provide("assembly", assembly);
  return () => rm(folder, { recursive: true, force: true });
}
