/** How every engine reads a CloudFormation resource: what it models is parsed, what is inert is listed with a reason, the rest is refused. */
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import type { ResourceRequest } from "../../types.js";

/** Property name → why it makes no difference here. Such a property is accepted and has no effect. */
export type InertProperties = Readonly<Record<string, string>>;

/** Tags as CloudFormation writes them. */
export const tagList = z.array(z.strictObject({ Key: z.string(), Value: z.string() }));
/** `true` or, as templates also write it, `"true"`. */
export const templateBoolean = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);
/** A number or, as templates also write it, its decimal text. */
export const templateInteger = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d{1,9}$/)
    .transform(Number),
]);

/** `{Key, Value}` tags as a record. */
export function tagsOf(tags: z.infer<typeof tagList> | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key, tag.Value]));
}

/**
 * Parses a resource's properties. `modelled` is a strict object of the properties that have an effect here.
 * @throws CountersignError CS-4030 with every fault: unknown properties, missing and wrong values
 */
export function parseProperties<T extends z.ZodObject>(
  request: ResourceRequest,
  modelled: T,
  inert: InertProperties = {},
): z.output<T> {
  const effective = Object.fromEntries(
    Object.entries(request.properties).filter(([name]) => !Object.hasOwn(inert, name)),
  );
  const parsed = modelled.safeParse(effective);
  if (parsed.success) return parsed.data;
  const allowed = [...Object.keys(modelled.shape), ...Object.keys(inert)].sort();
  const faults = parsed.error.issues.map((issue) => describeIssue(issue));
  throw new CountersignError(
    "CS-4030",
    `${where(request)}: ${faults.join("; ")}; the embedded cloud models: ${allowed.join(", ")}; remove the property or run this stack on AWS`,
    { logicalId: request.logicalId, type: request.type, faults, allowed },
  );
}

/** `AWS::KMS::Key SigningKey of stack control-dev`, as every message about a resource begins. */
export function where(request: ResourceRequest): string {
  return `${request.type} ${request.logicalId} of stack ${request.stackName}`;
}

/** `BucketEncryption.SSEAlgorithm: expected …`; names keys that are not modelled, and says of a union what its nearest member wants. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const near = nearestIssue(issue, []);
  const path = near.path.map(String).join(".");
  if (near.issue.code === "unrecognized_keys") {
    const names = near.issue.keys.map((key) => (path === "" ? key : `${path}.${key}`));
    return `${names.join(", ")}: not modelled`;
  }
  return `${path === "" ? "(all)" : path}: ${near.issue.message.toLowerCase()}`;
}

interface PlacedIssue {
  readonly issue: z.core.$ZodIssue;
  readonly path: readonly PropertyKey[];
}

/** Of a union's alternatives, the deepest fault of one that knows all the value's keys: the one the writer meant. */
function nearestIssue(issue: z.core.$ZodIssue, parent: readonly PropertyKey[]): PlacedIssue {
  const path = [...parent, ...issue.path];
  if (issue.code !== "invalid_union") return { issue, path };
  const meant = issue.errors.filter(
    (branch) => !branch.some((fault) => fault.code === "unrecognized_keys" && fault.path.length === 0),
  );
  const deeper = meant
    .flatMap((branch) => branch.map((fault) => nearestIssue(fault, path)))
    .filter((placed) => placed.path.length > path.length)
    .sort((a, b) => b.path.length - a.path.length);
  return deeper[0] ?? { issue, path };
}
