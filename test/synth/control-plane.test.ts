import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  actionsOn,
  flat,
  grants,
  leadingKeys,
  ofType,
  policyDocument,
  synthFixture,
  type Template,
} from "./harness.js";

let plane: Template;
beforeAll(async () => {
  ({ plane } = await synthFixture());
});

const globalTable = z.object({
  KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.string() })),
  GlobalSecondaryIndexes: z
    .array(z.object({ IndexName: z.string(), KeySchema: z.array(z.object({ AttributeName: z.string() })) }))
    .default([]),
  BillingMode: z.string(),
  SSESpecification: z.object({ SSEEnabled: z.boolean() }),
  Replicas: z.tuple([
    z.object({
      DeletionProtectionEnabled: z.boolean(),
      PointInTimeRecoverySpecification: z.object({ PointInTimeRecoveryEnabled: z.boolean() }),
      ResourcePolicy: z.object({ PolicyDocument: policyDocument }).optional(),
    }),
  ]),
});
const tables = () =>
  ofType(plane, "AWS::DynamoDB::GlobalTable").map(([id, each]) => ({
    id,
    ...each,
    ...globalTable.parse(each.Properties),
  }));
const named = <T extends { readonly id: string }>(found: readonly T[], part: string): T => {
  const [one, ...more] = found.filter(({ id }) => id.includes(part));
  if (one === undefined || more.length > 0) throw new Error(`${part}: ${found.map(({ id }) => id).join(", ")}`);
  return one;
};

describe("tables", () => {
  it("are seven, keyed alike, protected, on demand, and kept when the stack goes", () => {
    expect(tables()).toHaveLength(7);
    for (const { KeySchema, BillingMode, Replicas, SSESpecification, DeletionPolicy } of tables()) {
      expect(KeySchema).toEqual([
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ]);
      expect(BillingMode).toBe("PAY_PER_REQUEST");
      expect(SSESpecification.SSEEnabled).toBe(true);
      expect(Replicas[0]).toMatchObject({
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
      expect(DeletionPolicy).toBe("Retain");
    }
  });

  it("list runs and approvals by workflow, and what each person was asked", () => {
    const indexes = (part: string) =>
      named(tables(), part).GlobalSecondaryIndexes.map(({ IndexName, KeySchema }) => [
        IndexName,
        ...KeySchema.map((key) => key.AttributeName),
      ]);
    expect(indexes("RunLog")).toEqual([["runs", "runs_of", "started"]]);
    expect(indexes("Approvals")).toEqual([
      ["byWorkflow", "workflow", "requested_at"],
      ["byApprover", "approver", "expires_at"],
    ]);
  });
});

describe("the run log's own policy", () => {
  const statements = () => named(tables(), "RunLog").Replicas[0].ResourcePolicy?.PolicyDocument.Statement ?? [];

  it("denies every way to overwrite to everyone, and inserting to all but log writers", () => {
    const base = { Effect: "Deny", Principal: { AWS: "*" }, Resource: ["*"] };
    const arn = (role: string) => `arn:<AWS::Partition>:iam::<AWS::AccountId>:role/${role}`;
    const unless = (found: unknown) =>
      z.object({ ArnNotLike: z.object({ "aws:PrincipalArn": z.unknown() }) }).parse(found).ArnNotLike[
        "aws:PrincipalArn"
      ];
    const [overwrite, insert, administer, ...more] = statements();
    expect(more).toEqual([]);
    expect(overwrite).toEqual({
      ...base,
      Sid: "NobodyOverwrites",
      Action: ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", "PartiQLDelete"].map(
        (name) => `dynamodb:${name}`,
      ),
    });
    expect(insert).toMatchObject({ ...base, Action: ["dynamodb:PartiQLInsert"] });
    expect(flat(unless(insert?.Condition))).toBe(arn("countersign/dev/log-writer/*"));
    expect(administer).toMatchObject({ ...base });
    expect(administer?.Action).toEqual(
      expect.arrayContaining(
        [
          "PutResourcePolicy",
          "DeleteResourcePolicy",
          "UpdateTable",
          "DeleteTable",
          "UpdateTimeToLive",
          "RestoreTableToPointInTime",
        ].map((name) => `dynamodb:${name}`),
      ),
    );
    expect(flat(unless(administer?.Condition))).toBe(arn("cdk-hnb659fds-cfn-exec-role-<AWS::AccountId>-<AWS::Region>"));
  });

  it("and that of the log of readers are the only table policies, and grant nothing", () => {
    const own = tables().filter(({ Replicas }) => Replicas[0].ResourcePolicy !== undefined);
    expect(own.map(({ id }) => id)).toEqual([expect.stringMatching(/^RunLog/), expect.stringMatching(/^Oversight/)]);
    for (const { Replicas } of own)
      for (const { Effect } of Replicas[0].ResourcePolicy?.PolicyDocument.Statement ?? []) expect(Effect).toBe("Deny");
  });
});

describe("the log of readers, shreddings and reviews", () => {
  it("is insert-only by its own policy, and each kind of row is added by the one job that it is about", () => {
    const [overwrite, ...more] =
      named(tables(), "Oversight").Replicas[0].ResourcePolicy?.PolicyDocument.Statement ?? [];
    const runLog = named(tables(), "RunLog").Replicas[0].ResourcePolicy?.PolicyDocument.Statement ?? [];
    expect(overwrite).toEqual(runLog[0]);
    expect(more.at(-1)).toEqual(runLog.at(-1));
    const inserters = more.slice(0, -1).map(({ Action, Condition }) => {
      expect(Action).toEqual(["dynamodb:PartiQLInsert"]);
      const except = [Condition?.ArnNotLike?.["aws:PrincipalArn"]]
        .flat()
        .map((arn) => flat(arn).replace(/[0-9A-F]{8}/, ""));
      return [Condition?.["ForAnyValue:StringLike"]?.["dynamodb:LeadingKeys"], except];
    });
    expect(inserters).toEqual([
      [undefined, ["<PeopleBreakGlass.Arn>", "<PeopleShredder.Arn>", "<PeopleAuditor.Arn>"]],
      [["reading"], ["<PeopleBreakGlass.Arn>"]],
      [["shredding"], ["<PeopleShredder.Arn>"]],
      [["review#*"], ["<PeopleAuditor.Arn>"]],
    ]);
  });
});

describe("what is shredded", () => {
  it("is deletable: no Object Lock, replication or backup plan keeps a copy of vault, contexts or their keys", () => {
    for (const part of ["Vault", "Context"]) {
      const [bucket, ...more] = ofType(plane, "AWS::S3::Bucket").filter(([id]) => id.startsWith(`Buckets${part}`));
      expect(more).toEqual([]);
      const members = Object.keys(bucket?.[1].Properties ?? {});
      expect(members).toContain("VersioningConfiguration");
      for (const keeps of ["ObjectLockEnabled", "ObjectLockConfiguration", "ReplicationConfiguration"])
        expect(members).not.toContain(keeps);
      // what was deleted without its version goes by itself
      expect(bucket?.[1].Properties.LifecycleConfiguration).toMatchObject({
        Rules: [{ Status: "Enabled", NoncurrentVersionExpiration: { NoncurrentDays: expect.any(Number) } }],
      });
    }
    for (const [id, { Properties }] of ofType(plane, "AWS::KMS::Key"))
      expect([id, Properties.MultiRegion ?? false]).toEqual([id, false]);
    const types = Object.values(plane.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /::(Backup|DLM)::|ReplicaKey|Replication/.test(type))).toEqual([]);
    for (const [, { Properties }] of ofType(plane, "AWS::S3::Bucket"))
      expect(JSON.stringify(Properties.Tags ?? [])).not.toMatch(/backup/i);
  });
});

describe("buckets and keys", () => {
  const bucketPolicies = () =>
    ofType(plane, "AWS::S3::BucketPolicy").map(([id, { Properties }]) => ({
      id,
      ...z.object({ PolicyDocument: policyDocument }).parse(Properties).PolicyDocument,
    }));
  const keyPolicy = (part: string) => {
    const [found] = ofType(plane, "AWS::KMS::Key").filter(([id]) => id.includes(part));
    return z.object({ KeyPolicy: policyDocument }).parse(found?.[1].Properties).KeyPolicy.Statement;
  };
  const except = (condition: unknown) =>
    z
      .object({ ArnNotLike: z.object({ "aws:PrincipalArn": z.union([z.array(z.unknown()), z.string()]) }) })
      .transform(({ ArnNotLike }) =>
        [ArnNotLike["aws:PrincipalArn"]].flat().map((each) => flat(each).replace(/^arn.*:role\//, "")),
      )
      .parse(condition);

  it("refuse plain HTTP and public access", () => {
    for (const [, { Properties }] of ofType(plane, "AWS::S3::Bucket")) {
      expect(Properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(Properties.VersioningConfiguration).toEqual({ Status: "Enabled" });
    }
    expect(bucketPolicies()).toHaveLength(4);
    for (const { Statement } of bucketPolicies()) {
      const tls = Statement.find(({ Condition }) => Condition?.Bool?.["aws:SecureTransport"] === "false");
      expect(tls).toMatchObject({ Effect: "Deny", Action: ["s3:*"] });
    }
  });

  it("the vault opens for log writers and break-glass alone, bucket and key", () => {
    const readers = ["countersign/dev/log-writer/*", expect.stringMatching(/^<PeopleBreakGlass\w+\.Arn>$/)];
    const deny = named(bucketPolicies(), "Vault").Statement.find(({ Sid }) => Sid === "OnlyItsReaders");
    expect(deny?.Effect).toBe("Deny");
    expect(except(deny?.Condition)).toEqual(readers);
    const key = keyPolicy("VaultKey").find(({ Sid }) => Sid === "OnlyVaultReaders");
    expect(key).toMatchObject({ Effect: "Deny", Action: ["kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"] });
    expect(except(key?.Condition)).toEqual(readers);
  });

  it("objects of vault and contexts are deleted by the shredder alone", () => {
    for (const part of ["Vault", "Context"]) {
      const deny = named(bucketPolicies(), part).Statement.find(({ Sid }) => Sid === "OnlyTheShredderDeletes");
      expect(deny).toMatchObject({ Effect: "Deny", Action: ["s3:DeleteObject", "s3:DeleteObjectVersion"] });
      expect(flat(deny?.Condition?.ArnNotLike?.["aws:PrincipalArn"])).toMatch(/^<PeopleShredder\w+\.Arn>$/);
    }
  });

  it("contexts are read by log writers and proposers alone, calls by tools, views by the desk", () => {
    const [writers, proposers, tools, desk] = ["log-writer", "propose", "tool", "approval-desk"].map(
      (zone) => `countersign/dev/${zone}/*`,
    );
    const readersOf = (sid: string) => {
      const deny = named(bucketPolicies(), "Context").Statement.find(({ Sid }) => Sid === sid);
      expect(deny?.Effect).toBe("Deny");
      return [flat(deny?.Resource), except(deny?.Condition)];
    };
    const under = (prefix: string) => expect.stringMatching(new RegExp(`Context\\w*\\.Arn>/${prefix}\\*"`));
    expect(readersOf("OnlyItsReaders")).toEqual([under(""), [writers, proposers, tools, desk]]);
    expect(readersOf("OnlyProposersReadContexts")).toEqual([under("context/"), [writers, proposers]]);
    expect(readersOf("OnlyToolsReadCalls")).toEqual([under("call/"), [writers, tools]]);
    expect(readersOf("OnlyTheDeskReadsViews")).toEqual([under("view/"), [writers, desk]]);
  });

  it("task tokens are sealed by request-approval and opened by the sender alone", () => {
    const rule = (sid: string) => keyPolicy("TokenKey").find(({ Sid }) => Sid === sid);
    expect(rule("OnlyRequestsSeal")).toMatchObject({ Effect: "Deny", Action: ["kms:Encrypt"] });
    expect(except(rule("OnlyRequestsSeal")?.Condition)).toEqual(["countersign/dev/approval-request/*"]);
    expect(rule("OnlyTheSenderOpens")?.Action).toContain("kms:Decrypt");
    expect(except(rule("OnlyTheSenderOpens")?.Condition)).toEqual(["countersign/dev/approval-sender/*"]);
  });
});

describe("people", () => {
  const roles = () =>
    ofType(plane, "AWS::IAM::Role").filter(([, { Properties }]) => Properties.Path === "/countersign/dev/people/");
  const statementsOf = (part: string) =>
    [...grants(plane)].find(([role]) => role.startsWith(`People${part}`))?.[1] ?? [];
  const trust = z.object({ AssumeRolePolicyDocument: policyDocument });

  it("are six roles, each for whom an administrator tagged, and never for our own functions", () => {
    expect(roles()).toHaveLength(6);
    for (const [id, { Properties }] of roles()) {
      const [statement, ...more] = trust.parse(Properties).AssumeRolePolicyDocument.Statement;
      expect(more).toEqual([]);
      const tag = statement?.Condition?.StringEquals?.["aws:PrincipalTag/countersign:dev"];
      expect(`People${String(tag).replaceAll("-", "")}`.toLowerCase()).toBe(
        id.replace(/[0-9A-F]{8}$/, "").toLowerCase(),
      );
      expect(flat(statement?.Condition?.ArnNotLike?.["aws:PrincipalArn"])).toMatch(/:role\/countersign\/dev\/\*$/);
    }
  });

  it.each(["BreakGlass", "Shredder"])("%s is taken with recent MFA", (job) => {
    const [found] = roles().filter(([id]) => id.startsWith(`People${job}`));
    const [statement] = trust.parse(found?.[1].Properties).AssumeRolePolicyDocument.Statement;
    expect(statement?.Condition).toMatchObject({
      Bool: { "aws:MultiFactorAuthPresent": "true" },
      NumericLessThan: { "aws:MultiFactorAuthAge": "3600" },
    });
  });

  it("break-glass reads the vault, finds its run in the log, and adds to the log of readers", () => {
    const statements = statementsOf("BreakGlass");
    expect(actionsOn(statements, "Vault")).toEqual(["kms:Decrypt", "s3:GetObject", "s3:ListBucket"]);
    expect(actionsOn(statements, "<RunLog")).toEqual(["dynamodb:Query"]);
    const keysOf = (sid: string) =>
      statements.filter(({ Sid }) => Sid === sid).map((each) => [each.Action, leadingKeys(each)]);
    expect(keysOf("RecordReadings")).toEqual([[["dynamodb:PartiQLInsert"], ["reading"]]]);
    expect(keysOf("ReadReadings")).toEqual([[["dynamodb:Query"], ["reading", "shredding"]]]);
    expect(actionsOn(statements, "Context")).toEqual([]);
  });

  it("the shredder deletes versions of runs' keys and of what was put out, and reads none of it", () => {
    const statements = statementsOf("Shredder");
    expect(actionsOn(statements, "Vault")).toEqual(["s3:DeleteObjectVersion", "s3:ListBucketVersions"]);
    expect(actionsOn(statements, "/vault/*/key.json")).toEqual(["s3:DeleteObjectVersion"]);
    expect(actionsOn(statements, "Context")).toEqual(["s3:DeleteObjectVersion", "s3:ListBucketVersions"]);
    expect(actionsOn(statements, "<RunLog")).toEqual(["dynamodb:Query"]);
    expect([...new Set(statements.flatMap(({ Action }) => Action))].sort()).toEqual([
      "cloudformation:DescribeStacks",
      "dynamodb:PartiQLInsert",
      "dynamodb:Query",
      "s3:DeleteObjectVersion",
      "s3:ListBucketVersions",
    ]);
  });

  it("requesters invoke POST /runs/* and nothing else", () => {
    const statements = statementsOf("Requester").filter(({ Sid }) => Sid !== "ReadOutputs");
    expect(statements.map(({ Action }) => Action)).toEqual([["execute-api:Invoke"]]);
    expect(statements[0]?.Resource).toEqual([expect.stringMatching(/>\/\$default\/POST\/runs\/\*$/)]);
  });

  it("approvers decide through POST /approver/* of the API and nothing else", () => {
    const invoke = statementsOf("Approver").filter(({ Action }) => Action.includes("execute-api:Invoke"));
    expect(invoke.map(({ Resource }) => Resource)).toEqual([
      [expect.stringMatching(/>\/\$default\/POST\/approver\/\*$/)],
    ]);
  });

  it.each([
    ["Approver", ["cloudformation:DescribeStacks", "dynamodb:GetItem", "dynamodb:Query", "execute-api:Invoke"]],
    [
      "Auditor",
      [
        "athena:BatchGetNamedQuery",
        "athena:GetNamedQuery",
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:GetWorkGroup",
        "athena:ListNamedQueries",
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
        "cloudformation:DescribeStacks",
        "dynamodb:GetItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:Query",
        "glue:GetDatabase",
        "glue:GetTable",
        "kms:GetPublicKey",
        "s3:GetObject",
        "s3:ListBucket",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
        "states:ListExecutions",
      ],
    ],
  ])("the %s only reads, save for the API's decisions and reviews, and no sealed value", (job, expected) => {
    expect([...new Set(statementsOf(job).flatMap(({ Action }) => Action))].sort()).toEqual(expected);
    expect(actionsOn(statementsOf(job), "Vault")).toEqual([]);
  });

  it("auditors add reviews, and nothing else", () => {
    const written = statementsOf("Auditor").filter(({ Action }) => Action.includes("dynamodb:PartiQLInsert"));
    expect(written.map((each) => [each.Action, leadingKeys(each), each.Resource])).toEqual([
      [["dynamodb:PartiQLInsert"], ["review#*"], [expect.stringMatching(/^<Oversight/)]],
    ]);
  });

  it("operators set brakes and stop executions", () => {
    const statements = statementsOf("Operator");
    const brakes = statements.find(({ Sid }) => Sid === "SetBrakes");
    expect(brakes?.Action).toEqual(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]);
    expect(brakes && leadingKeys(brakes)).toEqual(["brake#*"]);
    expect(actionsOn(statements, ":execution:countersign-dev-*:*")).toContain("states:StopExecution");
    expect(actionsOn(statements, "<RunLog")).toEqual(["dynamodb:GetItem", "dynamodb:Query"]);
  });
});

describe("api", () => {
  it("opens the approval page and the way to sign in without, and nothing else", () => {
    const routes = ofType(plane, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => [
      Properties.RouteKey,
      Properties.AuthorizationType,
    ]);
    expect(routes.sort()).toEqual([
      ["GET /approvals/{link}", "NONE"],
      ["GET /inbox", "NONE"],
      ["GET /inbox/{workflow}/{approval}", "NONE"],
      ["GET /sign-in", "NONE"],
      ["GET /sign-in/callback", "NONE"],
      ["POST /approvals/{link}", "NONE"],
      ["POST /approver/approvals/{workflow}/{approval}", "AWS_IAM"],
      ["POST /inbox/{workflow}/{approval}", "NONE"],
      ["POST /sign-out", "NONE"],
    ]);
  });

  it("is throttled, and logs no path, which would hold a link", () => {
    const [stage] = ofType(plane, "AWS::ApiGatewayV2::Stage");
    expect(stage?.[1].Properties.DefaultRouteSettings).toMatchObject({
      ThrottlingBurstLimit: 40,
      ThrottlingRateLimit: 20,
    });
    const format = z.object({ AccessLogSettings: z.object({ Format: z.string() }) }).parse(stage?.[1].Properties)
      .AccessLogSettings.Format;
    expect(format).toContain("$context.routeKey");
    expect(format).not.toMatch(/\$context\.(path|resourcePath)\b/);
  });
});

describe("secrets", () => {
  it("are one each for all workflows, without a value", () => {
    expect(ofType(plane, "AWS::SecretsManager::Secret").map(([, { Properties }]) => Properties)).toEqual([
      { Name: "countersign/dev/bank-key", Description: expect.any(String) },
      { Name: "countersign/dev/carrier-key", Description: expect.any(String) },
    ]);
  });
});

describe("outputs", () => {
  it("are exported under fixed names", () => {
    expect(Object.keys(plane.Outputs)).toEqual(
      expect.arrayContaining(["RunLogTable", "ApiEndpoint", "AuditorRoleArn"]),
    );
    for (const [name, { Export }] of Object.entries(plane.Outputs))
      expect(Export).toEqual({ Name: `countersign-dev:${name}` });
  });
});
