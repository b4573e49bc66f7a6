import { CfnGuardValidator } from "@cdklabs/cdk-validator-cfnguard";
import { App, type IPolicyValidationPlugin, Stack } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { CfnBucket } from "aws-cdk-lib/aws-s3";
import { CfnQueue } from "aws-cdk-lib/aws-sqs";
import { describe, expect, it } from "vitest";
import { ApplicableGuardRules } from "../../lib/constructs/guard.js";

/** A stack that breaks rules of three services, judged by a plugin. */
function findings(plugin: IPolicyValidationPlugin) {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, "s");
  new CfnBucket(stack, "Bucket");
  new CfnQueue(stack, "Queue");
  new CfnTable(stack, "Table", {
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: [{ attributeName: "pk", attributeType: "S" }],
    keySchema: [{ attributeName: "pk", keyType: "HASH" }],
  });
  const { templateFullPath } = app.synth().getStackByName("s");
  const report = plugin.validate({ templatePaths: [templateFullPath], stackTemplates: [], appConstruct: app });
  return {
    success: report.success,
    rules: report.violations.map(({ ruleName, violatingResources }) => ({
      ruleName,
      resources: violatingResources.map(({ resourceLogicalId }) => resourceLogicalId).sort(),
    })),
  };
}

describe("the applicable rules", () => {
  it("find what all rules together find", () => {
    const byName = (one: { readonly ruleName: string }, other: { readonly ruleName: string }) =>
      one.ruleName.localeCompare(other.ruleName);
    const some = findings(new ApplicableGuardRules());
    const all = findings(new CfnGuardValidator());
    expect(some.success).toBe(false);
    expect(some.rules.length).toBeGreaterThan(5);
    expect(new Set(some.rules.flatMap(({ resources }) => resources))).toEqual(new Set(["Bucket", "Queue", "Table"]));
    expect(some.rules.sort(byName)).toEqual(all.rules.sort(byName));
  });
});
