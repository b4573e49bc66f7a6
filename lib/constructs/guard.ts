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
    const rules = typesByRule();
    // Each template with its own rules: every further one costs a pass over the template, and a workflow's has fewer than the control plane's.
    const groups = new Map<string, { readonly applicable: readonly string[]; readonly templatePaths: string[] }>();
    for (const templatePath of context.templatePaths) {
      const applicable = applicableRules(rules, templatePath);
      const key = applicable.join("\n");
      const group = groups.get(key) ?? { applicable, templatePaths: [] };
      group.templatePaths.push(templatePath);
      groups.set(key, group);
    }
    const reports = [...groups.values()]
      .filter(({ applicable }) => applicable.length > 0)
      .map(({ applicable, templatePaths }) =>
        new CfnGuardValidator({ controlTowerRulesEnabled: false, rules: [...applicable] }).validate({
          ...context,
          templatePaths,
        }),
      );
    return {
      success: reports.every(({ success }) => success),
      violations: reports.flatMap(({ violations }) => violations),
    };
  }
}

function applicableRules(rules: ReadonlyMap<string, readonly string[]>, templatePath: string): string[] {
  const { Resources } = resourceTypes.parse(JSON.parse(readFileSync(templatePath, "utf8")));
  const types = new Set(Object.values(Resources).map(({ Type }) => Type));
  return [...rules].flatMap(([file, named]) => (named.some((type) => types.has(type)) ? [file] : []));
}

/** Rules name the types they look at in quotes. */
const typesByRule = (): ReadonlyMap<string, readonly string[]> =>
  new Map(
    ruleFiles().map((file) => [
      file,
      [...readFileSync(file, "utf8").matchAll(/["']?(AWS::[A-Za-z0-9]+::[A-Za-z0-9]+)/g)].map(([, type = ""]) => type),
    ]),
  );

function ruleFiles(): string[] {
  const home = dirname(createRequire(import.meta.url).resolve("@cdklabs/cdk-validator-cfnguard/package.json"));
  const folder = join(home, "rules/control-tower/cfn-guard");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".guard"))
    .map((name) => join(folder, name))
    .sort();
}
