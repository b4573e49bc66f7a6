/** The checks that run in every synth, and how one finding is acknowledged. */
import { type App, Validations } from "aws-cdk-lib";
import { CfnGuardValidator } from "@cdklabs/cdk-validator-cfnguard";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";

/** Every synth of the app fails on an unacknowledged finding of cdk-nag's AwsSolutions or of the Control Tower rules. */
export function addChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new CfnGuardValidator({ disabledRules: [...NOT_APPLICABLE] }));
}

/** Control Tower rules that cannot be acknowledged at a construct; each is off for the whole app, with its reason. */
const NOT_APPLICABLE: readonly string[] = [];

/** Acknowledges one finding (`AwsSolutions-IAM5[Resource::*]`) at one construct. The reason says why it is right there. */
export function acknowledge(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}
