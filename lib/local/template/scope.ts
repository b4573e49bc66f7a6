import type { CreatedResource } from "../types.js";
import type { StackTemplate } from "./assembly.js";
import { NO_VALUE, resolveCondition, type Scope, Unresolved } from "./intrinsics.js";
import { stackId } from "./names.js";

/** The bootstrap version the embedded cloud stands for: newer than any `requiresBootstrapStackVersion` asks for. */
const BOOTSTRAP_VERSION = "30";

/** An export whose stack met a problem, which is reported there. */
export const NOT_CREATED = Symbol("not created");

export interface StackState {
  readonly stack: StackTemplate;
  readonly accountId: string;
  readonly region: string;
  readonly created: ReadonlyMap<string, CreatedResource>;
  /** exports of all stacks so far */
  readonly exports: ReadonlyMap<string, unknown>;
}

/** What names mean in a stack, given what has been created so far. */
export function scopeOf(state: StackState): Scope {
  const { template, name } = state.stack;
  const conditions = new Map<string, boolean>();
  const resource = (logicalId: string): CreatedResource => {
    const found = state.created.get(logicalId);
    if (!found) throw new Unresolved(`there is no resource ${logicalId} (left out by its condition?)`);
    return found;
  };
  const pseudo: Readonly<Record<string, unknown>> = {
    "AWS::AccountId": state.accountId,
    "AWS::NotificationARNs": [],
    "AWS::NoValue": NO_VALUE,
    "AWS::Partition": "aws",
    "AWS::Region": state.region,
    "AWS::StackId": stackId(name, state.accountId, state.region),
    "AWS::StackName": name,
    "AWS::URLSuffix": "amazonaws.com",
  };
  const scope: Scope = {
    ref: (id) => {
      if (Object.hasOwn(pseudo, id)) return pseudo[id];
      return Object.hasOwn(template.Parameters, id) ? parameterValue(state.stack, id) : resource(id).ref;
    },
    getAtt: (id, attribute) => {
      const { attributes } = resource(id);
      if (Object.hasOwn(attributes, attribute)) return attributes[attribute];
      const type = template.Resources[id]?.Type ?? "";
      throw new Unresolved(
        `attribute ${attribute} of ${id} (${type}) is not modelled; there is ${Object.keys(attributes).join(", ") || "none"}`,
      );
    },
    importValue: (exportName) => {
      const value = state.exports.get(exportName);
      if (value === NOT_CREATED) throw new Unresolved(`export ${exportName} could not be made`, true);
      if (value !== undefined) return value;
      throw new Unresolved(`no stack exports ${exportName}`);
    },
    condition: (id) => {
      const known = conditions.get(id);
      if (known !== undefined) return known;
      if (!Object.hasOwn(template.Conditions, id)) throw new Unresolved(`there is no condition ${id}`);
      const note = (_path: string, unresolved: Unresolved): never => {
        throw new Unresolved(`condition ${id}: ${unresolved.message}`);
      };
      const value = resolveCondition(template.Conditions[id], "Conditions", { scope, note });
      conditions.set(id, value);
      return value;
    },
    findInMap: (map, top, second) => {
      const value = template.Mappings[map]?.[top]?.[second];
      if (value === undefined) throw new Unresolved(`Mappings has no ${map}.${top}.${second}`);
      return value;
    },
  };
  return scope;
}

/** A parameter as `cdk deploy` would fill it: given value, default, or the bootstrap version from SSM. */
export function parameterValue(stack: StackTemplate, name: string): string {
  const parameter = stack.template.Parameters[name];
  const given = stack.parameters[name] ?? parameter?.Default;
  if (given === undefined) throw new Unresolved(`parameter ${name} has no value; give it a default`);
  if (parameter?.Type === "String" || parameter?.Type === "Number") return String(given);
  if (
    parameter?.Type === "AWS::SSM::Parameter::Value<String>" &&
    /^\/cdk-bootstrap\/[^/]+\/version$/.test(String(given))
  ) {
    return BOOTSTRAP_VERSION;
  }
  throw new Unresolved(`parameter ${name} of type ${parameter?.Type ?? "?"} with value ${given} is not modelled`);
}
