/**
 * Assemblies that the tests of a project share, each synthesised once, in a process of its own. No set-up waits for its own: two of them are made at
 * once, and who needs one waits for it (`assembly-made.ts`).
 */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** folder of the project's assembly */
    assembly: string;
  }
}

const LOOK_EVERY_MS = 50;

/** As a global set-up: begins to synthesise, with the project's temporary folder gone at the end. */
export async function synthesiseAside(
  project: TestProject,
  synthesise: (folder: string) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const scratch = await mkdtemp(join(tmpdir(), "countersign-synth-"));
  // What workers leave there goes with it: a cloud that they share ends with them, and removes nothing.
  process.env.TMPDIR = scratch;
  const assembly = join(scratch, "cdk.out");
  const outcome = synthesise(assembly).then(
    () => "",
    (error: unknown) => String(error),
  );
  const told = outcome.then((problem) => tell(assembly, problem));
  project.provide("assembly", assembly);
  return async () => {
    await told;
    await rm(scratch, { recursive: true, force: true });
  };
}

/** Resolves when the assembly is there. @throws Error with what its synthesis said when it failed */
export async function assemblyMade(assembly: string): Promise<void> {
  const file = outcomeFile(assembly);
  while (!existsSync(file)) await sleep(LOOK_EVERY_MS);
  const problem = await readFile(file, "utf8");
  if (problem !== "") throw new Error(problem);
}

const outcomeFile = (assembly: string): string => `${assembly}.outcome`;

async function tell(assembly: string, problem: string): Promise<void> {
  const draft = `${assembly}.draft`;
  await writeFile(draft, problem);
  await rename(draft, outcomeFile(assembly));
}
