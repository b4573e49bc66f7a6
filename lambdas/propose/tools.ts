/** The contract's tools as Converse offers them to a model, and the one tool that ends a run. */
import type { Tool as ConverseTool } from "@aws-sdk/client-bedrock-runtime";
import * as z from "zod";
import type { Contract, Tool } from "../../lib/contract/model.js";

export const FINISH_TOOL = "finish";
/** Offered beside a tool's own arguments and taken out before they are checked; not where a tool has such an argument. */
export const CONFIDENCE_MEMBER = "confidence_percent";
const CONFIDENCE_SCHEMA = {
  type: "integer",
  minimum: 0,
  maximum: 100,
  description: "How sure you are that this action is right, in percent. Leave it out if you cannot say.",
};

/** `stripe.refund` → `stripe__refund`: Converse allows no dots. */
export const converseName = (tool: string): string => tool.replaceAll(".", "__");

export const takesConfidence = (tool: Tool): boolean => !Object.hasOwn(tool.input.shape, CONFIDENCE_MEMBER);

/** JSON Schema of a tool's arguments, as a model and a team's agent are shown it. */
export function inputSchema(tool: Tool): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(tool.input, { io: "input", target: "draft-2020-12" });
  return schema;
}

export function converseTools(contract: Contract): ConverseTool[] {
  return [...contract.tools.map(actionTool), finishTool(contract)];
}

function actionTool(tool: Tool): ConverseTool {
  const schema = inputSchema(tool);
  const own = z.record(z.string(), z.unknown()).catch({}).parse(schema.properties);
  const properties = takesConfidence(tool) ? { ...own, [CONFIDENCE_MEMBER]: CONFIDENCE_SCHEMA } : own;
  return specOf(converseName(tool.name), tool.description, { ...schema, properties });
}

function finishTool({ outcomes }: Contract): ConverseTool {
  return specOf(FINISH_TOOL, "End the run. Call it when the purpose is met, or when a person should take over.", {
    type: "object",
    properties: {
      outcome: { type: "string", enum: [...outcomes] },
      summary: { type: "string", description: "What was done and why, for the people who read the record." },
    },
    required: ["outcome"],
    additionalProperties: false,
  });
}

function specOf(name: string, description: string, schema: Record<string, unknown>): ConverseTool {
  // Through JSON, because the schema is sent as JSON: nothing in it may be anything else.
  return { toolSpec: { name, description, inputSchema: { json: z.json().parse(JSON.parse(JSON.stringify(schema))) } } };
}
