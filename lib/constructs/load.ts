/** From a folder of workflows to checked contracts and policy sets, or to everything that is wrong with them. */
import { dirname, join } from "node:path";
import { renderFault } from "../contract/faults.js";
import { listWorkflows, loadWorkflow } from "../contract/load.js";
import type { Fault } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { checkPolicies } from "../policy/lint.js";
import { loadPolicies, policySet } from "../policy/source.js";
import type { CheckedWorkflow } from "./app.js";

/**
 * Loads every workflow below `root`.
 * @throws CountersignError CS-1308 whose message is every fault of every workflow, one a line
 */
export async function loadWorkflows(root: string): Promise<readonly CheckedWorkflow[]> {
  const faults: Fault[] = [];
  const workflows: CheckedWorkflow[] = [];
  for (const folder of await listWorkflows(root)) {
    const { contract, faults: found } = await loadWorkflow(folder);
    faults.push(...found);
    if (contract === undefined) continue;
    const set = policySet(contract, loadPolicies(join(dirname(contract.file), "policies")));
    const wrong = checkPolicies(contract, set);
    faults.push(...wrong);
    if (wrong.length === 0) workflows.push({ contract, policySet: set });
  }
  if (faults.length === 0) return workflows;
  const lines = faults.map((fault) => `  ${fault.code} ${renderFault(fault)}`);
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  throw new CountersignError("CS-1308", `${count}, nothing was synthesised:\n${lines.join("\n")}`);
}
