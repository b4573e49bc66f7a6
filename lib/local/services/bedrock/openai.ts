/** A model behind an endpoint that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio, OpenAI. */
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import { readJsonOr } from "../../../run/json.js";
import { AwsFault } from "../../types.js";
import {
  type AnswerContent,
  answerOf,
  type ConverseMessage,
  type ConverseModel,
  type ConverseRequest,
  estimateTokens,
} from "./converse.js";

const DEFAULT_TIMEOUT_MS = 120_000;
const MAX_ARGUMENTS_BYTES = 1024 * 1024;
const jsonObject = z.record(z.string(), z.json());

export interface OpenAiOptions {
  /** the endpoint's name of the model; by default the request's model id */
  readonly model?: string;
  readonly timeoutMs?: number;
}

const completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({ id: z.string().nullish(), function: z.object({ name: z.string(), arguments: z.string() }) }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }).nullish(),
});
type Choice = z.output<typeof completion>["choices"][number];

/**
 * @param baseUrl e.g. `http://127.0.0.1:11434/v1`
 * @param apiKey sent as a bearer token, only over https or to this machine
 * @throws CountersignError CS-4041 when the key would travel unencrypted
 */
export function openAiModel(baseUrl: string, apiKey?: string, options: OpenAiOptions = {}): ConverseModel {
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}/chat/completions`);
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (apiKey !== undefined && url.protocol !== "https:" && !loopback)
    throw new CountersignError(
      "CS-4041",
      `--model: ${url.origin} is not https, an API key would travel unencrypted; use https or leave the key out`,
    );
  return {
    async converse(request) {
      const startedMs = performance.now();
      const response = await post(url, apiKey, toChat(request, options.model), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const parsed = completion.safeParse(response);
      const choice = parsed.data?.choices[0];
      if (parsed.data === undefined || choice === undefined)
        throw modelError(
          url,
          `no chat completion: ${parsed.error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
        );
      const { content, stopReason } = fromChoice(choice);
      const usage = {
        inputTokens: parsed.data.usage?.prompt_tokens ?? estimateTokens(request.messages),
        outputTokens: parsed.data.usage?.completion_tokens ?? estimateTokens(content),
      };
      return answerOf(content, stopReason, usage, Math.round(performance.now() - startedMs));
    },
  };
}

async function post(url: URL, apiKey: string | undefined, body: object, timeoutMs: number): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.ok) return await response.json();
  } catch (error) {
    throw modelError(url, error instanceof Error ? `${error.message}${causeOf(error)}` : String(error));
  }
  if (response.status === 429) throw new AwsFault("ThrottlingException", `${url.origin} answered 429`, 429);
  if (response.status >= 500)
    throw new AwsFault("ServiceUnavailableException", `${url.origin} answered ${response.status}`, 503);
  throw modelError(url, `answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : "";
}

function modelError(url: URL, reason: string): AwsFault {
  return new AwsFault("ModelErrorException", `CS-4042 model endpoint ${url.origin}: ${reason}; check --model`, 424);
}

function toChat(request: ConverseRequest, model: string | undefined): object {
  const tools = (request.toolConfig?.tools ?? []).flatMap((tool) => ("toolSpec" in tool ? [tool.toolSpec] : []));
  const system = (request.system ?? []).flatMap((block) => ("text" in block ? [block.text] : []));
  const config = request.inferenceConfig ?? {};
  return {
    model: model ?? request.modelId,
    messages: [
      ...(system.length > 0 ? [{ role: "system", content: system.join("\n\n") }] : []),
      ...request.messages.flatMap(toChatMessages),
    ],
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: "function",
        function: { name, ...(description !== undefined && { description }), parameters: inputSchema.json },
      })),
      tool_choice: toolChoiceOf(request),
    }),
    ...(config.maxTokens !== undefined && { max_tokens: config.maxTokens }),
    ...(config.temperature !== undefined && { temperature: config.temperature }),
    ...(config.topP !== undefined && { top_p: config.topP }),
    ...(config.stopSequences !== undefined && { stop: config.stopSequences }),
  };
}

function toolChoiceOf(request: ConverseRequest): unknown {
  const choice = request.toolConfig?.toolChoice;
  if (choice === undefined || "auto" in choice) return "auto";
  return "any" in choice ? "required" : { type: "function", function: { name: choice.tool.name } };
}

/** A user message with tool results becomes one `tool` message each, before what the user says. */
function toChatMessages(message: ConverseMessage): object[] {
  const said = message.content.flatMap((block) => ("text" in block ? [block.text] : [])).join("\n");
  const results = message.content.flatMap((block) => ("toolResult" in block ? [block.toolResult] : []));
  const calls = message.content.flatMap((block) => ("toolUse" in block ? [block.toolUse] : []));
  if (message.role === "assistant") {
    const toolCalls = calls.map(({ toolUseId, name, input }) => ({
      id: toolUseId,
      type: "function",
      function: { name, arguments: JSON.stringify(input) },
    }));
    return [
      { role: "assistant", content: said === "" ? null : said, ...(calls.length > 0 && { tool_calls: toolCalls }) },
    ];
  }
  const answers = results.map((result) => ({
    role: "tool",
    tool_call_id: result.toolUseId,
    content: result.content.map((part) => ("text" in part ? part.text : JSON.stringify(part.json))).join("\n"),
  }));
  return said === "" ? answers : [...answers, { role: "user", content: said }];
}

const STOP_REASON_OF: Readonly<Record<string, "max_tokens" | "content_filtered">> = {
  length: "max_tokens",
  content_filter: "content_filtered",
};

function fromChoice(choice: Choice): Pick<Parsed, "content" | "stopReason"> {
  const said: AnswerContent[] = choice.message.content ? [{ text: choice.message.content }] : [];
  const calls = (choice.message.tool_calls ?? []).map((call, index) => ({
    call,
    input: parseArguments(call.function.arguments),
    index,
  }));
  const broken = calls.find(({ input }) => input === undefined);
  // Bedrock, too, hands over what the model wrote and says that it is no tool use.
  if (broken !== undefined)
    return {
      content: [...said, { text: broken.call.function.arguments || "(no arguments)" }],
      stopReason: "malformed_tool_use",
    };
  const uses = calls.map(({ call, input, index }): AnswerContent => {
    const toolUseId = (call.id ?? `call_${index}`).replace(/[^a-zA-Z0-9_.:-]/g, "_").slice(0, 64);
    return { toolUse: { toolUseId, name: call.function.name, input: input ?? {} } };
  });
  const stopReason = STOP_REASON_OF[choice.finish_reason ?? ""] ?? (uses.length > 0 ? "tool_use" : "end_turn");
  return { content: [...said, ...uses], stopReason };
}
interface Parsed {
  readonly content: readonly AnswerContent[];
  readonly stopReason: Parameters<typeof answerOf>[1];
}

function parseArguments(text: string): z.core.util.JSONType | undefined {
  return jsonObject.safeParse(readJsonOr(text === "" ? "{}" : text, MAX_ARGUMENTS_BYTES, undefined)).data;
}
