/** A preview function without its environment: what would change, without changing it. Its role has no claim, no log and no ledger. */
import * as z from "zod";
import type { PreviewAnswer } from "../../lib/aws/previews.js";
import type { Tool, ToolContext } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { jsonSizeBytes } from "../../lib/run/canonical.js";
import { cut } from "../../lib/run/cut.js";
import { jsonFault } from "../../lib/run/json.js";
import { MAX_OUTPUT_BYTES, previewAnswer, previewRequest } from "../../lib/run/protocol.js";
import { asCode } from "../../lib/run/sealing.js";
import { makeToolContext, withTimeLimit } from "../../lib/tool/context.js";
import { ToolError } from "../../lib/tool/errors.js";
import type { LocalHosts } from "../../lib/tool/hosts.js";
import { logLine } from "../shared/log.js";

export interface PreviewRuntime {
  readonly tool: Tool;
  readonly preview: (input: unknown, context: ToolContext) => Promise<unknown>;
  readonly secret: (name: string) => Promise<string>;
  readonly local: LocalHosts;
}
const plain = z.record(z.string(), z.json());
const previewResult = z.object({
  before: plain,
  after: plain,
  notes: z.array(z.string().max(500)).max(20).default([]),
});

export function createHandler({ tool, preview, secret, local }: PreviewRuntime) {
  return async (event: unknown): Promise<PreviewAnswer> => {
    const request = previewRequest.parse(event);
    const input = tool.input.safeParse(request.args);
    if (!input.success) return failed(tool, "CS-3201", "the arguments do not fit the tool's input schema");
    const { run_id: runId, step, tenant } = request;
    // Previews only read, so the key is good for nothing: a preview that writes with it would be refused for its reuse.
    const parts = {
      tool,
      runId,
      step,
      tenant,
      idempotencyKey: `preview-${runId}-${step}`,
      repeated: false,
      local,
      secret,
    };
    try {
      const result = await withTimeLimit(tool.name, tool.timeoutMs, (signal) =>
        preview(input.data, makeToolContext({ ...parts, signal })),
      );
      const parsed = jsonFault(result) === undefined ? previewResult.safeParse(result) : undefined;
      if (parsed?.success !== true || jsonSizeBytes(parsed.data) > MAX_OUTPUT_BYTES)
        return failed(tool, "CS-3216", "the preview is not before, after and notes as plain values, or is too large");
      return previewAnswer.parse({ status: "ok", preview: parsed.data });
    } catch (error) {
      if (error instanceof ToolError) return failed(tool, cut(error.code, 100), cut(error.message, 500));
      if (error instanceof CountersignError) return failed(tool, error.code, cut(error.message, 500));
      return failed(
        tool,
        "CS-3215",
        error instanceof Error ? error.name : "the preview threw something that is no error",
      );
    }
  };
}

function failed(tool: Tool, code: string, message: string): PreviewAnswer {
  logLine("warn", "preview failed", { tool: tool.name, code: asCode(code) });
  return { status: "error", error: { code, message } };
}
