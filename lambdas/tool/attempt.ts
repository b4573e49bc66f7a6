/** One attempt of a tool's own code: what it answered, in the form of the ledger. */
import * as z from "zod";
import type { Tool, ToolContext } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { jsonSizeBytes } from "../../lib/run/canonical.js";
import { cut } from "../../lib/run/cut.js";
import { JSON_FAULTS, jsonFault } from "../../lib/run/json.js";
import { MAX_OUTPUT_BYTES, type ToolAnswer } from "../../lib/run/protocol.js";
import { withTimeLimit } from "../../lib/tool/context.js";
import { ToolError } from "../../lib/tool/errors.js";

export type Handle = (input: unknown, context: ToolContext) => Promise<unknown>;

export type Attempt =
  /** it is over: this is the outcome */
  | { readonly kind: "outcome"; readonly answer: ToolAnswer; readonly effectPossible: boolean }
  /** it failed in a way that another attempt may follow */
  | { readonly kind: "retry"; readonly error: Failure; readonly effectPossible: boolean };

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}
const MAX_MESSAGE = 2000;

export async function attempt(
  tool: Tool,
  handle: Handle,
  args: unknown,
  contextFor: (signal: AbortSignal) => ToolContext,
): Promise<Attempt> {
  const writes = tool.effect === "write";
  const parsed = tool.input.safeParse(args);
  if (!parsed.success) {
    const message = `${tool.name}: the arguments do not fit its input schema`;
    return ended({ code: "CS-3201", message, retryable: false }, false);
  }
  try {
    const output = await withTimeLimit(tool.name, tool.timeoutMs, (signal) => handle(parsed.data, contextFor(signal)));
    return accepted(tool, output) ?? ended(malformed(tool, output), writes);
  } catch (error) {
    const { effectPossible, ...failure } = failureOf(error, writes);
    // Repeating is safe when nothing happened, or when the tool tells a repeat from a second effect.
    const repeatable = failure.retryable && (!effectPossible || tool.idempotency !== "none");
    return repeatable ? { kind: "retry", error: failure, effectPossible } : ended(failure, effectPossible);
  }
}

function accepted(tool: Tool, output: unknown): Attempt | undefined {
  if (output === undefined || jsonFault(output) !== undefined) return undefined;
  const parsed = tool.output.safeParse(output);
  const plain = z.json().safeParse(parsed.data);
  if (!parsed.success || !plain.success || jsonSizeBytes(plain.data) > MAX_OUTPUT_BYTES) return undefined;
  return { kind: "outcome", answer: { status: "ok", output: plain.data }, effectPossible: tool.effect === "write" };
}

/** A write that answers nonsense may well have happened. */
function ended(error: Failure, effectPossible: boolean): Attempt {
  return { kind: "outcome", answer: { status: effectPossible ? "unknown" : "error", error }, effectPossible };
}

function malformed(tool: Tool, output: unknown): Failure {
  const fault = jsonFault(output);
  const why =
    fault === undefined
      ? `does not match its output schema or exceeds ${MAX_OUTPUT_BYTES} bytes`
      : `cannot be kept: ${JSON_FAULTS[fault]}`;
  const message = `${tool.name}: the answer ${why}`;
  return { code: "CS-3212", message, retryable: false };
}

function failureOf(error: unknown, writes: boolean): Failure & { readonly effectPossible: boolean } {
  if (error instanceof ToolError) {
    const { code, retryable, effectPossible } = error;
    const message = cut(error.message, MAX_MESSAGE);
    return { code: cut(code, 100), message, retryable, effectPossible: writes && effectPossible };
  }
  const coded = codedCause(error);
  if (coded !== undefined)
    return { code: coded.code, message: coded.message, retryable: coded.code === "CS-3213", effectPossible: writes };
  const message =
    error instanceof Error ? `${error.name}: ${error.message}` : "the tool threw something that is no error";
  return { code: "CS-3215", message: cut(message, MAX_MESSAGE), retryable: false, effectPossible: writes };
}

/** A client may wrap what the egress guard or the runtime threw (`fetch failed`). */
function codedCause(error: unknown, depth = 0): CountersignError | undefined {
  if (error instanceof CountersignError) return error;
  return error instanceof Error && depth < 5 ? codedCause(error.cause, depth + 1) : undefined;
}
