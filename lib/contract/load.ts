/** Finding and importing contracts: `workflows/<name>/contract.ts`. Needs a loader for TypeScript (tsx, vitest) to be active. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type CheckResult, checkContract } from "./check.js";
import { Faults } from "./faults.js";

/** Absolute paths of the folders in `root` that hold a contract, by name. None when `root` does not exist. */
export async function listWorkflows(root: string): Promise<readonly string[]> {
  if (!existsSync(root)) return [];
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, "contract.ts")))
    .map((entry) => resolve(root, entry.name))
    .sort();
}

/** Imports and checks the contract of a folder. An import that fails is a fault like any other. */
export async function loadWorkflow(folder: string): Promise<CheckResult> {
  const file = resolve(folder, "contract.ts");
  const where = { path: "contract", file };
  const faults = new Faults();
  if (!existsSync(file)) {
    faults.add("CS-1020", where, {
      value: basename(resolve(folder)),
      rule: "has no contract.ts",
      fix: "run `countersign workflow new <name>`, or correct the name",
    });
    return { faults: faults.list };
  }
  let module: unknown;
  try {
    module = await import(/* @vite-ignore */ pathToFileURL(file).href);
  } catch (error) {
    const cause = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    faults.add("CS-1021", where, { rule: `cannot be imported: ${cause}`, fix: "correct the file or what it imports" });
    return { faults: faults.list };
  }
  const exported = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  const result = checkContract(exported);
  if (result.contract === undefined) {
    return { faults: result.faults.map((fault) => (fault.file === "" ? { ...fault, file } : fault)) };
  }
  const { name } = result.contract;
  if (name === basename(resolve(folder))) return result;
  faults.add(
    "CS-1022",
    { path: "contract.name", file },
    { value: name, rule: `is in the folder ${basename(resolve(folder))}`, fix: "give both one name" },
  );
  return { faults: faults.list };
}
