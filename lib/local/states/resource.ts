/** `AWS::StepFunctions::StateMachine`. */
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { parseProperties, tagList, tagsOf, templateBoolean, where } from "../services/support/properties.js";
import type { CreatedResource, ResourceRequest } from "../types.js";
import type { StateMachines } from "./machines.js";

const LoggingConfiguration = z.strictObject({
  Level: z.enum(["ALL", "ERROR", "FATAL", "OFF"]).optional(),
  IncludeExecutionData: templateBoolean.optional(),
  Destinations: z
    .array(z.strictObject({ CloudWatchLogsLogGroup: z.strictObject({ LogGroupArn: z.string() }) }))
    .optional(),
});

const Properties = z.strictObject({
  DefinitionString: z.string().optional(),
  Definition: z.record(z.string(), z.json()).optional(),
  DefinitionSubstitutions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  RoleArn: z.string().min(1),
  StateMachineName: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,80}$/)
    .optional(),
  StateMachineType: z.literal("STANDARD").optional(),
  /** histories are kept whole whatever the level: there is no log group to fill */
  LoggingConfiguration: LoggingConfiguration.optional(),
  Tags: tagList.optional(),
});

const INERT = { TracingConfiguration: "there is no X-Ray on one machine" };

/** Creates the state machine of a template. Throws `CountersignError`: CS-4030 (properties), CS-1260, CS-125x (definition). */
export function createStateMachine(request: ResourceRequest, machines: StateMachines): CreatedResource {
  const properties = parseProperties(request, Properties, INERT);
  const definition = definitionText(request, properties);
  const created = machines.create({
    name: properties.StateMachineName ?? request.defaultName,
    roleArn: properties.RoleArn,
    definition: substitute(request, definition, properties.DefinitionSubstitutions ?? {}),
    tags: tagsOf(properties.Tags),
  });
  return {
    ref: created.arn,
    attributes: { Arn: created.arn, Name: created.name, StateMachineRevisionId: "INITIAL" },
  };
}

function definitionText(request: ResourceRequest, properties: z.infer<typeof Properties>): string {
  const { DefinitionString: text, Definition: document } = properties;
  if (text !== undefined && document === undefined) return text;
  if (text === undefined && document !== undefined) return JSON.stringify(document);
  throw new CountersignError(
    "CS-1260",
    `${where(request)}: needs either DefinitionString or Definition; DefinitionS3Location is not modelled`,
    { logicalId: request.logicalId },
  );
}

/** Replaces `${name}` by its value. A name without a value is refused: on AWS the text would stay as it is and fail later. */
function substitute(
  request: ResourceRequest,
  definition: string,
  values: Readonly<Record<string, string | number | boolean>>,
): string {
  return definition.replace(/\$\{([A-Za-z0-9_]+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return String(value);
    throw new CountersignError("CS-1260", `${where(request)}: DefinitionSubstitutions has no value for \${${name}}`, {
      logicalId: request.logicalId,
      name,
    });
  });
}
