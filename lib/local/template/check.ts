import type { StackTemplate } from "./assembly.js";
import type { Problem } from "./problem.js";
import { PSEUDO_PARAMETERS, type Visitor, visit } from "./references.js";
import type { Template } from "./schema.js";

/** The rule every CDK template carries; there is no bootstrap stack here that could be too old. */
const BOOTSTRAP_RULE = "CheckBootstrapVersion";

/** Everything in a stack's template that the embedded cloud does not model, found before anything is created. */
export function checkTemplate(stack: StackTemplate, isModelledType: (type: string) => boolean): Problem[] {
  const { template, name } = stack;
  const problems: Problem[] = [];
  const at = (logicalId: string): Visitor =>
    visitorFor(template, (path, problem) => problems.push({ stack: name, logicalId, path, problem }));

  for (const rule of Object.keys(template.Rules)) {
    if (rule !== BOOTSTRAP_RULE) at(rule).problem("Rules", "rules are not modelled");
  }
  for (const [id, condition] of Object.entries(template.Conditions)) visit(condition, "Conditions", at(id), true);
  for (const [id, resource] of Object.entries(template.Resources)) {
    const visitor = at(id);
    if (!isModelledType(resource.Type)) visitor.problem("Type", `${resource.Type} is not modelled`);
    visit(resource.Properties, "Properties", visitor);
    if (resource.Condition !== undefined) visitor.condition(resource.Condition, "Condition");
    for (const needed of resource.DependsOn) {
      if (!Object.hasOwn(template.Resources, needed))
        visitor.problem("DependsOn", `${needed} is no resource of this stack`);
    }
  }
  for (const [id, output] of Object.entries(template.Outputs)) {
    const visitor = at(id);
    visit(output.Value, "Outputs.Value", visitor);
    visit(output.Export?.Name, "Outputs.Export.Name", visitor);
    if (output.Condition !== undefined) visitor.condition(output.Condition, "Outputs.Condition");
  }
  return problems;
}

function visitorFor(template: Template, problem: (path: string, problem: string) => void): Visitor {
  return {
    problem,
    condition: (name, path) => {
      if (!Object.hasOwn(template.Conditions, name)) problem(path, `there is no condition ${name}`);
    },
    reference: (name, path) => {
      const known =
        PSEUDO_PARAMETERS.has(name) ||
        Object.hasOwn(template.Parameters, name) ||
        Object.hasOwn(template.Resources, name);
      if (!known) problem(path, `there is no parameter or resource ${name}`);
    },
  };
}

/** For each resource the resources of the same stack that must exist before it. */
export function dependencies(template: Template): Map<string, readonly string[]> {
  return new Map(
    Object.entries(template.Resources).map(([id, resource]) => {
      const needed = new Set(resource.DependsOn);
      visit(resource.Properties, "", {
        reference: (name) => {
          if (Object.hasOwn(template.Resources, name)) needed.add(name);
        },
        condition: () => {},
        problem: () => {},
      });
      return [id, [...needed]] as const;
    }),
  );
}
