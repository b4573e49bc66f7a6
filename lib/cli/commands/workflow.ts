import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Command } from "commander";
import * as z from "zod";
import { recommendAutonomy } from "../../contract/autonomy.js";
import { isWarning, renderFault } from "../../contract/faults.js";
import { listWorkflows, loadWorkflow } from "../../contract/load.js";
import type { Contract, Fault } from "../../contract/model.js";
import { signInWarnings } from "../../contract/rules/sign-in.js";
import { CountersignError } from "../../errors.js";
import { checkPolicies } from "../../policy/lint.js";
import { loadPolicies, policySet } from "../../policy/source.js";
import { readJsonOr } from "../../run/json.js";
import { type CommandContext, globalsOf } from "../context.js";
import { table } from "../io.js";
import { createWorkflow } from "../new-workflow.js";

const MAX_CDK_JSON_BYTES = 1024 * 1024;

interface CheckedWorkflow {
  readonly workflow: string;
  readonly faults: readonly Fault[];
  readonly contract?: Contract;
}

export function workflowCommands(program: Command, context: CommandContext): void {
  const workflow = program.command("workflow").description("check a contract and its policies; write a new workflow");
  workflow
    .command("check")
    .description("every fault of contract and policies at once, and the recommended autonomy per tool")
    .argument("[workflows...]", "names (default: all)")
    .action(async (names: string[], _: unknown, command: Command) => {
      const { json } = globalsOf(command);
      const checked = await Promise.all(
        (await chosen(context.root, names)).map((name) => checkWorkflow(context.root, name)),
      );
      context.io.out(json ? JSON.stringify(checked.map(toJson)) : checked.map(toText).join("\n\n"));
      if (checked.some((one) => one.faults.some((fault) => !isWarning(fault)))) context.exitCode(1);
    });
  workflow
    .command("new")
    .description(
      "write workflows/<name>: contract, tools, policies with tiers, scenarios, sandbox; it checks, runs and tests at once",
    )
    .argument("<name>", "kebab-case, at most 32 characters")
    .action(async (name: string, _: unknown, command: Command) => {
      const files = await createWorkflow(context.root, name);
      if (globalsOf(command).json) return context.io.out(JSON.stringify({ workflow: name, files }));
      context.io.out(
        `${files.map((file) => `  ${file}`).join("\n")}\nNext:  npx countersign workflow check ${name}      npx countersign scenario test ${name}`,
      );
    });
}

/** The named workflows, or all; an unknown name is CS-5001. */
export async function chosen(root: string, names: readonly string[]): Promise<readonly string[]> {
  const all = (await listWorkflows(join(root, "workflows"))).map((folder) => basename(folder));
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new CountersignError(
      "CS-5001",
      `workflow '${unknown.join("', '")}': not in ${join(root, "workflows")}; there ${all.length === 1 ? "is" : "are"} ${all.join(", ") || "none"}`,
    );
  return names.length === 0 ? all : names;
}

async function checkWorkflow(root: string, name: string): Promise<CheckedWorkflow> {
  const folder = join(root, "workflows", name);
  const { contract, faults } = await loadWorkflow(folder);
  if (contract === undefined) return { workflow: name, faults };
  return {
    workflow: name,
    contract,
    faults: [
      ...checkPolicies(contract, policySet(contract, loadPolicies(join(folder, "policies")))),
      ...((await hasIssuer(root)) ? [] : signInWarnings(contract)),
    ],
  };
}

const projectContext = z.object({ context: z.object({ oidcIssuer: z.string().optional() }).default({}) });

/** As the project's own settings say; `-c oidcIssuer=…` at synth is another stage's. */
async function hasIssuer(root: string): Promise<boolean> {
  const file = join(root, "cdk.json");
  const text = await readFile(file, "utf8").catch(() => "{}");
  const parsed = projectContext.safeParse(readJsonOr(text, MAX_CDK_JSON_BYTES, {}));
  return parsed.data?.context.oidcIssuer !== undefined;
}

function toText({ workflow, contract, faults }: CheckedWorkflow): string {
  const lines = faults.map((fault) => `${isWarning(fault) ? "warning: " : ""}${renderFault(fault)}`);
  const counted = faults.filter((fault) => !isWarning(fault)).length;
  const verdict = counted === 0 ? "no faults" : `${counted} ${counted === 1 ? "fault" : "faults"}`;
  if (contract === undefined) return `${workflow}: ${verdict}\n${lines.join("\n")}`;
  const { level, tools } = recommendAutonomy(contract);
  const rows = tools.map((tool) => [
    `  ${tool.tool}`,
    tool.level,
    tool.reasons.map((reason) => reason.text).join("; "),
  ]);
  return [
    `${workflow} v${contract.version}: ${verdict}`,
    ...lines,
    `recommended autonomy: ${level} (the contract says ${contract.autonomy})`,
    table(rows),
  ].join("\n");
}

function toJson({ workflow, contract, faults }: CheckedWorkflow): unknown {
  return {
    workflow,
    faults,
    ...(contract === undefined
      ? {}
      : { version: contract.version, autonomy: contract.autonomy, recommended: recommendAutonomy(contract) }),
  };
}
