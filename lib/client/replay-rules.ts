/** Contract, policies and state machine for a replay, from this project's sources or from what the command names. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkContract } from "../contract/check.js";
import { AUTONOMY_LEVELS, type Autonomy, type Contract } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { loadPolicies } from "../policy/source.js";
import { definitionIn, machineOf, type RunMachineDefinition } from "../replay/definition.js";
import { atAutonomy, type Rules, rulesOf } from "../replay/rules.js";
import { ensureSynthesised } from "../scenario/synth.js";

export interface RulesOptions {
  readonly root: string;
  readonly workflow: string;
  /** folder of `.cedar` files instead of the contract's own */
  readonly policies?: string | undefined;
  /** a path (folder or file), or a version that is in the workflow's folder */
  readonly contract?: string | undefined;
  readonly autonomy?: string | undefined;
}

/** @throws CountersignError CS-5001, CS-5002, CS-5006, CS-5009, CS-1130 */
export async function loadRules({ root, workflow, policies, contract: named, autonomy }: RulesOptions): Promise<Rules> {
  const file = await contractFile(join(root, "workflows", workflow), workflow, named);
  const contract = await importContract(file);
  if (contract.name !== workflow)
    throw new CountersignError("CS-5006", `--contract: ${file} is of ${contract.name}, the runs are of ${workflow}`);
  const folder = policies === undefined ? join(dirname(file), "policies") : resolve(policies);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new CountersignError("CS-5002", `${folder}: there is no such folder; give one with .cedar files`);
  const sources = loadPolicies(folder);
  if (sources.length === 0)
    throw new CountersignError("CS-5002", `${folder}: holds no .cedar file; without policies everything is denied`);
  return rulesOf(autonomy === undefined ? contract : atAutonomy(contract, levelOf(autonomy)), sources);
}

function levelOf(value: string): Autonomy {
  const found = AUTONOMY_LEVELS.find((level) => level === value);
  if (found !== undefined) return found;
  throw new CountersignError("CS-5006", `--autonomy: '${value}' is not allowed; use ${AUTONOMY_LEVELS.join(", ")}`);
}

/** A version is the contract's own, or that of `contract.v<version>.ts` beside it. */
async function contractFile(folder: string, workflow: string, named: string | undefined): Promise<string> {
  const current = join(folder, "contract.ts");
  if (named === undefined || /^v?\d+$/.test(named)) {
    if (!existsSync(current))
      throw new CountersignError(
        "CS-5001",
        `workflow '${workflow}': there is none in ${folder}; name its contract with --contract <path>`,
      );
    if (named === undefined) return current;
    const version = Number(named.replace("v", ""));
    const older = join(folder, `contract.v${version}.ts`);
    if (existsSync(older)) return older;
    const { version: here } = await importContract(current);
    if (here === version) return current;
    throw new CountersignError(
      "CS-5006",
      `--contract: version ${version} of ${workflow} is not here (contract.ts is version ${here}, and there is no contract.v${version}.ts); give the path of its contract.ts, e.g. in a git worktree`,
    );
  }
  const path = resolve(named);
  const file = path.endsWith(".ts") ? path : join(path, "contract.ts");
  if (existsSync(file)) return file;
  throw new CountersignError("CS-5002", `${file}: there is no such file; give a version, a folder or a contract.ts`);
}

async function importContract(file: string): Promise<Contract> {
  let module: unknown;
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    throw new CountersignError(
      "CS-5009",
      `${file}: cannot be imported (${error instanceof Error ? error.message.split("\n")[0] : "error"}); correct the file`,
    );
  }
  const exported = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  const { contract, faults } = checkContract(exported);
  if (contract !== undefined) return contract;
  throw new CountersignError(
    "CS-5009",
    `${file}: the contract has ${faults.length} faults, first ${faults[0]?.path} ${faults[0]?.rule}; see \`countersign workflow check\``,
  );
}

/** The definition as it is deployed from these sources, synthesised when they changed; or the one in a file. */
export async function loadDefinition(options: {
  readonly root: string;
  readonly stage: string;
  readonly workflow: string;
  readonly file?: string | undefined;
  readonly synthesising: () => void;
}): Promise<RunMachineDefinition> {
  if (options.file !== undefined) return machineOf(await text(options.file));
  options.synthesising();
  const { assembly } = await ensureSynthesised({ root: options.root, stage: options.stage });
  const template = join(assembly, `countersign-${options.stage}-${options.workflow}.template.json`);
  const parsed: unknown = JSON.parse(await text(template));
  return machineOf(definitionIn(parsed));
}

async function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => {
    throw new CountersignError("CS-5002", `${file}: cannot be read; give a file that is there`);
  });
}
