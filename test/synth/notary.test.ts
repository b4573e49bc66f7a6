import { App } from "aws-cdk-lib";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { archiveElsewhere } from "../../lib/constructs/archive.js";
import { AuditStack } from "../../lib/constructs/audit-stack.js";
import {
  actionsOn,
  CONTEXT,
  flat,
  functions,
  ofType,
  policyDocument,
  synthFixture,
  type Template,
  templateOf,
} from "./harness.js";

let plane: Template;
beforeAll(async () => {
  ({ plane } = await synthFixture("prod"));
});
const notary = () => {
  const found = functions(plane, "countersign-prod").get("notary");
  if (found === undefined) throw new Error("no notary");
  return found;
};
const archiveBucket = (from: Template) => ofType(from, "AWS::S3::Bucket").find(([id]) => id.startsWith("Archive"))?.[1];
const policyOf = (from: Template, type: string, part: string, member: string) => {
  const found = ofType(from, type).find(([id]) => id.includes(part))?.[1].Properties[member];
  return policyDocument.parse(found).Statement;
};

describe("notary", () => {
  it("has a role of its own zone, and reads the log without ever writing it", () => {
    expect(notary().path).toBe("/countersign/prod/notary/");
    expect(actionsOn(notary().statements, "<RunLog")).toEqual([
      "dynamodb:DescribeStream",
      "dynamodb:GetRecords",
      "dynamodb:GetShardIterator",
      "dynamodb:Query",
    ]);
  });

  it("signs with one key, and adds to one bucket", () => {
    expect(actionsOn(notary().statements, "<ArchiveNotaryKey")).toEqual(["kms:GetPublicKey", "kms:Sign"]);
    expect(actionsOn(notary().statements, "<ArchiveBucket")).toEqual([
      "s3:GetObject",
      "s3:ListBucket",
      "s3:PutObject",
      "s3:PutObjectRetention",
    ]);
  });

  it("is woken when a run ends and every five minutes, and an alarm tells when it fails or is silent", () => {
    const [mapping] = ofType(plane, "AWS::Lambda::EventSourceMapping").map(([, { Properties }]) => Properties);
    expect(mapping).toMatchObject({
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      MaximumRetryAttempts: 3,
      StartingPosition: "TRIM_HORIZON",
    });
    const filter = z.object({ Filters: z.tuple([z.object({ Pattern: z.string() })]) }).parse(mapping?.FilterCriteria);
    expect(JSON.parse(filter.Filters[0].Pattern)).toEqual({
      eventName: ["INSERT"],
      dynamodb: { NewImage: { type: { S: ["RunClosed", "RunRefused"] } } },
    });
    const rules = ofType(plane, "AWS::Events::Rule").map(([, { Properties }]) => Properties.ScheduleExpression);
    expect(rules).toEqual(["rate(5 minutes)"]);
    const alarms = ofType(plane, "AWS::CloudWatch::Alarm").map(([id]) => id.replace(/[0-9A-F]{8}$/, ""));
    expect(alarms.sort()).toEqual(["NotaryNotaryErrors", "NotaryNotarySilent"]);
  });
});

describe("archive", () => {
  it("keeps every version, under Object Lock", () => {
    expect(archiveBucket(plane)?.Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 3650 } } },
      VersioningConfiguration: { Status: "Enabled" },
    });
  });

  it("is added to by the notary alone, and never overwritten or deleted", () => {
    const statements = policyOf(plane, "AWS::S3::BucketPolicy", "ArchiveBucket", "PolicyDocument");
    const rule = (sid: string) => statements.find(({ Sid }) => Sid === sid);
    const everyone = { Effect: "Deny", Principal: { AWS: "*" } };
    expect(rule("OnlyTheNotaryAdds")).toMatchObject({ ...everyone, Action: ["s3:PutObject", "s3:PutObjectRetention"] });
    expect(flat(rule("OnlyTheNotaryAdds")?.Condition?.ArnNotLike?.["aws:PrincipalArn"])).toMatch(
      /:role\/countersign\/prod\/notary\/\*$/,
    );
    expect(rule("NobodyOverwrites")).toMatchObject({
      ...everyone,
      Action: ["s3:PutObject"],
      Condition: { Null: { "s3:if-none-match": "true" } },
    });
    expect(rule("NobodyDeletes")).toMatchObject({ ...everyone });
    expect(rule("NobodyDeletes")?.Condition).toBeUndefined();
    expect(rule("NobodyDeletes")?.Action).toEqual(
      expect.arrayContaining(["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]),
    );
  });

  it("is signed with a P-256 key that nobody else may sign with", () => {
    const key = ofType(plane, "AWS::KMS::Key").find(([id]) => id.startsWith("ArchiveNotaryKey"))?.[1];
    expect(key?.Properties).toMatchObject({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const deny = policyOf(plane, "AWS::KMS::Key", "ArchiveNotaryKey", "KeyPolicy").find(
      ({ Sid }) => Sid === "OnlyTheNotarySigns",
    );
    expect(deny).toMatchObject({ Effect: "Deny", Principal: { AWS: "*" }, Action: ["kms:Sign"] });
    expect([deny?.Condition?.ArnNotLike?.["aws:PrincipalArn"]].flat().map(flat)).toEqual([
      "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/countersign/prod/notary/*",
    ]);
  });

  it("has compliance as an option", () => {
    const stack = new AuditStack(new App({ context: CONTEXT }), "audit", {
      stage: "prod",
      settings: { mode: "compliance", retentionDays: { public: 1, internal: 2, personal: 3, financial: 4 } },
      account: "222222222222",
      workloadAccount: "111111111111",
    });
    expect(archiveBucket(templateOf(stack))?.Properties.ObjectLockConfiguration).toMatchObject({
      Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 4 } },
    });
  });
});

describe("when the stacks of a production stage are destroyed", () => {
  it("everything that holds a record stays, with its keys", () => {
    const stateful = /^AWS::(?:DynamoDB::|S3::Bucket$|KMS::Key$)/;
    const found = Object.entries(plane.Resources).filter(([, { Type }]) => stateful.test(Type));
    expect(found.map(([, { Type }]) => Type)).toEqual(
      expect.arrayContaining(["AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::KMS::Key"]),
    );
    expect(found.length).toBeGreaterThanOrEqual(13);
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of found)
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, "Retain", "Retain"]);
    // a stack that is gone protects nothing: each table refuses to be deleted by itself
    for (const [id, { Properties }] of ofType(plane, "AWS::DynamoDB::GlobalTable"))
      expect([id, JSON.stringify(Properties.Replicas)]).toEqual([
        id,
        expect.stringContaining('"DeletionProtectionEnabled":true'),
      ]);
  });
});

describe("with an audit account", () => {
  const [account, workloadAccount] = ["222222222222", "111111111111"];
  const settings = {
    mode: "governance" as const,
    retentionDays: { public: 365, internal: 365, personal: 1095, financial: 3650 },
    audit: { account, workloadAccount },
  };

  it("the stage has no archive and no signing key, and names those of the audit account", async () => {
    const { plane: elsewhere } = await synthFixture("prod", (contract) => contract, {
      auditAccount: account,
      workloadAccount,
    });
    expect(archiveBucket(elsewhere)).toBeUndefined();
    expect(
      ofType(elsewhere, "AWS::KMS::Key").filter(([, { Properties }]) => Properties.KeyUsage === "SIGN_VERIFY"),
    ).toEqual([]);
    const { Environment, statements } = functions(elsewhere, "countersign-prod").get("notary") ?? notary();
    const bucket = "countersign-prod-archive-222222222222-<AWS::Region>";
    const key = "arn:<AWS::Partition>:kms:<AWS::Region>:222222222222:alias/countersign-prod-notary";
    expect(flat(Environment.Variables.ARCHIVE_BUCKET)).toBe(bucket);
    expect(flat(Environment.Variables.NOTARY_KEY)).toBe(key);
    expect(statements.find(({ Sid }) => Sid === "Sign")).toMatchObject({
      Action: ["kms:Sign", "kms:GetPublicKey"],
      Resource: ["arn:<AWS::Partition>:kms:<AWS::Region>:222222222222:key/*"],
      Condition: { StringEquals: { "kms:RequestAlias": "alias/countersign-prod-notary" } },
    });
    expect(actionsOn(statements, bucket)).toContain("s3:PutObject");
  });

  it("the audit stack has them, under the names that the stage expects, open to its notary and readers alone", () => {
    const stack = new AuditStack(new App({ context: CONTEXT }), "audit", {
      stage: "prod",
      settings,
      account,
      workloadAccount,
    });
    const template = templateOf(stack);
    const expected = archiveElsewhere(stack, "prod", account);
    expect(flat(archiveBucket(template)?.Properties.BucketName)).toBe(flat(stack.resolve(expected.bucketName)));
    expect(ofType(template, "AWS::KMS::Alias")[0]?.[1].Properties.AliasName).toBe(expected.keyAlias);
    const allows = [
      ...policyOf(template, "AWS::S3::BucketPolicy", "ArchiveBucket", "PolicyDocument"),
      ...policyOf(template, "AWS::KMS::Key", "NotaryKey", "KeyPolicy"),
    ].filter(({ Effect, Condition }) => Effect === "Allow" && Condition?.ArnLike !== undefined);
    const who = (zone: string) => `arn:<AWS::Partition>:iam::111111111111:role/countersign/prod/${zone}/*`;
    const granted = (zone: string) =>
      allows
        .filter(({ Condition }) => flat(Condition?.ArnLike?.["aws:PrincipalArn"]) === who(zone))
        .flatMap(({ Action }) => Action)
        .sort();
    expect(granted("notary")).toEqual([
      "kms:GetPublicKey",
      "kms:Sign",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:PutObject",
      "s3:PutObjectRetention",
    ]);
    expect(granted("people")).toEqual(["kms:GetPublicKey", "s3:GetObject", "s3:ListBucket"]);
    for (const type of ["AWS::S3::Bucket", "AWS::KMS::Key"])
      for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of ofType(template, type))
        expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, "Retain", "Retain"]);
    expect(allows).toHaveLength(6);
  });
});
