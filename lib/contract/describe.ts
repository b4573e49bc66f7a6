/**
 * A contract as plain JSON: every data field, schemas as JSON Schema. The same on every machine and in a bundle: file paths are written
 * relative to the file that names them, and the sandbox, which only exists in local mode, is left out.
 */
import { dirname, relative, sep } from "node:path";
import * as z from "zod";
import type { Agent, Contract, Tool } from "./model.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export function contractDescription(contract: Contract): Json {
  const { file, sandbox: _sandbox, input, agent, tools, ...rest } = contract;
  return toJson({
    ...rest,
    input: z.toJSONSchema(input, { io: "input" }),
    agent: describeAgent(agent, file),
    tools: tools.map(toolDescription),
  });
}

export function toolDescription(tool: Tool): Json {
  const { file, input, output, handler, preview, ...rest } = tool;
  return toJson({
    ...rest,
    ...toolSchemas(tool),
    handler: fromFile(file, handler),
    ...(preview === undefined ? {} : { preview: fromFile(file, preview) }),
  });
}

/** What a proposal for this tool must fit, and what the tool answers. */
export function toolSchemas({ input, output }: Tool): { readonly input: Json; readonly output: Json } {
  return {
    input: toJson(z.toJSONSchema(input, { io: "input" })),
    output: toJson(z.toJSONSchema(output, { io: "input" })),
  };
}

function describeAgent(agent: Agent, file: string): unknown {
  switch (agent.kind) {
    case "bedrock":
      return { ...agent, instructions: fromFile(file, agent.instructions) };
    case "lambda":
      return { ...agent, handler: fromFile(file, agent.handler) };
    case "plan":
      return agent;
  }
}

function fromFile(file: string, path: string): string {
  return relative(file === "" ? process.cwd() : dirname(file), path)
    .split(sep)
    .join("/");
}

/** Drops what JSON drops (undefined, functions); what is parsed from a text is JSON, and needs no schema to say so. */
export function toJson(value: unknown): Json {
  const json: Json = JSON.parse(JSON.stringify(value));
  return json;
}
