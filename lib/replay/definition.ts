/** The state machine of a run as it is deployed: out of the synthesised template, or a file with its definition. */
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { parseDefinition } from "../local/states/definition.js";
import { compileMachine, type Machine } from "../local/states/machine.js";

/** What a function of the machine does, by the state that invokes it. */
export type FunctionRole =
  | { readonly kind: "propose" | "decide" | "ask" }
  | { readonly kind: "tool"; readonly tool: string };

export interface RunMachineDefinition {
  readonly machine: Machine;
  /** by the function's ARN */
  readonly roles: ReadonlyMap<string, FunctionRole>;
}

const template = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown().optional() })),
});
const stateMachine = z.looseObject({ DefinitionString: z.unknown() });
const invoking = z.looseObject({
  States: z.record(z.string(), z.looseObject({ Arguments: z.looseObject({ FunctionName: z.string() }).optional() })),
});

const notThere = (what: string) =>
  new CountersignError(
    "CS-5142",
    `replay: ${what}; give the template of a workflow's stack, or its definition with --definition`,
  );

/** The definition's text in a stack's template, every function named by its logical id. @throws CountersignError CS-5142 */
export function definitionIn(parsedTemplate: unknown): string {
  const parsed = template.safeParse(parsedTemplate);
  if (!parsed.success) throw notThere("this is no template");
  const machines = Object.values(parsed.data.Resources).filter(
    ({ Type }) => Type === "AWS::StepFunctions::StateMachine",
  );
  const properties = stateMachine.safeParse(machines[0]?.Properties);
  if (machines.length !== 1 || !properties.success)
    throw notThere(`the template has ${machines.length} state machines, not one`);
  return textOf(properties.data.DefinitionString);
}

const joined = z.strictObject({ "Fn::Join": z.tuple([z.literal(""), z.array(z.unknown())]) });
const attribute = z.strictObject({ "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) });
const reference = z.strictObject({ Ref: z.string() });

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const parts = joined.safeParse(value).data?.["Fn::Join"][1];
  if (parts !== undefined) return parts.map(textOf).join("");
  const resource = attribute.safeParse(value).data?.["Fn::GetAtt"][0];
  if (resource !== undefined) return `arn:aws:lambda:eu-west-1:000000000000:function:${resource}`;
  if (reference.safeParse(value).data?.Ref === "AWS::Partition") return "aws";
  throw notThere(`the definition holds ${JSON.stringify(value)}`);
}

/** @throws CountersignError of the interpreter's table for a definition that it cannot run */
export function machineOf(definition: string): RunMachineDefinition {
  const machine = compileMachine(parseDefinition(definition));
  const { States } = invoking.parse(JSON.parse(definition));
  const roles = new Map<string, FunctionRole>();
  for (const [name, { Arguments }] of Object.entries(States)) {
    if (Arguments === undefined) continue;
    const role = roleOf(name);
    if (role === undefined) throw notThere(`nobody knows what the state ${name} asks its function`);
    roles.set(Arguments.FunctionName, role);
  }
  return { machine, roles };
}

function roleOf(state: string): FunctionRole | undefined {
  if (state.startsWith("RunTool ")) return { kind: "tool", tool: state.slice("RunTool ".length) };
  const kinds = { ProposeAction: "propose", DecideAction: "decide", AwaitApproval: "ask" } as const;
  const kind = Object.entries(kinds).find(([name]) => name === state)?.[1];
  return kind === undefined ? undefined : { kind };
}
