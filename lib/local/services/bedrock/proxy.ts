/** A model that is Amazon Bedrock itself, called with the developer's own credentials. Costs money there. */
import { BedrockRuntimeClient, BedrockRuntimeServiceException, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import * as z from "zod";
import { AwsFault } from "../../types.js";
import { STOP_REASONS } from "../turns.js";
import { answerOf, type ConverseModel } from "./converse.js";

const sdkBlock = z.union([
  z.object({ text: z.string() }),
  z.object({ toolUse: z.object({ toolUseId: z.string(), name: z.string(), input: z.json() }) }),
  z.object({
    reasoningContent: z.object({
      reasoningText: z.object({ text: z.string(), signature: z.string().exactOptional() }),
    }),
  }),
]);
const sdkAnswer = z.object({
  output: z.object({ message: z.object({ content: z.array(sdkBlock) }) }),
  stopReason: z.enum(STOP_REASONS),
  usage: z.object({ inputTokens: z.int(), outputTokens: z.int() }),
  metrics: z.object({ latencyMs: z.number() }),
});

/** @param client for tests; by default Bedrock in `region` with the default credential chain */
export function bedrockProxy(region: string, client?: BedrockRuntimeClient): ConverseModel {
  // The endpoint is named, because the environment may point AWS calls at the embedded cloud.
  const bedrock =
    client ?? new BedrockRuntimeClient({ region, endpoint: `https://bedrock-runtime.${region}.amazonaws.com` });
  return {
    async converse({ modelId, ...request }) {
      try {
        const answer = await bedrock.send(new ConverseCommand({ modelId: realModelId(modelId), ...request }));
        const { output, stopReason, usage, metrics } = sdkAnswer.parse(answer);
        return answerOf(output.message.content, stopReason, usage, Math.round(metrics.latencyMs));
      } catch (error) {
        throw asFault(error, region);
      }
    },
  };
}

/** An ARN of the embedded cloud names an account that does not exist; system profiles and models have an id of their own. */
function realModelId(modelId: string): string {
  return /^arn:[^:]+:bedrock:[^:]*:[^:]*:(?:inference-profile|foundation-model)\/(.+)$/.exec(modelId)?.[1] ?? modelId;
}

function asFault(error: unknown, region: string): AwsFault {
  if (error instanceof BedrockRuntimeServiceException)
    return new AwsFault(error.name, error.message, error.$metadata.httpStatusCode ?? 500);
  const reason = error instanceof Error ? error.message : String(error);
  return new AwsFault(
    "ModelErrorException",
    `CS-4042 bedrock in ${region}: ${reason}; check your AWS credentials and that the model is enabled in this region`,
    424,
  );
}
