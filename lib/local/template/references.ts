import { intrinsicOf, isModelledFunction, placeholders, splitAttribute } from "./intrinsics.js";

/** Names that CloudFormation itself defines. `AWS::NoValue` removes a property. */
export const PSEUDO_PARAMETERS: ReadonlySet<string> = new Set([
  "AWS::AccountId",
  "AWS::NotificationARNs",
  "AWS::NoValue",
  "AWS::Partition",
  "AWS::Region",
  "AWS::StackId",
  "AWS::StackName",
  "AWS::URLSuffix",
]);

/** What a visit of a piece of template finds. */
export interface Visitor {
  /** `Ref`, `Fn::GetAtt`, `Fn::Sub`: the parameter, pseudo parameter or resource it names */
  reference(name: string, path: string): void;
  /** `Fn::If` and `Condition` inside conditions */
  condition(name: string, path: string): void;
  problem(path: string, problem: string): void;
}

/** Walks a piece of template without resolving it: which names it uses, which functions are not modelled. */
export function visit(value: unknown, path: string, visitor: Visitor, insideCondition = false): void {
  if (typeof value === "string") {
    if (value.includes("{{resolve:")) visitor.problem(path, "dynamic references ({{resolve:…}}) are not modelled");
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      visit(item, `${path}.${index}`, visitor, insideCondition);
    });
    return;
  }
  if (value === null || typeof value !== "object") return;
  const intrinsic = intrinsicOf(value);
  if (!intrinsic) {
    for (const [key, item] of Object.entries(value)) {
      if (insideCondition && key === "Condition" && typeof item === "string") visitor.condition(item, path);
      visit(item, `${path}.${key}`, visitor, insideCondition);
    }
    return;
  }
  visitIntrinsic(intrinsic, path, visitor, insideCondition);
}

function visitIntrinsic(
  { name, argument }: { name: string; argument: unknown },
  path: string,
  visitor: Visitor,
  insideCondition: boolean,
): void {
  if (!isModelledFunction(name, insideCondition)) {
    visitor.problem(path, `${name} is not modelled`);
    return;
  }
  const first: unknown = Array.isArray(argument) ? argument[0] : argument;
  if (name === "Ref" && typeof argument === "string") visitor.reference(argument, path);
  if (name === "Fn::GetAtt" && typeof first === "string") visitor.reference(splitAttribute(first)[0], path);
  if (name === "Fn::If" && typeof first === "string") visitor.condition(first, path);
  if (name === "Fn::Sub" && typeof first === "string") {
    const given: unknown = Array.isArray(argument) ? argument[1] : undefined;
    const own = given !== null && typeof given === "object" ? Object.keys(given) : [];
    for (const placeholder of placeholders(first)) {
      if (!own.includes(placeholder)) visitor.reference(splitAttribute(placeholder)[0], path);
    }
  }
  visit(argument, path, visitor, insideCondition);
}
