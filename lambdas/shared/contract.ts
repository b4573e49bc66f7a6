/** What a function needs of its contract, which the synth checked and wrote into the bundle. */
import type { Contract, Tool } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import type { DeployedHashes } from "../../lib/run/types.js";

export function bundledContract(contract: Contract, workflow: string): Contract {
  if (contract.name !== workflow)
    throw new CountersignError(
      "CS-3407",
      `contract: ${contract.name} is bundled into a function of ${workflow}; deploy again`,
    );
  return contract;
}

export function toolNamed(contract: Contract, name: string): Tool {
  const tool = contract.tools.find((candidate) => candidate.name === name);
  if (tool !== undefined) return tool;
  const names = contract.tools.map((candidate) => candidate.name).join(", ");
  throw new CountersignError("CS-3401", `environment: TOOL ${name} is not in the contract; it has ${names}`);
}

/** What is deployed: two hashes from the stack, and each tool's schema as this bundle has it. */
export function deployedHashes(
  toolSchemaHashes: Readonly<Record<string, string>>,
  env: { readonly CONTRACT_HASH: string; readonly POLICY_SET_HASH: string },
): DeployedHashes {
  return { contractHash: env.CONTRACT_HASH, policySetHash: env.POLICY_SET_HASH, toolSchemaHashes };
}

export function agentOfKind<K extends Contract["agent"]["kind"]>(
  { agent, name }: Contract,
  kind: K,
): Extract<Contract["agent"], { kind: K }> {
  const isKind = (candidate: Contract["agent"]): candidate is Extract<Contract["agent"], { kind: K }> =>
    candidate.kind === kind;
  if (isKind(agent)) return agent;
  throw new CountersignError(
    "CS-3407",
    `contract: ${name} has an agent of kind ${agent.kind}, this function is for ${kind}; deploy again`,
  );
}
