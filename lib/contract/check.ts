/**
 * The door through which a definition becomes a `Contract`. Parses the form, runs every rule on the parts that have the right form, and
 * answers with the contract or with all faults at once. Never throws, whatever it is given.
 */
import { existsSync } from "node:fs";
import { assembleContract } from "./build.js";
import { draftOf } from "./draft.js";
import { Faults } from "./faults.js";
import type { Contract, Fault } from "./model.js";
import { checkAutonomy } from "./rules/autonomy.js";
import { checkFiles } from "./rules/files.js";
import { checkLimits } from "./rules/limits.js";
import { checkPeople } from "./rules/people.js";
import { checkReferences } from "./rules/references.js";
import { checkSchemas } from "./rules/schemas.js";
import { checkTools } from "./rules/tools.js";
import { written } from "./written.js";

export { renderFault } from "./faults.js";

export type CheckResult =
  | { readonly contract: Contract; readonly faults: readonly [] }
  | { readonly contract?: undefined; readonly faults: readonly Fault[] };

export interface CheckOptions {
  /** whether a file exists, by absolute path; default: the file system */
  readonly exists?: (path: string) => boolean;
}

/** Checks what `defineWorkflow` returned. `faults` is empty exactly when there is a `contract`. */
export function checkContract(defined: unknown, options: CheckOptions = {}): CheckResult {
  const faults = new Faults();
  const workflow = written(defined, "workflow");
  if (workflow === undefined) {
    const fix = "export default defineWorkflow({ … })";
    faults.add("CS-1001", { path: "contract", file: "" }, { rule: "is not a workflow", fix });
    return { faults: faults.list };
  }
  const draft = draftOf(workflow, faults);
  checkPeople(draft, faults);
  checkTools(draft, faults);
  checkSchemas(draft, faults);
  checkReferences(draft, faults);
  checkLimits(draft, faults);
  checkAutonomy(draft, faults);
  checkFiles(draft, options.exists ?? existsSync, faults);
  return faults.list.length > 0
    ? { faults: inOrder(faults.list) }
    : { contract: assembleContract(workflow), faults: [] };
}

/** The workflow's own faults first, then tool by tool; as found within. */
function inOrder(list: readonly Fault[]): readonly Fault[] {
  const group = (fault: Fault) => Number(/^contract\.tools\[(\d+)\]/.exec(fault.path)?.[1] ?? -1);
  return list.toSorted((a, b) => group(a) - group(b));
}
