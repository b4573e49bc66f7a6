/** The agent of kind `bedrock`: one Converse call per turn. Needs `bedrock:InvokeModel` on the contract's model. */
import { type BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import type { Agent as AgentDefinition, Contract } from "../../lib/contract/model.js";
import { tokenCostMicroUsd } from "../../lib/run/money.js";
import { readAnswer } from "./answer.js";
import { conversation, systemPrompt } from "./conversation.js";
import { type Agent, invalid } from "./shell.js";
import { converseTools } from "./tools.js";

export type BedrockAgent = Extract<AgentDefinition, { kind: "bedrock" }>;

export function converseAgent(
  client: Pick<BedrockRuntimeClient, "send">,
  contract: Contract,
  agent: BedrockAgent,
  instructions: string,
): Agent {
  const system = [{ text: systemPrompt(instructions) }];
  const tools = converseTools(contract);
  return async (context) => {
    const command = new ConverseCommand({
      modelId: agent.model,
      system,
      messages: conversation(contract, context),
      toolConfig: { tools, toolChoice: { auto: {} } },
      inferenceConfig: { maxTokens: agent.maxTokens, temperature: agent.temperature },
      requestMetadata: { run_id: context.run_id, workflow: context.workflow },
    });
    try {
      const answer = await client.send(command);
      const promptTokens = answer.usage?.inputTokens ?? 0;
      const completionTokens = answer.usage?.outputTokens ?? 0;
      return {
        proposal: readAnswer(contract, answer.output?.message?.content ?? [], answer.stopReason),
        model: agent.model,
        promptTokens,
        completionTokens,
        costMicroUsd: tokenCostMicroUsd(promptTokens, completionTokens, agent.price),
      };
    } catch (error) {
      // The client has retried what may pass. What is left is recorded, and bounded like any other invalid answer.
      const named = error instanceof Error ? `${error.name}: ${error.message}` : "the model call failed";
      return {
        proposal: invalid("model-error", named),
        model: agent.model,
        promptTokens: 0,
        completionTokens: 0,
        costMicroUsd: 0,
      };
    }
  };
}
