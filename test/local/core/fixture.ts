// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its placeholders like this
/** Hand-written cloud assemblies, as `cdk synth` lays them out. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface FixtureStack {
  readonly template: Record<string, unknown>;
  readonly dependsOn?: readonly string[];
  readonly environment?: string;
}
export interface Fixture {
  /** the `cdk.out` */
  readonly folder: string;
  remove(): void;
}

const BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}";

/** @param assets name → file → content; a function uses one with `codeOf(name)` */
export function assemblyOf(
  stacks: Record<string, FixtureStack>,
  assets: Record<string, Record<string, string>> = {},
): Fixture {
  const folder = mkdtempSync(join(tmpdir(), "countersign-fixture-"));
  const files: Record<string, unknown> = {};
  for (const [name, content] of Object.entries(assets)) {
    mkdirSync(join(folder, `asset.${name}`));
    for (const [file, text] of Object.entries(content)) writeFileSync(join(folder, `asset.${name}`, file), text);
    files[name] = {
      source: { path: `asset.${name}`, packaging: "zip" },
      destinations: { current: { bucketName: BUCKET, objectKey: `${name}.zip` } },
    };
  }
  const artifacts: Record<string, unknown> = { Tree: { type: "cdk:tree", properties: { file: "tree.json" } } };
  for (const [name, stack] of Object.entries(stacks)) {
    writeFileSync(join(folder, `${name}.template.json`), JSON.stringify(stack.template));
    writeFileSync(join(folder, `${name}.assets.json`), JSON.stringify({ version: "55.0.0", files, dockerImages: {} }));
    artifacts[`${name}.assets`] = { type: "cdk:asset-manifest", properties: { file: `${name}.assets.json` } };
    artifacts[name] = {
      type: "aws:cloudformation:stack",
      environment: stack.environment ?? "aws://unknown-account/unknown-region",
      properties: { templateFile: `${name}.template.json`, terminationProtection: false },
      dependencies: [...(stack.dependsOn ?? []), `${name}.assets`],
    };
  }
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ version: "55.0.0", artifacts }));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export const codeOf = (asset: string) => ({ S3Bucket: { "Fn::Sub": BUCKET }, S3Key: `${asset}.zip` });

/** A role with one inline policy. */
export function role(
  trustedService: string,
  statements: readonly unknown[] = [],
  properties: Record<string, unknown> = {},
) {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: trustedService } }],
      },
      ...(statements.length === 0
        ? {}
        : { Policies: [{ PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement: statements } }] }),
      ...properties,
    },
  };
}

export function lambdaFunction(asset: string, properties: Record<string, unknown> = {}) {
  return {
    Type: "AWS::Lambda::Function",
    Properties: {
      Code: codeOf(asset),
      Handler: "index.handler",
      Role: { "Fn::GetAtt": ["FunctionRole", "Arn"] },
      Runtime: "nodejs20.x",
      Timeout: 10,
      ...properties,
    },
  };
}
export const FunctionRole = role("lambda.amazonaws.com");

/** What every CDK template carries. */
export const BOOTSTRAP = {
  Parameters: {
    BootstrapVersion: {
      Type: "AWS::SSM::Parameter::Value<String>",
      Default: "/cdk-bootstrap/hnb659fds/version",
      Description: "…",
    },
  },
  Rules: {
    CheckBootstrapVersion: {
      Assertions: [{ Assert: { "Fn::Not": [{ "Fn::Contains": [["1"], { Ref: "BootstrapVersion" }] }] } }],
    },
  },
};
