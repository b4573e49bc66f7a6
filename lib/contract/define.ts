import { fileURLToPath } from "node:url";
import type * as z from "zod";
import type { Defined, ToolDefinition, WorkflowDefinition } from "./model.js";

/**
 * Declares one tool. Keeps the schemas' types, so that `Handler<typeof refund>` is the type of its code. Checks nothing and
 * never throws: `checkContract` reports every fault of a workflow at once.
 */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(
  definition: ToolDefinition<I, O>,
): Defined<ToolDefinition<I, O>> {
  return { kind: "tool", definition, file: callerFile(defineTool) };
}

/** Declares the workflow; the default export of `workflows/<name>/contract.ts`. Checks nothing and never throws. */
export function defineWorkflow(definition: WorkflowDefinition): Defined<WorkflowDefinition> {
  return { kind: "workflow", definition, file: callerFile(defineWorkflow) };
}

/**
 * The file that called `callee`, from V8's structured call sites; "" when there is none (then relative paths are taken from
 * the working directory). In a bundle it is the bundle, which is harmless: nothing there reads the files.
 */
function callerFile(callee: (definition: never) => unknown): string {
  const holder: { stack?: unknown } = {};
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_error, sites) => sites[0]?.getFileName() ?? "";
    Error.captureStackTrace(holder, callee);
    const name = holder.stack;
    if (typeof name !== "string") return "";
    return name.startsWith("file:") ? fileURLToPath(name) : name;
  } catch {
    return ""; // a frozen Error or an odd URL: the check reports missing files with their written path
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    // Node types the hook as optional but not as undefined, and restoring "unset" means deleting it.
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, "prepareStackTrace");
    else Error.prepareStackTrace = prepareStackTrace;
  }
}
