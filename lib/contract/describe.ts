/**
 * A contract as plain JSON: every data field, schemas as JSON Schema. The same on every machine and in a bundle: file paths are written
 * relative to the file that names them, and the sandbox, which only exists in local mode, is left out.
 */
import { dirname, relative, sep } from "node:path";
import * as z from "zod";
import type { Agent, Contract, Tool } from "./model.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export function contractDescription(contract: Contract): Json {
  const { input, tools } = contract;
  return toJson({
    ...plainContract(contract),
    input: z.toJSONSchema(input, { io: "input" }),
    tools: tools.map((tool) => ({ ...plainTool(tool), ...toolSchemas(tool) })),
  });
}

/** The description without the schemas: what a bundle holds of a contract beside them. */
export function contractData(contract: Contract): Json {
  return toJson({ ...plainContract(contract), tools: contract.tools.map(plainTool) });
}

function plainContract({ file, sandbox: _sandbox, input: _input, agent, tools: _tools, ...rest }: Contract): object {
  return { ...rest, agent: describeAgent(agent, file) };
}

function plainTool({ file, input: _input, output: _output, handler, preview, ...rest }: Tool): object {
  return {
    ...rest,
    handler: fromFile(file, handler),
    ...(preview === undefined ? {} : { preview: fromFile(file, preview) }),
  };
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
