/** The bundled contract, checked once per cold start. Its sources are not in the bundle, so no file is looked for. */
import { checkContract } from "../../lib/contract/check.js";
import { toolSchemaHash } from "../../lib/contract/hash.js";
import type { Contract, Tool } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import type { DeployedHashes } from "../../lib/run/types.js";

export function bundledContract(defined: unknown, workflow: string): Contract {
  const { contract, faults } = checkContract(defined, { exists: () => true });
  if (contract === undefined)
    throw new CountersignError(
      "CS-3407",
      `contract: ${faults.length} faults, the first at ${faults[0]?.path ?? "its root"}; run \`countersign workflow check\` and deploy again`,
    );
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
  contract: Contract,
  env: { readonly CONTRACT_HASH: string; readonly POLICY_SET_HASH: string },
): DeployedHashes {
  return {
    contractHash: env.CONTRACT_HASH,
    policySetHash: env.POLICY_SET_HASH,
    toolSchemaHashes: Object.fromEntries(contract.tools.map((tool) => [tool.name, toolSchemaHash(tool)])),
  };
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
