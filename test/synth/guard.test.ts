import { basename } from "node:path";
import { CfnGuardValidator } from "@cdklabs/cdk-validator-cfnguard";
import { App, type IPolicyValidationPlugin, Stack } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { CfnBucket } from "aws-cdk-lib/aws-s3";
import { CfnQueue } from "aws-cdk-lib/aws-sqs";
import { CfnParameter } from "aws-cdk-lib/aws-ssm";
import { describe, expect, it } from "vitest";
import { ApplicableGuardRules } from "../../lib/constructs/guard.js";

/** Stacks that break rules of three services, each of its own, and one that no rule looks at; judged by a plugin. */
function findings(plugin: IPolicyValidationPlugin) {
  const app = new App({ analyticsReporting: false });
  const all = new Stack(app, "all");
  const stacks = [all, new Stack(app, "queue"), new Stack(app, "table"), new Stack(app, "other-queue")];
  const [, queue = all, table = all, otherQueue = all] = stacks;
  new CfnBucket(all, "Bucket");
  for (const stack of [all, queue, otherQueue]) new CfnQueue(stack, "Queue");
  for (const stack of [all, table]) {
    new CfnTable(stack, "Table", {
      billingMode: "PAY_PER_REQUEST",
      attributeDefinitions: [{ attributeName: "pk", attributeType: "S" }],
      keySchema: [{ attributeName: "pk", keyType: "HASH" }],
    });
  }
  new CfnParameter(new Stack(app, "plain"), "Parameter", { type: "String", value: "x" });
  const templatePaths = app.synth().stacks.map(({ templateFullPath }) => templateFullPath);
  const report = plugin.validate({ templatePaths, stackTemplates: [], appConstruct: app });
  return {
    success: report.success,
    found: report.violations
      .flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(
          ({ resourceLogicalId, templatePath }) => `${ruleName} ${basename(templatePath ?? "")} ${resourceLogicalId}`,
        ),
      )
      .sort(),
  };
}

describe("the applicable rules", () => {
  it("find what all rules together find", () => {
    const some = findings(new ApplicableGuardRules());
    const all = findings(new CfnGuardValidator());
    expect(some.success).toBe(false);
    expect(new Set(some.found.map((finding) => finding.split(" ").slice(1).join(" ")))).toEqual(
      new Set([
        "all.template.json Bucket",
        "all.template.json Queue",
        "all.template.json Table",
        "queue.template.json Queue",
        "other-queue.template.json Queue",
        "table.template.json Table",
      ]),
    );
    expect(some.found).toEqual(all.found);
  });
});
