/** Converse: the request as this engine models it, what Bedrock refuses about it, the answer. */
import * as z from "zod";
import { AwsFault } from "../../types.js";
import { type AnswerBlock, converseToolName, type ExpandedTurn } from "../turns.js";

const cachePoint = z.strictObject({ cachePoint: z.strictObject({ type: z.literal("default") }) });
const text = z.strictObject({ text: z.string() });
const toolUseId = z.string().regex(/^[a-zA-Z0-9_.:-]{1,64}$/);
const toolUse = z.strictObject({ toolUse: z.strictObject({ toolUseId, name: converseToolName, input: z.json() }) });
const toolResult = z.strictObject({
  toolResult: z.strictObject({
    toolUseId,
    content: z.array(z.union([text, z.strictObject({ json: z.json() })])),
    status: z.enum(["success", "error"]).exactOptional(),
  }),
});
const reasoning = z.strictObject({
  reasoningContent: z.strictObject({
    reasoningText: z.strictObject({ text: z.string(), signature: z.string().exactOptional() }),
  }),
});
const message = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z.array(z.union([text, toolUse, toolResult, reasoning, cachePoint])).min(1),
});
const tool = z.union([
  z.strictObject({
    toolSpec: z.strictObject({
      name: converseToolName,
      description: z.string().min(1).exactOptional(),
      inputSchema: z.strictObject({ json: z.record(z.string(), z.json()) }),
    }),
  }),
  cachePoint,
]);
const empty = z.strictObject({});
const toolChoice = z.union([
  z.strictObject({ auto: empty }),
  z.strictObject({ any: empty }),
  z.strictObject({ tool: z.strictObject({ name: converseToolName }) }),
]);

/** The body of a Converse request. Guardrails, prompts, images and documents are not modelled. */
export const converseBody = z.strictObject({
  messages: z.array(message).min(1),
  system: z.array(z.union([text, cachePoint])).exactOptional(),
  inferenceConfig: z
    .strictObject({
      maxTokens: z.int().min(1).exactOptional(),
      temperature: z.number().min(0).max(1).exactOptional(),
      topP: z.number().min(0).max(1).exactOptional(),
      stopSequences: z.array(z.string().min(1)).max(2500).exactOptional(),
    })
    .exactOptional(),
  toolConfig: z.strictObject({ tools: z.array(tool).min(1), toolChoice: toolChoice.exactOptional() }).exactOptional(),
  requestMetadata: z.record(z.string(), z.string().max(256)).exactOptional(),
});
export type ConverseMessage = z.output<typeof message>;
export interface ConverseRequest extends z.output<typeof converseBody> {
  readonly modelId: string;
}
export interface ConverseAnswer {
  readonly output: { readonly message: { readonly role: "assistant"; readonly content: readonly AnswerContent[] } };
  readonly stopReason: ExpandedTurn["stopReason"];
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number; readonly totalTokens: number };
  readonly metrics: { readonly latencyMs: number };
}
export type AnswerContent = AnswerBlock | z.output<typeof reasoning>;

/** Where answers come from: recorded turns, Bedrock itself, or an endpoint that speaks OpenAI's protocol. */
export interface ConverseModel {
  /** @throws AwsFault as Bedrock would answer */
  converse(request: ConverseRequest): Promise<ConverseAnswer>;
}

/** What Bedrock checks before a model sees the request. @throws AwsFault ValidationException in Bedrock's words */
export function checkConversation(request: ConverseRequest): void {
  request.messages.forEach((each, index) => {
    const expected = index % 2 === 0 ? "user" : "assistant";
    if (each.role !== expected)
      throw refused(
        index === 0
          ? "A conversation must start with a user message. Try again with a conversation that starts with a user message."
          : "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
      );
    each.content.forEach((block, at) => {
      if ("text" in block && block.text.trim() === "")
        throw refused(
          `The text field in the ContentBlock object at messages.${index}.content.${at} is blank. Add text to the text field, and try again.`,
        );
    });
    checkToolResults(request.messages, index);
  });
  const usesTools = request.messages.some((each) =>
    each.content.some((block) => "toolUse" in block || "toolResult" in block),
  );
  if (usesTools && request.toolConfig === undefined)
    throw refused("The toolConfig field must be defined when using toolUse and toolResult content blocks.");
}

/** Results answer exactly the tool uses of the message before. */
function checkToolResults(messages: readonly ConverseMessage[], index: number): void {
  const results = (messages[index]?.content ?? []).flatMap((block) =>
    "toolResult" in block ? [block.toolResult.toolUseId] : [],
  );
  const uses = (messages[index - 1]?.content ?? []).flatMap((block) =>
    "toolUse" in block ? [block.toolUse.toolUseId] : [],
  );
  const missing = uses.filter((id) => !results.includes(id));
  if (missing.length > 0)
    throw refused(
      `Expected toolResult blocks at messages.${index}.content for the following Ids: ${missing.join(", ")}`,
    );
  if (results.some((id) => !uses.includes(id)))
    throw refused(
      `The number of toolResult blocks at messages.${index}.content exceeds the number of toolUse blocks of previous turn.`,
    );
}

/** Tokens of a text, roughly: four characters each, at least one. */
export function estimateTokens(content: unknown): number {
  return Math.max(1, Math.ceil(JSON.stringify(content).length / 4));
}

export function answerOf(
  content: readonly AnswerContent[],
  stopReason: ConverseAnswer["stopReason"],
  usage: { readonly inputTokens: number; readonly outputTokens: number },
  latencyMs: number,
): ConverseAnswer {
  return {
    output: { message: { role: "assistant", content } },
    stopReason,
    usage: { ...usage, totalTokens: usage.inputTokens + usage.outputTokens },
    metrics: { latencyMs },
  };
}

function refused(message: string): AwsFault {
  return new AwsFault("ValidationException", message, 400);
}
