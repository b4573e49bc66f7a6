/**
 * Recorded model turns, as scenario files write them. Short forms say what the model wants in one line; the long form
 * is Converse's own content, so that a turn of a real model can be pasted.
 *
 * ```json
 * { "tool": "stripe.refund", "args": { "charge": "ch_1" }, "say": "a duplicate charge" }
 * { "finish": { "outcome": "refunded", "summary": "…" } }
 * { "text": "prose instead of an action" }
 * { "content": [{ "text": "…" }, { "toolUse": { "name": "stripe__refund", "input": {} } }], "latencyMs": 900 }
 * { "fault": "ThrottlingException" }
 * ```
 */
import * as z from "zod";

/** Faults a turn may answer with, with the status Bedrock gives them. */
export const MODEL_FAULTS = {
  ThrottlingException: 429,
  ModelTimeoutException: 408,
  ModelErrorException: 424,
  ModelNotReadyException: 429,
  ServiceUnavailableException: 503,
  InternalServerException: 500,
  ValidationException: 400,
} as const;
export type ModelFault = keyof typeof MODEL_FAULTS;
const FAULT_NAMES = [
  "ThrottlingException",
  "ModelTimeoutException",
  "ModelErrorException",
  "ModelNotReadyException",
  "ServiceUnavailableException",
  "InternalServerException",
  "ValidationException",
] as const satisfies readonly ModelFault[];

export const STOP_REASONS = [
  "end_turn",
  "tool_use",
  "max_tokens",
  "stop_sequence",
  "content_filtered",
  "malformed_tool_use",
  "malformed_model_output",
  "model_context_window_exceeded",
] as const;

/** Member of a tool's input that carries the model's confidence; the agent takes it out before the arguments are checked. */
export const CONFIDENCE_MEMBER = "confidence_percent";
/** The tool with which the model ends a run. */
export const FINISH_TOOL = "finish";

/** What Converse allows as a tool's name. */
export const converseToolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);
const contractToolName = z.string().regex(/^[a-zA-Z0-9_.-]{1,60}$/);

const measured = {
  usage: z.strictObject({ inputTokens: z.int().min(0), outputTokens: z.int().min(0) }).exactOptional(),
  /** reported, not waited for */
  latencyMs: z.int().min(0).max(600_000).exactOptional(),
};
const recordedBlock = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({
    toolUse: z.strictObject({
      toolUseId: z
        .string()
        .regex(/^[a-zA-Z0-9_.:-]{1,64}$/)
        .exactOptional(),
      name: converseToolName,
      input: z.json(),
    }),
  }),
]);

export const recordedTurn = z.union([
  z.strictObject({
    tool: contractToolName,
    args: z.record(z.string(), z.json()),
    say: z.string().exactOptional(),
    /** percent */
    confidence: z.int().min(0).max(100).exactOptional(),
    ...measured,
  }),
  z.strictObject({
    finish: z.strictObject({ outcome: z.string(), summary: z.string().exactOptional() }),
    say: z.string().exactOptional(),
    ...measured,
  }),
  z.strictObject({ text: z.string(), ...measured }),
  z.strictObject({ content: z.array(recordedBlock), stopReason: z.enum(STOP_REASONS).exactOptional(), ...measured }),
  z.strictObject({
    fault: z.literal(FAULT_NAMES),
    message: z.string().exactOptional(),
  }),
]);
export type RecordedTurn = z.output<typeof recordedTurn>;
/** What the model says in one conversation, in order. */
export type Script = readonly RecordedTurn[];

type JsonValue = z.core.util.JSONType;
export type AnswerBlock =
  | { readonly text: string }
  | { readonly toolUse: { readonly toolUseId: string; readonly name: string; readonly input: JsonValue } };
export interface ExpandedTurn {
  readonly content: readonly AnswerBlock[];
  readonly stopReason: (typeof STOP_REASONS)[number];
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  readonly latencyMs?: number;
}

/** `stripe.refund` → `stripe__refund`: Converse allows no dots. */
export function toConverseToolName(name: string): string {
  return name.replaceAll(".", "__");
}
/** `stripe__refund` → `stripe.refund` */
export function fromConverseToolName(name: string): string {
  return name.replaceAll("__", ".");
}

/**
 * A turn as Converse content. Tool use ids follow from `turnIndex` (0 = the first answer), so that a repeated request
 * gets the same answer.
 */
export function expandTurn(turn: Exclude<RecordedTurn, { fault: unknown }>, turnIndex: number): ExpandedTurn {
  const blocks = "content" in turn ? turn.content : shortForm(turn);
  const content = blocks.map((block, index): AnswerBlock => {
    if ("text" in block) return block;
    const { toolUseId = `tooluse_${turnIndex}_${index}`, name, input } = block.toolUse;
    return { toolUse: { toolUseId, name, input } };
  });
  const usesTool = content.some((block) => "toolUse" in block);
  const written = "content" in turn ? turn.stopReason : undefined;
  return {
    content,
    stopReason: written ?? (usesTool ? "tool_use" : "end_turn"),
    ...(turn.usage !== undefined && { usage: turn.usage }),
    ...(turn.latencyMs !== undefined && { latencyMs: turn.latencyMs }),
  };
}

type Block = z.output<typeof recordedBlock>;
function shortForm(turn: Exclude<RecordedTurn, { fault: unknown } | { content: unknown }>): Block[] {
  if ("text" in turn) return [{ text: turn.text }];
  const said: Block[] = turn.say === undefined ? [] : [{ text: turn.say }];
  if ("finish" in turn) return [...said, { toolUse: { name: FINISH_TOOL, input: turn.finish } }];
  const confidence = turn.confidence === undefined ? {} : { [CONFIDENCE_MEMBER]: turn.confidence };
  return [...said, { toolUse: { name: toConverseToolName(turn.tool), input: { ...turn.args, ...confidence } } }];
}
