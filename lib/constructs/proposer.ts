/** The function that asks the agent what to do next: it reads its workflow's contexts and calls the model, nothing else. */
import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { proposeEnv, proposeLambdaEnv } from "../aws/env.js";
import type { Agent } from "../contract/model.js";
import type { Permission } from "./permissions.js";
import { readSecrets, secretPrefix } from "./secrets.js";
import type { WorkflowScope } from "./workflow-scope.js";
import { ZoneFunction } from "./zone-function.js";

export function createProposer(
  scope: Construct,
  { contract, stage, names, bundles, plane }: WorkflowScope,
): ZoneFunction {
  const { agent, name } = contract;
  const propose = new ZoneFunction(scope, "Propose", {
    stage,
    zone: "propose",
    functionName: names.of("propose"),
    description: `${name}: asks the agent for the next action`,
    code: bundles.propose,
    logKeyArn: plane.dataKeyArn,
    environment: agent.kind === "lambda" ? proposeLambdaEnv : proposeEnv,
    settings: { WORKFLOW: name, STAGE: stage },
    timeout: timeoutOf(agent),
  });
  plane.context.grantRead(propose, name);
  switch (agent.kind) {
    case "bedrock":
      propose.provide({}, ...invokeModel(scope, agent.model));
      break;
    case "lambda":
      propose.provide({ SECRET_PREFIX: secretPrefix(stage) }, ...readSecrets(scope, stage, agent.secrets));
      break;
    case "plan":
      break;
  }
  return propose;
}

/** The name of what answers, for runs in which it failed before it could say so. */
export const modelName = (agent: Agent): string => (agent.kind === "bedrock" ? agent.model : agent.kind);

function timeoutOf(agent: Agent): Duration {
  switch (agent.kind) {
    case "bedrock":
      return Duration.minutes(5);
    case "lambda":
      return Duration.seconds(Math.min(900, Math.ceil(agent.timeoutMs / 1000) + 10));
    case "plan":
      return Duration.seconds(30);
  }
}

/** `us.`, `eu.`, `apac.`, `global.` …: a profile that routes to the same model in several regions. */
const PROFILE = /^(us|us-gov|eu|apac|jp|au|ca|global)\.(.+)$/;

/** Converse is allowed by `InvokeModel`: on the contract's model alone. */
function invokeModel(scope: Construct, model: string): Permission[] {
  const stack = Stack.of(scope);
  const invoke = (sid: string, resources: string[], more: Partial<Permission> = {}): Permission => ({
    sid,
    actions: ["bedrock:InvokeModel"],
    resources,
    ...more,
  });
  const foundation = (resourceName: string, region: string) =>
    stack.formatArn({ service: "bedrock", region, account: "", resource: "foundation-model", resourceName });
  if (model.startsWith("arn:")) {
    if (model.includes(":foundation-model/")) return [invoke("InvokeModel", [model])];
    return [
      invoke("InvokeProfile", [model]),
      invoke("InvokeModel", [foundation("*", "*")], {
        conditions: { StringEquals: { "bedrock:InferenceProfileArn": model } },
        wildcard: "the models that this one profile routes to, and only through it; its ARN does not name them",
      }),
    ];
  }
  const routed = PROFILE.exec(model)?.[2];
  if (routed === undefined) return [invoke("InvokeModel", [foundation(model, stack.region)])];
  const profile = stack.formatArn({ service: "bedrock", resource: "inference-profile", resourceName: model });
  return [
    invoke("InvokeModel", [profile, foundation(routed, "*")], {
      wildcard: "an inference profile routes to this one model in regions that Bedrock chooses",
    }),
  ];
}
