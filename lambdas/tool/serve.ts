/** The tool's function without its environment. A refusal is thrown: it is no answer of the tool, and the gate settles from the ledger. */
import { CountersignError } from "../../lib/errors.js";
import { type ToolAnswer, toolRequest } from "../../lib/run/protocol.js";
import { logLine } from "../shared/log.js";
import { runTool, type ToolRuntime } from "./runtime.js";

export function createHandler(runtime: ToolRuntime) {
  const { tool, workflow } = runtime;
  return async (event: unknown): Promise<ToolAnswer> => {
    const parsed = toolRequest.safeParse(event);
    if (!parsed.success) throw refusal(tool.name, "CS-3201", `${tool.name}: the request is none of the gate's`);
    const { run_id, turn } = parsed.data;
    const fields = { workflow, tool: tool.name, run_id, turn };
    try {
      const answer = await runTool(runtime, parsed.data);
      logLine("info", "tool ended", { ...fields, status: answer.status, code: answer.error?.code });
      return answer;
    } catch (error) {
      if (error instanceof CountersignError && error.code.startsWith("CS-32"))
        throw refusal(tool.name, error.code, error.message, fields);
      logLine("warn", "tool not ended", { ...fields, error: error instanceof Error ? error.name : "unknown" });
      throw error;
    }
  };
}

/** What Step Functions and a direct caller see: `errorType` and `errorMessage` of the function's failure. */
export class ToolRefused extends Error {
  override readonly name = "ToolRefused";
}

function refusal(tool: string, code: string, message: string, fields = {}): ToolRefused {
  logLine("warn", "tool refused", { tool, ...fields, code });
  return new ToolRefused(`${code} ${message}`);
}
