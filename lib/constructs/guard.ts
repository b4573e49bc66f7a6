/**
 * The Control Tower rules of cfn-guard that can apply to what was synthesised. The plugin reads and runs all 237 files of them,
 * which takes longer than the rest of a synth; a file that names none of the templates' resource types says nothing about them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { CfnGuardValidator } from "@cdklabs/cdk-validator-cfnguard";
import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport } from "aws-cdk-lib";
import * as z from "zod";

const resourceTypes = z.object({ Resources: z.record(z.string(), z.object({ Type: z.string() })) });

export class ApplicableGuardRules implements IPolicyValidationPlugin {
  /** the plugin's own: findings are acknowledged under this name */
  readonly name = "cdk-validator-cfnguard";

  validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const types = new Set(context.templatePaths.flatMap(typesOf));
    const applicable = ruleFiles().filter((file) => mentions(readFileSync(file, "utf8"), types));
    return new CfnGuardValidator({ controlTowerRulesEnabled: false, rules: applicable }).validate(context);
  }
}

function typesOf(templatePath: string): string[] {
  const { Resources } = resourceTypes.parse(JSON.parse(readFileSync(templatePath, "utf8")));
  return Object.values(Resources).map(({ Type }) => Type);
}

/** Rules name the types they look at in quotes. */
function mentions(rule: string, types: ReadonlySet<string>): boolean {
  return [...rule.matchAll(/["']?(AWS::[A-Za-z0-9]+::[A-Za-z0-9]+)/g)].some(([, type = ""]) => types.has(type));
}

function ruleFiles(): string[] {
  const home = dirname(createRequire(import.meta.url).resolve("@cdklabs/cdk-validator-cfnguard/package.json"));
  const folder = join(home, "rules/control-tower/cfn-guard");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".guard"))
    .map((name) => join(folder, name))
    .sort();
}
