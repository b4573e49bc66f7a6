/**
 * A contract as a recorded run is read by it: nothing is sensitive any more, because what was is in the log as a commitment, and a commitment is
 * accepted where the value would stand. Redacting such a run changes nothing, so every hash over its arguments and results comes out as recorded.
 */
import * as z from "zod";
import type { Contract, Tool } from "../contract/model.js";
import { pathParts } from "../contract/schema-paths.js";
import { commitment } from "../run/events.js";

export function redactedContract(contract: Contract): Contract {
  return {
    ...contract,
    sensitive: [],
    input: accepting(contract.input, contract.sensitive),
    tools: contract.tools.map(redactedTool),
    // a plan fills arguments from values that the log may not have: its recorded proposals are taken as they are
    agent:
      contract.agent.kind === "plan"
        ? { kind: "lambda", handler: "", secrets: [], hosts: [], timeoutMs: 0 }
        : contract.agent,
  };
}

function redactedTool(tool: Tool): Tool {
  return {
    ...tool,
    // text that holds a sensitive value does not go into the log in clear either
    input: accepting(tool.input, [...tool.sensitiveInput, ...tool.outbound]),
    output: accepting(tool.output, tool.sensitiveOutput),
    sensitiveInput: [],
    sensitiveOutput: [],
    outbound: [],
  };
}

type Path = readonly string[];

function accepting(schema: z.ZodObject, paths: readonly string[]): z.ZodObject {
  const parts = paths.flatMap((path) => [pathParts(path)].filter((found) => found !== undefined));
  return parts.length === 0 ? schema : acceptingObject(schema, parts);
}

function acceptingObject(schema: z.ZodObject, paths: readonly Path[]): z.ZodObject {
  const changed = Object.entries(schema.shape).flatMap(([key, field]) => {
    const inside = paths.filter(([first]) => first === key).map(([, ...rest]) => rest);
    return inside.length === 0 || !(field instanceof z.ZodType) ? [] : [[key, acceptingField(field, inside)] as const];
  });
  return schema.safeExtend(Object.fromEntries(changed));
}

function acceptingField(schema: z.ZodType, paths: readonly Path[]): z.ZodType {
  if (paths.some((path) => path.length === 0)) return z.union([commitment, schema]);
  if (schema instanceof z.ZodObject) return acceptingObject(schema, paths);
  const within = (inner: unknown) => (inner instanceof z.ZodType ? acceptingField(inner, paths) : schema);
  if (schema instanceof z.ZodOptional) return z.optional(within(schema.unwrap()));
  if (schema instanceof z.ZodNullable) return z.nullable(within(schema.unwrap()));
  if (!(schema instanceof z.ZodArray) || !(schema.element instanceof z.ZodType)) return schema;
  // how many items there may be was checked when it was recorded
  const items = paths.filter(([first]) => first === "[]").map(([, ...rest]) => rest);
  return items.length === 0 ? schema : z.array(acceptingField(schema.element, items));
}
