/** What a grant hands over: one statement, and for a `*` in it the reason that the checks accept. */
import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { acknowledge } from "./findings.js";

export interface Permission {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: iam.Conditions;
  /** why a `*` in actions or resources is as narrow as it can be; a `*` without a reason fails the synth */
  readonly wildcard?: string;
}

/** Adds a permission to a role and acknowledges each of its wildcards with the permission's own reason. */
export function permit(role: iam.Role, permission: Permission): void {
  const { sid, actions, resources, conditions, wildcard } = permission;
  const statement = new iam.PolicyStatement({
    sid,
    actions: [...actions],
    resources: [...resources],
    ...(conditions === undefined ? {} : { conditions }),
  });
  role.addToPolicy(statement);
  if (wildcard === undefined) return;
  const written = Stack.of(role).resolve(resources).map(flat);
  const wide = (prefix: string, values: readonly string[]) =>
    values.filter((value) => value.includes("*")).map((value) => `${prefix}::${value}`);
  for (const finding of new Set([...wide("Action", actions), ...wide("Resource", written)])) {
    acknowledge(role, `AwsSolutions-IAM5[${finding}]`, wildcard);
  }
}

/** A resolved value as cdk-nag writes it in the id of a finding: `<Vault.Arn>/vault/*`. */
function flat(value: unknown): string {
  if (typeof value === "string") return value.replaceAll("${", "<").replaceAll("}", ">");
  if (typeof value !== "object" || value === null) return "";
  if ("Ref" in value) return `<${flat(value.Ref)}>`;
  if ("Fn::ImportValue" in value) return flat(value["Fn::ImportValue"]);
  if ("Fn::GetAtt" in value && Array.isArray(value["Fn::GetAtt"]))
    return `<${value["Fn::GetAtt"].map(flat).join(".")}>`;
  if ("Fn::Join" in value && Array.isArray(value["Fn::Join"])) {
    const [delimiter, items] = value["Fn::Join"];
    if (Array.isArray(items)) return items.map(flat).join(flat(delimiter));
  }
  return JSON.stringify(value);
}
