/** From what a model answered to a proposal. Whatever is not exactly one valid action becomes `invalid`, with a reason. */
import type { ContentBlock, StopReason } from "@aws-sdk/client-bedrock-runtime";
import * as z from "zod";
import type { Contract, Tool } from "../../lib/contract/model.js";
import { jsonSizeBytes } from "../../lib/run/canonical.js";
import { cut } from "../../lib/run/cut.js";
import { JSON_FAULTS, jsonFault } from "../../lib/run/json.js";
import { MAX_ARGS_BYTES, type Proposal } from "../../lib/run/protocol.js";
import { invalid } from "./shell.js";
import { CONFIDENCE_MEMBER, converseName, FINISH_TOOL, takesConfidence } from "./tools.js";

const MAX_TEXT = 8000;
const finishInput = z.strictObject({ outcome: z.string().max(64), summary: z.string().optional() });

export function readAnswer(
  contract: Contract,
  content: readonly ContentBlock[],
  stopReason: StopReason | undefined,
): Proposal {
  const said = content
    .flatMap((block) => (block.text === undefined ? [] : [block.text]))
    .join("\n")
    .trim();
  const calls = content.flatMap((block) => (block.toolUse === undefined ? [] : [block.toolUse]));
  const [call, another] = calls;
  if (stopReason === "max_tokens" || stopReason === "model_context_window_exceeded")
    return invalid("too-large", "the answer was cut off at the token limit", said);
  if (stopReason === "malformed_tool_use" || stopReason === "malformed_model_output")
    return invalid("malformed", `the model stopped with ${stopReason}`, said);
  if (call === undefined)
    return said === ""
      ? invalid("empty", "the answer holds neither text nor an action")
      : invalid("prose", "the answer is text without an action", said);
  if (another !== undefined)
    return invalid("several-actions", `${calls.length} actions in one answer; one is allowed`, said);
  const input = call.input ?? null;
  const fault = jsonFault(input);
  if (fault === "too-deep" || (fault === undefined && jsonSizeBytes(input) > MAX_ARGS_BYTES))
    return invalid("too-large", `the arguments exceed ${MAX_ARGS_BYTES} bytes or are nested too deep`, said);
  if (fault !== undefined) return invalid("malformed", `the arguments cannot be read: ${JSON_FAULTS[fault]}`, said);
  if (call.name === FINISH_TOOL) return readFinish(input, said);
  const tool = contract.tools.find(({ name }) => converseName(name) === call.name);
  if (tool === undefined)
    return invalid("unknown-tool", `a tool that is not offered; there are ${namesOf(contract)}`, call.name);
  return readAction(tool, input, said);
}

function readFinish(input: unknown, said: string): Proposal {
  const parsed = finishInput.safeParse(input);
  if (!parsed.success)
    return invalid("bad-arguments", `${FINISH_TOOL}: ${faults(parsed.error)}`, JSON.stringify(input));
  const summary = cut(parsed.data.summary ?? said, MAX_TEXT);
  return { kind: "finish", outcome: parsed.data.outcome, ...(summary === "" ? {} : { summary }) };
}

export function readAction(tool: Tool, input: unknown, said: string): Proposal {
  const record = z.record(z.string(), z.json()).safeParse(input);
  if (!record.success) return invalid("bad-arguments", `${tool.name}: the arguments are no object`, said);
  const { args, confidence } = splitConfidence(tool, record.data);
  const parsed = tool.input.safeParse(args);
  if (!parsed.success) return invalid("bad-arguments", `${tool.name}: ${faults(parsed.error)}`, JSON.stringify(args));
  return {
    kind: "act",
    tool: tool.name,
    args,
    ...(said === "" ? {} : { rationale: cut(said, MAX_TEXT) }),
    ...(confidence === undefined ? {} : { confidence_percent: confidence }),
  };
}

/** A confidence that is no percentage is as good as none: the gate then treats it as the lowest. */
function splitConfidence(tool: Tool, input: Record<string, z.core.util.JSONType>) {
  if (!takesConfidence(tool)) return { args: input, confidence: undefined };
  const { [CONFIDENCE_MEMBER]: given, ...args } = input;
  const confidence = z.number().min(0).max(100).safeParse(given);
  return { args, confidence: confidence.success ? Math.floor(confidence.data) : undefined };
}

/** Paths and rules, none of the model's values. */
function faults(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".") || "arguments"} ${issue.code}`).join("; ");
}

const namesOf = (contract: Contract) => [...contract.tools.map(({ name }) => name), FINISH_TOOL].join(", ");
