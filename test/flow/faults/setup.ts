/** Synthesises the laboratory once for all its tests; they get the assembly's folder with `inject("assembly")`. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { root } from "../../../scripts/ensure.mjs";
import { synthesiseAside } from "../../support/assembly.js";

export default (project: TestProject): Promise<() => Promise<void>> =>
  synthesiseAside(project, (folder) =>
    promisify(execFile)(process.execPath, ["--import", "tsx", join(import.meta.dirname, "synth.ts"), folder], {
      cwd: root,
    }),
  );
