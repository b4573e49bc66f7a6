import { CountersignError } from "../../errors.js";
import type { CreatedResource, ResourceFactory } from "../types.js";
import type { Assembly, StackTemplate } from "./assembly.js";
import { checkTemplate, dependencies } from "./check.js";
import { INERT_TYPES } from "./inert.js";
import { resolve, Unresolved } from "./intrinsics.js";
import { defaultName, stackId } from "./names.js";
import { inDependencyOrder } from "./order.js";
import { type Problem, unsupported } from "./problem.js";
import { NOT_CREATED, parameterValue, type StackState, scopeOf } from "./scope.js";

export interface DeployedResource {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
}
export interface DeployedOutput {
  readonly key: string;
  readonly value: string;
  readonly description?: string;
  readonly exportName?: string;
}
/** A stack after deployment. */
export interface DeployedStack {
  readonly name: string;
  readonly id: string;
  readonly description?: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly resources: readonly DeployedResource[];
  readonly outputs: readonly DeployedOutput[];
}

/**
 * Creates every resource of the assembly, as `cdk deploy --all` would.
 *
 * @param factories by CloudFormation type; inert types need none
 * @throws CountersignError CS-1210 with everything that is not modelled, CS-1211 for a cycle. What needs no created
 *   resource to be found (types, functions, names) is checked in all stacks before the first resource is created.
 */
export async function deploy(
  assembly: Assembly,
  factories: ReadonlyMap<string, ResourceFactory>,
): Promise<DeployedStack[]> {
  const isModelledType = (type: string) => factories.has(type) || Object.hasOwn(INERT_TYPES, type);
  const found = assembly.stacks.flatMap((stack) => checkTemplate(stack, isModelledType));
  if (found.length > 0) throw unsupported(found);
  const exports = new Map<string, unknown>();
  const problems: Problem[] = [];
  const deployed: DeployedStack[] = [];
  for (const stack of assembly.stacks) {
    const deployment = new StackDeployment(stack, assembly, factories, exports, problems);
    deployed.push(await deployment.run());
  }
  if (problems.length > 0) throw unsupported(problems);
  return deployed;
}

class StackDeployment {
  private readonly created = new Map<string, CreatedResource>();
  /** not created because of a problem, or because something it needs was not: reported once, at the root */
  private readonly failed = new Set<string>();
  private readonly state: StackState;

  constructor(
    private readonly stack: StackTemplate,
    private readonly assembly: Assembly,
    private readonly factories: ReadonlyMap<string, ResourceFactory>,
    private readonly exports: Map<string, unknown>,
    private readonly problems: Problem[],
  ) {
    this.state = { stack, accountId: assembly.accountId, region: assembly.region, created: this.created, exports };
  }

  async run(): Promise<DeployedStack> {
    const { name, template } = this.stack;
    const needs = dependencies(template);
    const order = inDependencyOrder(needs);
    if ("cycle" in order) {
      throw new CountersignError(
        "CS-1211",
        `${name}: resources depend on each other in a cycle: ${order.cycle.join(" → ")}`,
      );
    }
    for (const logicalId of order) {
      if (needs.get(logicalId)?.some((needed) => this.failed.has(needed))) this.failed.add(logicalId);
      else await this.createResource(logicalId);
    }
    const parameters = Object.keys(template.Parameters).map((id) => [
      id,
      this.tried(id, "Parameters", () => parameterValue(this.stack, id)) ?? "",
    ]);
    return {
      name,
      id: stackId(name, this.assembly.accountId, this.assembly.region),
      ...(template.Description === undefined ? {} : { description: template.Description }),
      parameters: Object.fromEntries(parameters),
      resources: [...this.created].map(([logicalId, { ref }]) => ({
        logicalId,
        physicalId: ref,
        type: template.Resources[logicalId]?.Type ?? "",
      })),
      outputs: Object.keys(template.Outputs).flatMap((key) => this.output(key) ?? []),
    };
  }

  private async createResource(logicalId: string): Promise<void> {
    const resource = this.stack.template.Resources[logicalId];
    if (!resource || !this.holds(logicalId, resource.Condition)) return;
    const properties = this.resolved(logicalId, "Properties", resource.Properties);
    if (this.failed.has(logicalId) || !isRecord(properties)) return;
    const { Type: type, Metadata: metadata } = resource;
    const { name: stackName } = this.stack;
    const request = {
      type,
      logicalId,
      stackName,
      defaultName: defaultName(stackName, logicalId),
      properties,
      metadata,
    };
    const factory =
      this.factories.get(type) ??
      ((inert) => INERT_TYPES[type]?.create(inert, this.assembly) ?? { ref: "", attributes: {} });
    try {
      this.created.set(logicalId, await factory(request));
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      this.problem(logicalId, "Properties", `${error.code} ${error.message}`);
    }
  }

  private output(key: string): DeployedOutput | undefined {
    const output = this.stack.template.Outputs[key];
    if (!output || !this.holds(key, output.Condition)) return undefined;
    const exportName = output.Export
      ? String(this.resolved(key, "Outputs.Export.Name", output.Export.Name))
      : undefined;
    // What an output names may not have been created; that is already reported, at the resource.
    const stackFailed = this.failed.size > 0;
    const value = stackFailed ? NOT_CREATED : this.resolved(key, "Outputs.Value", output.Value);
    if (exportName !== undefined) this.exports.set(exportName, value);
    if (stackFailed) return undefined;
    return {
      key,
      value: typeof value === "string" ? value : JSON.stringify(value),
      ...(output.Description === undefined ? {} : { description: output.Description }),
      ...(exportName === undefined ? {} : { exportName }),
    };
  }

  private holds(logicalId: string, condition: string | undefined): boolean {
    if (condition === undefined) return true;
    return this.tried(logicalId, "Condition", () => scopeOf(this.state).condition(condition)) ?? false;
  }

  private resolved(logicalId: string, path: string, value: unknown): unknown {
    const note = (where: string, unresolved: Unresolved) => {
      if (unresolved.followsFromAnother) this.failed.add(logicalId);
      else this.problem(logicalId, where, unresolved.message);
    };
    return resolve(value, path, { scope: scopeOf(this.state), note });
  }

  private tried<T>(logicalId: string, path: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      this.problem(logicalId, path, error.message);
      return undefined;
    }
  }

  private problem(logicalId: string, path: string, problem: string): void {
    this.failed.add(logicalId);
    this.problems.push({ stack: this.stack.name, logicalId, path, problem });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
