/** The checks that run in every synth, and how one finding is acknowledged. */
import { type App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";
import { ApplicableGuardRules } from "./guard.js";

/** Every synth fails on an unacknowledged finding of cdk-nag's AwsSolutions or of the Control Tower rules of cfn-guard. */
export function addChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ApplicableGuardRules());
}

/** Acknowledges one finding of cdk-nag (`AwsSolutions-IAM5[Resource::*]`) at one construct, with the reason why it is right there. */
export function acknowledge(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}

/** Acknowledges one cfn-guard rule at one construct. */
export function acknowledgeGuard(construct: IConstruct, rule: string, reason: string): void {
  acknowledge(construct, `cdk-validator-cfnguard::${rule}`, reason);
}
