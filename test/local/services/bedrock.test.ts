import { createServer } from "node:http";
import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  InvokeModelCommand,
  type Message,
} from "@aws-sdk/client-bedrock-runtime";
import { afterEach, describe, expect, it } from "vitest";
import {
  bedrockProxy,
  type ConverseModel,
  createBedrockEngine,
  openAiModel,
  parseModelFlag,
  recordedModel,
} from "../../../lib/local/services/bedrock.js";
import type { Script } from "../../../lib/local/services/turns.js";
import { serve, testCloud } from "./harness.js";

const MODEL = "anthropic.claude-sonnet-4-20250514-v1:0";
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(model: ConverseModel) {
  const cloud = testCloud();
  const served = await serve(createBedrockEngine(cloud.ctx, model));
  const client = new BedrockRuntimeClient(served.config());
  closers.push(() => client.destroy(), served.close);
  return { cloud, client };
}
const user = (text: string): Message => ({ role: "user", content: [{ text }] });
const lookup = { toolSpec: { name: "stripe__lookup_charge", inputSchema: { json: { type: "object" } } } };
const conversation = (messages: Message[], modelId = MODEL): ConverseCommandInput => ({
  modelId,
  system: [{ text: "be careful" }],
  messages,
  toolConfig: { tools: [lookup] },
  inferenceConfig: { maxTokens: 500, temperature: 0 },
});
const SCRIPT: Script = [
  { tool: "stripe.lookup_charge", args: { charge: "ch_1" }, say: "first look", latencyMs: 840 },
  { finish: { outcome: "resolved", summary: "ok" }, usage: { inputTokens: 100, outputTokens: 7 } },
  { fault: "ThrottlingException" },
];

describe("bedrock engine with recorded turns", () => {
  it("answers the turn that follows from the conversation, and the same one again", async () => {
    const { client } = await start(recordedModel(() => SCRIPT));
    const first = await client.send(new ConverseCommand(conversation([user("hello")])));
    expect(first.stopReason).toBe("tool_use");
    expect(first.metrics?.latencyMs).toBe(840);
    expect(first.usage?.inputTokens).toBeGreaterThan(10);
    expect(first.usage?.totalTokens).toBe((first.usage?.inputTokens ?? 0) + (first.usage?.outputTokens ?? 0));
    const again = await client.send(new ConverseCommand(conversation([user("hello")])));
    expect(again.output).toEqual(first.output);
    const said = first.output?.message;
    const toolUseId = said?.content?.[1]?.toolUse?.toolUseId;
    if (said === undefined || toolUseId === undefined) throw new Error("no tool use");
    const result: Message = {
      role: "user",
      content: [{ toolResult: { toolUseId, content: [{ json: { paid: true } }] } }],
    };
    const second = await client.send(new ConverseCommand(conversation([user("hello"), said, result])));
    expect(second.output?.message?.content?.[0]?.toolUse).toMatchObject({
      name: "finish",
      input: { outcome: "resolved" },
    });
    expect(second.usage).toMatchObject({ inputTokens: 100, outputTokens: 7, totalTokens: 107 });
  });

  it("picks the script by the request", async () => {
    const seen: unknown[] = [];
    const { client } = await start(
      recordedModel((request) => {
        seen.push(request.requestMetadata, request.modelId);
        return SCRIPT;
      }),
    );
    await client.send(new ConverseCommand({ ...conversation([user("a")]), requestMetadata: { run: "r1" } }));
    expect(seen).toEqual([{ run: "r1" }, MODEL]);
  });

  it("answers recorded faults as Bedrock does, and says how to record what is missing", async () => {
    const { client } = await start(recordedModel((request) => (request.system === undefined ? undefined : SCRIPT)));
    const answered = [1, 2, 3].flatMap((n): Message[] => [
      user(`q${n}`),
      { role: "assistant", content: [{ text: `a${n}` }] },
    ]);
    await expect(
      client.send(new ConverseCommand(conversation([...answered.slice(0, 4), user("q")]))),
    ).rejects.toMatchObject({
      name: "ThrottlingException",
      $metadata: { httpStatusCode: 429 },
    });
    const beyond = client.send(new ConverseCommand(conversation([...answered, user("q")])));
    await expect(beyond).rejects.toThrow(/CS-4040 .*records 3 turns and this is turn 4.*--model/);
    const nobody = client.send(new ConverseCommand({ modelId: MODEL, messages: [user("x")] }));
    await expect(nobody).rejects.toThrow(/no scenario belongs/);
  });

  it("asks for the profile and the model behind it", async () => {
    const { cloud, client } = await start(recordedModel(() => SCRIPT));
    await client.send(new ConverseCommand(conversation([user("a")], `eu.${MODEL}`)));
    const profile = `arn:aws:bedrock:eu-central-1:111111111111:inference-profile/eu.${MODEL}`;
    expect(cloud.iam.questions.map((question) => question.resource)).toEqual([
      profile,
      `arn:aws:bedrock:eu-central-1::foundation-model/${MODEL}`,
    ]);
    expect(cloud.iam.last("bedrock:InvokeModel").context).toEqual({ "bedrock:InferenceProfileArn": profile });
    await client.send(new ConverseCommand(conversation([user("a")], profile)));
    expect(cloud.iam.questions[2]?.resource).toBe(profile);
    cloud.iam.refuse((question) => question.resource.includes("foundation-model"));
    await expect(client.send(new ConverseCommand(conversation([user("a")])))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });

  const called: Message = { role: "assistant", content: [{ toolUse: { toolUseId: "t1", name: "x", input: {} } }] };
  it.each<[string, Partial<ConverseCommandInput>, RegExp]>([
    ["an assistant that starts", { messages: [{ role: "assistant", content: [{ text: "a" }] }] }, /start with a user/],
    ["two user messages in a row", { messages: [user("a"), user("b")] }, /alternate/],
    ["blank text", { messages: [user(" ")] }, /blank/],
    ["a missing tool result", { messages: [user("a"), called, user("b")] }, /Expected toolResult.*t1/],
    [
      "tool blocks without tools",
      {
        messages: [
          user("a"),
          called,
          { role: "user", content: [{ toolResult: { toolUseId: "t1", content: [{ text: "r" }] } }] },
        ],
        toolConfig: undefined,
      },
      /toolConfig field must be defined/,
    ],
    [
      "a result nobody asked for",
      { messages: [{ role: "user", content: [{ toolResult: { toolUseId: "t1", content: [{ text: "r" }] } }] }] },
      /exceeds/,
    ],
    [
      "guardrails",
      { guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" } },
      /CS-4036 .*guardrailConfig/,
    ],
    [
      "a tool name with a dot",
      { toolConfig: { tools: [{ toolSpec: { name: "a.b", inputSchema: { json: {} } } }] } },
      /name/,
    ],
  ])("refuses %s", async (_name, change, message) => {
    const { client } = await start(recordedModel(() => SCRIPT));
    await expect(client.send(new ConverseCommand({ ...conversation([user("a")]), ...change }))).rejects.toThrow(
      message,
    );
  });

  it("refuses other operations", async () => {
    const { client } = await start(recordedModel(() => SCRIPT));
    await expect(client.send(new InvokeModelCommand({ modelId: MODEL, body: "{}" }))).rejects.toThrow(/CS-4035/);
  });
});

describe("bedrock proxy", () => {
  it("passes the request on and the answer or the fault back", async () => {
    const received: unknown[] = [];
    const upstream = await start({
      async converse(request) {
        received.push(request);
        return recordedModel(() => SCRIPT).converse(request);
      },
    });
    const { client } = await start(bedrockProxy("eu-central-1", upstream.client));
    const local = `arn:aws:bedrock:eu-central-1:111111111111:inference-profile/eu.${MODEL}`;
    const answer = await client.send(new ConverseCommand(conversation([user("hi")], local)));
    expect(answer.output?.message?.content?.[0]?.text).toBe("first look");
    expect(received).toEqual([expect.objectContaining({ modelId: `eu.${MODEL}`, system: [{ text: "be careful" }] })]);
    upstream.cloud.iam.refuse(() => true);
    await expect(client.send(new ConverseCommand(conversation([user("hi")])))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });
});

describe("openai-compatible model", () => {
  async function endpoint(answer: (body: unknown) => { status?: number; body: unknown }) {
    const requests: { path: string | undefined; authorization: string | undefined; body: unknown }[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      requests.push({ path: request.url, authorization: request.headers.authorization, body });
      const { status = 200, body: answered } = answer(body);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answered));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return { baseUrl: `http://127.0.0.1:${address.port}/v1`, requests };
  }
  const toolCall = (args: string) => ({
    choices: [
      {
        finish_reason: "tool_calls",
        message: {
          content: null,
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "stripe__lookup_charge", arguments: args } },
          ],
        },
      },
    ],
    usage: { prompt_tokens: 12, completion_tokens: 3 },
  });

  it("translates a conversation with tools both ways", async () => {
    const { baseUrl, requests } = await endpoint(() => ({ body: toolCall('{"charge":"ch_1"}') }));
    const { client } = await start(openAiModel(baseUrl, "key", { model: "qwen" }));
    const called: Message = {
      role: "assistant",
      content: [
        { text: "look" },
        { toolUse: { toolUseId: "t1", name: "stripe__lookup_charge", input: { charge: "x" } } },
      ],
    };
    const result: Message = {
      role: "user",
      content: [{ toolResult: { toolUseId: "t1", content: [{ json: { paid: true } }] } }, { text: "go on" }],
    };
    const answer = await client.send(new ConverseCommand(conversation([user("hello"), called, result])));
    expect(answer.output?.message?.content).toEqual([
      { toolUse: { toolUseId: "call_1", name: "stripe__lookup_charge", input: { charge: "ch_1" } } },
    ]);
    expect(answer.stopReason).toBe("tool_use");
    expect(answer.usage).toMatchObject({ inputTokens: 12, outputTokens: 3, totalTokens: 15 });
    expect(requests).toEqual([
      {
        path: "/v1/chat/completions",
        authorization: "Bearer key",
        body: {
          model: "qwen",
          max_tokens: 500,
          temperature: 0,
          tool_choice: "auto",
          tools: [{ type: "function", function: { name: "stripe__lookup_charge", parameters: { type: "object" } } }],
          messages: [
            { role: "system", content: "be careful" },
            { role: "user", content: "hello" },
            {
              role: "assistant",
              content: "look",
              tool_calls: [
                {
                  id: "t1",
                  type: "function",
                  function: { name: "stripe__lookup_charge", arguments: '{"charge":"x"}' },
                },
              ],
            },
            { role: "tool", tool_call_id: "t1", content: '{"paid":true}' },
            { role: "user", content: "go on" },
          ],
        },
      },
    ]);
  });

  it("says that broken arguments are no tool use", async () => {
    const { baseUrl } = await endpoint(() => ({ body: toolCall('{"charge":') }));
    const { client } = await start(openAiModel(baseUrl));
    const answer = await client.send(new ConverseCommand(conversation([user("hello")])));
    expect(answer.stopReason).toBe("malformed_tool_use");
    expect(answer.output?.message?.content).toEqual([{ text: '{"charge":' }]);
  });

  it.each([
    [429, "ThrottlingException"],
    [503, "ServiceUnavailableException"],
    [401, "ModelErrorException"],
    [200, "ModelErrorException"],
  ])("turns an answer %i without a completion into %s", async (status, name) => {
    const { baseUrl } = await endpoint(() => ({ status, body: { error: "no" } }));
    const { client } = await start(openAiModel(baseUrl));
    await expect(client.send(new ConverseCommand(conversation([user("hello")])))).rejects.toMatchObject({ name });
  });

  it("says which endpoint cannot be reached, and keeps keys off plain http", async () => {
    const { client } = await start(openAiModel("http://127.0.0.1:9"));
    await expect(client.send(new ConverseCommand(conversation([user("hello")])))).rejects.toThrow(
      /CS-4042 .*127\.0\.0\.1:9/,
    );
    expect(() => openAiModel("http://models.example.com/v1", "key")).toThrow(/https/);
  });
});

describe("--model", () => {
  it.each([
    ["bedrock", { kind: "bedrock" }],
    ["bedrock:eu-central-1", { kind: "bedrock", region: "eu-central-1" }],
    [
      "openai:http://127.0.0.1:11434/v1#llama3.1:8b",
      { kind: "openai", baseUrl: "http://127.0.0.1:11434/v1", model: "llama3.1:8b" },
    ],
    ["openai:https://api.example.com/v1/", { kind: "openai", baseUrl: "https://api.example.com/v1" }],
  ])("reads %s", (value, choice) => {
    expect(parseModelFlag(value)).toEqual(choice);
  });

  it.each([
    "",
    "gpt",
    "bedrock:nowhere",
    "bedrock:",
    "openai:",
    "openai:ftp://x",
    "openai:http://u:secret@x/v1",
    "openai:http://x/v1?key=secret",
  ])("refuses %j without repeating secrets", (value) => {
    expect(() => parseModelFlag(value)).toThrow(/use bedrock/);
    expect(() => parseModelFlag(value)).not.toThrow(/secret/);
  });
});
