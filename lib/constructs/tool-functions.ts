/** One function per tool, and per preview: each with its own secrets and actions, none with another's. */
import { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { previewEnv, toolEnv } from "../aws/env.js";
import type { Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { pascal, toolPart } from "./names.js";
import type { Permission } from "./permissions.js";
import { readSecrets, secretPrefix } from "./secrets.js";
import type { WorkflowScope } from "./workflow-scope.js";
import { ZoneFunction } from "./zone-function.js";

/** Time for the runtime's own work around the tool's code: permit, claim, outcome. */
const LEDGER_SECONDS = 10;
const MAX_FUNCTION_SECONDS = 900;

export interface ToolFunction {
  readonly name: string;
  readonly zone: ZoneFunction;
  readonly timeout: Duration;
}

const timeoutOf = (tool: Tool): Duration =>
  Duration.seconds(Math.min(MAX_FUNCTION_SECONDS, Math.ceil(tool.timeoutMs / 1000) + LEDGER_SECONDS));

export function createTool(scope: Construct, tool: Tool, workflow: WorkflowScope): ToolFunction {
  const { contract, stage, names, bundles, plane } = workflow;
  const timeout = timeoutOf(tool);
  const zone = new ZoneFunction(scope, `Tool${pascal(tool.name)}`, {
    stage,
    zone: "tool",
    functionName: names.of(`tool-${toolPart(tool.name)}`),
    description: `${contract.name}: ${tool.name}`,
    code: bundleOf(bundles.tools, tool),
    logKeyArn: plane.dataKeyArn,
    environment: toolEnv,
    settings: { WORKFLOW: contract.name, STAGE: stage, TOOL: tool.name, SECRET_PREFIX: secretPrefix(stage) },
    timeout,
  });
  plane.runLog.grantRead(zone, contract.name);
  plane.control.grantRead(zone, contract.name);
  plane.effects.grantClaim(zone, contract.name, tool.name);
  plane.context.grantTake(zone, contract.name, tool.name);
  zone.provide({}, ...ownPermissions(scope, tool, workflow));
  return { name: tool.name, zone, timeout };
}

/** Reads what would change: the tool's secrets and actions, but no permit, no ledger and no log. */
export function createPreview(scope: Construct, tool: Tool, workflow: WorkflowScope): ToolFunction {
  const { contract, stage, names, bundles, plane } = workflow;
  const timeout = timeoutOf(tool);
  const zone = new ZoneFunction(scope, `Preview${pascal(tool.name)}`, {
    stage,
    zone: "preview",
    functionName: names.of(`preview-${toolPart(tool.name)}`),
    description: `${contract.name}: what ${tool.name} would change`,
    code: bundleOf(bundles.previews, tool),
    logKeyArn: plane.dataKeyArn,
    environment: previewEnv,
    settings: { WORKFLOW: contract.name, STAGE: stage, TOOL: tool.name, SECRET_PREFIX: secretPrefix(stage) },
    timeout,
  });
  zone.provide({}, ...readSecrets(scope, stage, tool.secrets), ...readOnly(tool));
  return { name: tool.name, zone, timeout };
}

function ownPermissions(scope: Construct, tool: Tool, { stage }: WorkflowScope): Permission[] {
  return [...readSecrets(scope, stage, tool.secrets), ...contractActions(tool, () => true)];
}

/** Actions that only look, by AWS's naming: a preview has no permit, so it gets no other. */
const LOOKS = /^[a-z0-9-]+:(Get|List|Describe|BatchGet|Query|Scan|Head|Search|Lookup|Select)/;
const readOnly = (tool: Tool): Permission[] => contractActions(tool, (action) => LOOKS.test(action));

function contractActions(tool: Tool, wanted: (action: string) => boolean): Permission[] {
  return tool.awsActions.flatMap(({ actions, resources }, index) => {
    const kept = actions.filter(wanted);
    if (kept.length === 0) return [];
    const wildcard = `contract.tools, ${tool.name}: the contract lists these actions and resources, and its check refuses wider ones`;
    return [{ sid: `Contract${index}`, actions: kept, resources, wildcard }];
  });
}

function bundleOf(bundles: ReadonlyMap<string, string>, tool: Tool): string {
  const folder = bundles.get(tool.name);
  if (folder === undefined) throw new CountersignError("CS-1305", `${tool.name}: its code was not bundled`);
  return folder;
}
