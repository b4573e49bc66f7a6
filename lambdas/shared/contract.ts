/**
 * The bundled contract, read once per cold start. Only its form is checked again: a synth checks every rule before it bundles, and the rules
 * would be a tenth of each function's code.
 */
import { assembleContract } from "../../lib/contract/build.js";
import { toolSchemaHash } from "../../lib/contract/hash.js";
import type { Contract, Tool } from "../../lib/contract/model.js";
import { written } from "../../lib/contract/written.js";
import { CountersignError } from "../../lib/errors.js";
import type { DeployedHashes } from "../../lib/run/types.js";

export function bundledContract(defined: unknown, workflow: string): Contract {
  const contract = assembled(defined);
  if (contract.name !== workflow)
    throw new CountersignError(
      "CS-3407",
      `contract: ${contract.name} is bundled into a function of ${workflow}; deploy again`,
    );
  return contract;
}

function assembled(defined: unknown): Contract {
  const definition = written(defined, "workflow");
  try {
    if (definition !== undefined) return assembleContract(definition);
  } catch (error) {
    const what = error instanceof Error ? error.name : "an error";
    throw unusable(`the bundled definition has another form (${what})`);
  }
  throw unusable("what is bundled is no workflow");
}

const unusable = (what: string) =>
  new CountersignError("CS-3407", `contract: ${what}; run \`countersign workflow check\` and deploy again`);

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
