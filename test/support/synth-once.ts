/** Synthesises the project once for all whole-run tests; they get the assembly's folder with `inject("assembly")`. */
import type { TestProject } from "vitest/node";
import { ensureSynthesised } from "../../lib/scenario/synth.js";
import { root } from "../../scripts/ensure.mjs";
import { synthesiseAside } from "./assembly.js";

export default (project: TestProject): Promise<() => Promise<void>> =>
  synthesiseAside(project, (folder) => ensureSynthesised({ root, stage: "dev", out: folder }));
