/** Synthesises the laboratory once for all its tests; they get the assembly's folder with `inject("lab")`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { synthLab } from "./synth.js";

declare module "vitest" {
  interface ProvidedContext {
    lab: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-lab-"));
  const assembly = join(folder, "cdk.out");
  await synthLab(assembly);
  project.provide("lab", assembly);
  return () => rm(folder, { recursive: true, force: true });
}
