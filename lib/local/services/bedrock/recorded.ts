/** A model that answers from recorded turns. It remembers nothing, so a repeated request gets the same answer. */
import { AwsFault } from "../../types.js";
import { expandTurn, MODEL_FAULTS, type Script } from "../turns.js";
import { answerOf, type ConverseModel, type ConverseRequest, estimateTokens } from "./converse.js";

/** @param pick the script for a conversation; undefined when there is none */
export function recordedModel(pick: (request: ConverseRequest) => Script | undefined): ConverseModel {
  return {
    async converse(request) {
      const turnIndex = request.messages.filter((message) => message.role === "assistant").length;
      const script = pick(request);
      const turn = script?.[turnIndex];
      if (turn === undefined) throw noTurn(request, turnIndex, script);
      if ("fault" in turn)
        throw new AwsFault(
          turn.fault,
          turn.message ?? `recorded fault of turn ${turnIndex + 1}`,
          MODEL_FAULTS[turn.fault],
        );
      const expanded = expandTurn(turn, turnIndex);
      const usage = expanded.usage ?? {
        inputTokens: estimateTokens([request.system ?? [], request.messages, request.toolConfig ?? {}]),
        outputTokens: estimateTokens(expanded.content),
      };
      return answerOf(expanded.content, expanded.stopReason, usage, expanded.latencyMs ?? 0);
    },
  };
}

function noTurn(request: ConverseRequest, turnIndex: number, script: Script | undefined): AwsFault {
  const what =
    script === undefined
      ? "no scenario belongs to this conversation"
      : `the scenario records ${script.length} turns and this is turn ${turnIndex + 1}`;
  return new AwsFault(
    "ValidationException",
    `CS-4040 bedrock: no recorded turn for model ${request.modelId}: ${what}; add turns to a file of workflows/<name>/scenarios, or start with --model bedrock[:region] or --model openai:<base-url>#<model>`,
    400,
  );
}
