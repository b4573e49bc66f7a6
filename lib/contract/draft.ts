/**
 * A definition taken apart, keeping whatever parts have the right form: the rules run on these, so that a fault in one field does not
 * hide the faults of the others.
 */
import type * as z from "zod";
import { addIssues, at, type Faults, type Where } from "./faults.js";
import { type JsonSchema, jsonSchemaOf } from "./schema-paths.js";
import { type ToolRest, toolFields, toolRest, type WorkflowRest, workflowFields, workflowRest } from "./shape.js";
import { type Written, written } from "./written.js";

export interface DraftTool {
  readonly where: Where;
  readonly fields: ToolRest;
  /** JSON Schemas, where they could be made */
  readonly input: JsonSchema | undefined;
  readonly output: JsonSchema | undefined;
}

export interface Draft {
  readonly where: Where;
  readonly fields: WorkflowRest;
  readonly input: JsonSchema | undefined;
  readonly tools: readonly DraftTool[];
  /** whether every entry of `tools` is a tool with a readable name: only then is "no such tool" certain */
  readonly namesKnown: boolean;
}

export function draftOf({ definition, file }: Written, faults: Faults): Draft {
  const where = { path: "contract", file };
  const fields = partsOf(workflowFields, workflowRest, definition, where, faults);
  const tools = (fields.tools ?? []).flatMap((tool, index) => {
    const here = at(where, "tools", index);
    const found = written(tool, "tool");
    if (found === undefined) {
      faults.add("CS-1001", here, { value: tool, rule: "is not a tool", fix: "use what defineTool({ … }) returned" });
      return [];
    }
    return [draftTool(found, { path: here.path, file: found.file })];
  });

  function draftTool(tool: Written, here: Where): DraftTool {
    const parts = partsOf(toolFields, toolRest, tool.definition, here, faults);
    return {
      where: here,
      fields: parts,
      input: schemaOf(parts.input, at(here, "input"), faults),
      output: schemaOf(parts.output, at(here, "output"), faults),
    };
  }

  return {
    where,
    fields,
    input: schemaOf(fields.input, at(where, "input"), faults),
    tools,
    namesKnown: tools.length === (fields.tools ?? []).length && tools.every((tool) => tool.fields.name !== undefined),
  };
}

/** Parses strictly; on failure reports every issue and answers with the fields that are right. */
function partsOf<Whole extends Rest, Rest extends object>(
  strict: z.ZodType<Whole>,
  rest: z.ZodType<Rest>,
  raw: unknown,
  where: Where,
  faults: Faults,
): Rest {
  const whole = strict.safeParse(raw);
  if (whole.success) return whole.data;
  addIssues(faults, whole.error.issues, raw, where);
  const wrong = new Set<PropertyKey>(
    whole.error.issues.flatMap((issue) => {
      const [first] = issue.path;
      return first === undefined ? (issue.code === "unrecognized_keys" ? issue.keys : []) : [first];
    }),
  );
  const plain = typeof raw === "object" && raw !== null && !Array.isArray(raw);
  const right = plain ? Object.entries(raw).filter(([key]) => !wrong.has(key)) : [];
  const kept = rest.safeParse(Object.fromEntries(right));
  return kept.success ? kept.data : rest.parse({}); // a getter that answers differently each time
}

function schemaOf(schema: z.ZodObject | undefined, where: Where, faults: Faults): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  try {
    jsonSchemaOf(schema, "output"); // transforms have no output schema: hashes and policies could not see the value
    return jsonSchemaOf(schema, "input");
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    faults.add("CS-1009", where, {
      rule: `cannot be written as JSON Schema (${cause.charAt(0).toLowerCase()}${cause.slice(1)})`,
      fix: "use JSON types; for times z.iso.datetime()",
    });
    return undefined;
  }
}

/** `stripe.lookup_charge.customer.tier` → tool and path in its output; undefined when it is no such reference. */
export function toolReference(source: string): { readonly tool: string; readonly path: string } | undefined {
  const found = /^([^.]+\.[^.]+)\.(.+)$/.exec(source);
  return found?.[1] === undefined || found[2] === undefined ? undefined : { tool: found[1], path: found[2] };
}
