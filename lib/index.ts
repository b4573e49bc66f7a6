/**
 * What a team's contracts and tools import. Kept free of the CDK and the AWS SDK: contracts are bundled into Lambda functions.
 */
import type { Defined, PreviewHandler, ToolDefinition, ToolHandler } from "./contract/model.js";

export type { AgentAnswer, AgentContext, AgentHandler, AgentRequest } from "./agent/types.js";
export { defineTool, defineWorkflow } from "./contract/define.js";
export type {
  PreviewResult,
  SandboxServer,
  SandboxStart,
  ToolContext,
  ToolDefinition,
  WorkflowDefinition,
} from "./contract/model.js";
export * as z from "./contract/z.js";
export { CountersignError } from "./errors.js";
export { ToolError } from "./tool/errors.js";

/** Type of a tool's code: `export const handle: Handler<typeof refund> = async (input, context) => …` */
export type Handler<T extends Defined<ToolDefinition>> = ToolHandler<T["definition"]>;
/** Type of a tool's preview: `export const preview: Preview<typeof refund> = async (input, context) => …` */
export type Preview<T extends Defined<ToolDefinition>> = PreviewHandler<T["definition"]>;
