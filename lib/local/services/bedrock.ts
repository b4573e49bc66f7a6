/** Amazon Bedrock Runtime: `Converse`, checked as Bedrock checks it, answered by an injected model. */
import { type AwsCall, AwsFault, type AwsReply, type CloudContext, type Engine } from "../types.js";
import { type ConverseModel, checkConversation, converseBody } from "./bedrock/converse.js";
import { parseRequest, unknownOperation } from "./support/request.js";

export type { ConverseAnswer, ConverseModel, ConverseRequest } from "./bedrock/converse.js";
export { type ModelChoice, modelOf, parseModelFlag } from "./bedrock/modelFlag.js";
export { openAiModel } from "./bedrock/openai.js";
export { bedrockProxy } from "./bedrock/proxy.js";
export { recordedModel } from "./bedrock/recorded.js";

/** Prefixes of system-defined inference profiles: one geography, or all. */
const PROFILE = /^(?:us|eu|apac|jp|au|ca|us-gov|global)\.(.+)$/;
const MODEL_ID = /^[a-zA-Z0-9:./_-]{1,2048}$/;

export function createBedrockEngine(ctx: CloudContext, model: ConverseModel): Engine {
  return {
    service: "bedrock",
    async handle(call): Promise<AwsReply> {
      const modelId = /^\/model\/(.+)\/converse$/.exec(call.path)?.[1];
      if (call.method !== "POST" || modelId === undefined)
        throw unknownOperation("bedrock", `${call.method} ${call.path}`, ["Converse"]);
      if (!MODEL_ID.test(modelId))
        throw new AwsFault("ValidationException", "The provided model identifier is invalid.", 400);
      authorize(ctx, call, modelId);
      const request = { ...parseRequest("bedrock", call.body, converseBody), modelId };
      checkConversation(request);
      return { status: 200, body: await model.converse(request) };
    },
    resources: {},
    // A conversation is in its request; nothing is kept.
    async reset() {},
    async close() {},
  };
}

/** An inference profile needs the grant twice: on the profile, and on the model it leads to. */
function authorize(ctx: CloudContext, call: AwsCall, modelId: string): void {
  const ask = (resource: string, context: Record<string, string> = {}) =>
    ctx.iam.authorize({ caller: call.caller, action: "bedrock:InvokeModel", resource, context });
  const id =
    /^arn:[^:]+:bedrock:[^:]*:[^:]*:(?:inference-profile|foundation-model)\/(.+)$/.exec(modelId)?.[1] ?? modelId;
  if (id.startsWith("arn:")) {
    ask(id);
    return;
  }
  const foundationModel = (name: string) => `arn:aws:bedrock:${ctx.region}::foundation-model/${name}`;
  const behindProfile = PROFILE.exec(id)?.[1];
  if (behindProfile === undefined) {
    ask(foundationModel(id));
    return;
  }
  const profile = `arn:aws:bedrock:${ctx.region}:${ctx.accountId}:inference-profile/${id}`;
  ask(profile);
  ask(foundationModel(behindProfile), { "bedrock:InferenceProfileArn": profile });
}
