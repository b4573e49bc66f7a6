/**
 * Physical names and role paths. Functions and the state machine are named, because people read those names and the gate
 * builds `preview-<tool>` from a prefix; everything else is named by CloudFormation.
 */
import { createHash } from "node:crypto";

/** Lambda refuses longer function names. */
const MAX_FUNCTION_NAME = 64;

/** The trust zones of the design; each is a path of its own below `/countersign/<stage>/`, which policies name. */
export type Zone =
  | "log-writer"
  | "propose"
  | "tool"
  | "preview"
  | "approval-request"
  | "approval-desk"
  | "approval-sender"
  | "approval-slack"
  | "approval-clock"
  | "machine"
  | "notary"
  | "people";

export const rolePath = (stage: string, zone: Zone): string => `/countersign/${stage}/${zone}/`;

export const controlPlaneStackName = (stage: string): string => `countersign-${stage}`;
export const auditStackName = (stage: string): string => `countersign-${stage}-audit`;
export const workflowStackName = (stage: string, workflow: string): string => `countersign-${stage}-${workflow}`;

/** `stripe.lookup_charge` as part of a function's name, where `.` is not allowed: `stripe-lookup_charge`. */
export const toolPart = (tool: string): string => tool.replaceAll(".", "-");

/** `Stripe.lookup_charge` → `StripeLookupCharge`: part of construct ids and output names. */
export const pascal = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .filter((part) => part !== "")
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");

export interface FunctionNames {
  /** `<base>-<suffix>` */
  of(suffix: string): string;
  readonly previewPrefix: string;
}

/**
 * Names of one workflow's functions: `countersign-<stage>-<workflow>-<suffix>`. When the longest would not fit, the base is
 * cut and ends in a hash, for all functions alike. (Contracts allow 40 characters for a tool's name: at least 15 are left.)
 */
export function functionNames(stage: string, workflow: string, tools: readonly string[]): FunctionNames {
  const suffixes = ["request-approval", ...tools.map((tool) => `preview-${toolPart(tool)}`)];
  const room = MAX_FUNCTION_NAME - 1 - Math.max(...suffixes.map((suffix) => suffix.length));
  const whole = workflowStackName(stage, workflow);
  const base = whole.length <= room ? whole : shorten(whole, room);
  return { of: (suffix) => `${base}-${suffix}`, previewPrefix: `${base}-preview-` };
}

function shorten(name: string, length: number): string {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `${name.slice(0, length - hash.length - 1).replace(/-+$/, "")}-${hash}`;
}
