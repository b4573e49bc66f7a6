/** The fixture's stacks as templates, and questions about them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, type Stack } from "aws-cdk-lib";
import * as z from "zod";
import {
  Bundler,
  bundleApprovalDesk,
  bundleApprovalSender,
  bundleNotary,
  bundleWorkflow,
} from "../../lib/constructs/bundle.js";
import { ControlPlaneStack } from "../../lib/constructs/control-plane-stack.js";
import { loadWorkflows } from "../../lib/constructs/load.js";
import { secretNames } from "../../lib/constructs/secrets.js";
import { readSettings } from "../../lib/constructs/settings.js";
import { WorkflowStack } from "../../lib/constructs/workflow-stack.js";
import type { Contract } from "../../lib/contract/model.js";

export const FIXTURES = join(import.meta.dirname, "fixtures");
export const BUNDLES = { handlers: join(FIXTURES, "lambdas") };
/** as `npx cdk` passes it on */
export const CONTEXT = z
  .object({ context: z.looseObject({ mailFrom: z.string(), stages: z.array(z.string()) }) })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8"))).context;

const list = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item)]).transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]));
const statement = z.object({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Principal: z.unknown().optional(),
  Action: list(z.string()),
  Resource: z
    .unknown()
    .optional()
    .transform((value) => (value === undefined ? [] : [value].flat().map(flat))),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
export type Statement = z.output<typeof statement>;
export const policyDocument = z.object({ Statement: z.array(statement) });

const resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
export type Resource = z.output<typeof resource>;
const template = z.object({
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown(), Export: z.unknown().optional() })).default({}),
});
export type Template = z.output<typeof template>;

/** `{ "Fn::GetAtt": ["A", "Arn"] }` → `<A.Arn>`, joins joined: readable and comparable. */
export function flat(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  if ("Ref" in value) return `<${value.Ref}>`;
  if ("Fn::ImportValue" in value) return `<${value["Fn::ImportValue"]}>`;
  if ("Fn::GetAtt" in value && Array.isArray(value["Fn::GetAtt"])) return `<${value["Fn::GetAtt"].join(".")}>`;
  if ("Fn::Join" in value && Array.isArray(value["Fn::Join"])) {
    const [separator, parts] = value["Fn::Join"];
    if (Array.isArray(parts)) return parts.map(flat).join(String(separator));
  }
  return JSON.stringify(value);
}

/** Without the checks of `createApp`, which app.test.ts runs: they take most of the time of a synth. */
export async function synthFixture(
  stage = "dev",
  change: (contract: Contract) => Contract = (contract) => contract,
  context: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly plane: Template; readonly workflow: Template }> {
  const [checked] = await loadWorkflows(join(FIXTURES, "workflows"));
  if (checked === undefined) throw new Error("the fixture has no workflow");
  const { policySet } = checked;
  const contract = change(checked.contract);
  const app = new App({ analyticsReporting: false, context: { ...CONTEXT, ...context } });
  const { archive, slack } = readSettings(app.node);
  const plane = new ControlPlaneStack(app, "plane", {
    stage,
    deskCode: await bundleApprovalDesk(BUNDLES),
    senderCode: await bundleApprovalSender(BUNDLES),
    mailFrom: "countersign@example.com",
    notaryCode: await bundleNotary([contract.name], BUNDLES),
    archive,
    ...(slack ? { slackCode: await new Bundler(BUNDLES).approvalSlack() } : {}),
    workflows: [contract.name],
    secretNames: secretNames([contract]),
  });
  const bundles = await bundleWorkflow(contract, BUNDLES);
  const workflow = new WorkflowStack(app, "workflow", {
    contract,
    policySet,
    stage,
    bundles,
    mailFrom: CONTEXT.mailFrom,
    slack,
  });
  const assembly = app.synth();
  const read = (name: string) => template.parse(assembly.getStackByName(name).template);
  return { plane: read(plane.stackName), workflow: read(workflow.stackName) };
}

/** The template of one stack by itself. */
export const templateOf = (stack: Stack): Template =>
  template.parse(App.of(stack)?.synth().getStackByName(stack.stackName).template);

export const ofType = (from: Template, type: string): [string, Resource][] =>
  Object.entries(from.Resources).filter(([, { Type }]) => Type === type);

/** Everything that roles may do, by role: the inline policies attached to it. */
export function grants(from: Template): Map<string, Statement[]> {
  const policy = z.object({ PolicyDocument: policyDocument, Roles: z.array(z.object({ Ref: z.string() })) });
  const byRole = new Map<string, Statement[]>();
  for (const [, { Properties }] of ofType(from, "AWS::IAM::Policy")) {
    const { PolicyDocument, Roles } = policy.parse(Properties);
    for (const { Ref } of Roles) byRole.set(Ref, [...(byRole.get(Ref) ?? []), ...PolicyDocument.Statement]);
  }
  return byRole;
}

/** Role and permissions of each function, by the end of its name: `admit`, `tool-carrier-track`. */
export function functions(from: Template, base: string) {
  const shape = z.object({
    FunctionName: z.string(),
    Role: z.object({ "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) }),
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
    Runtime: z.string(),
    Architectures: z.array(z.string()),
    Handler: z.string(),
    Timeout: z.number(),
  });
  const byRole = grants(from);
  const rolePath = z.object({ Path: z.string() });
  return new Map(
    ofType(from, "AWS::Lambda::Function").map(([, { Properties }]) => {
      const parsed = shape.parse(Properties);
      const [role] = parsed.Role["Fn::GetAtt"];
      const path = rolePath.parse(from.Resources[role]?.Properties).Path;
      const name = parsed.FunctionName.slice(base.length + 1);
      return [name, { ...parsed, role, path, statements: byRole.get(role) ?? [] }] as const;
    }),
  );
}

/** What a role may do on resources whose flat name contains `target`, as sorted actions. */
export const actionsOn = (statements: readonly Statement[], target: string): string[] =>
  [
    ...new Set(
      statements.flatMap(({ Effect, Action, Resource }) =>
        Effect === "Allow" && Resource.some((name) => name.includes(target)) ? Action : [],
      ),
    ),
  ].sort();

export const leadingKeys = (found: Statement): unknown =>
  found.Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"];
