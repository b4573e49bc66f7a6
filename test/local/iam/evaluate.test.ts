import { describe, expect, it } from "vitest";
import { createIamCheck } from "../../../lib/local/iam/index.js";
import { AwsFault, type PolicyDocument, type PolicyStatement } from "../../../lib/local/types.js";
import { ACCOUNT, ALLOW_ALL, allows, ask, env, events, gate, policy, ROLE, ROOT, SESSION, TABLE } from "./fixtures.js";

const read: PolicyStatement = { Effect: "Allow", Action: "dynamodb:GetItem", Resource: TABLE };
const onTable = (statement: Omit<PolicyStatement, "Effect">, Effect: "Allow" | "Deny" = "Allow"): PolicyDocument =>
  policy({ Effect, Action: "dynamodb:*", Resource: "*", ...statement });

describe("identity policies", () => {
  it("denies what nothing allows, in AWS's words", () => {
    expect(ask({})).toEqual({
      allowed: false,
      message: `User: ${SESSION} is not authorized to perform: dynamodb:GetItem on resource: ${TABLE} because no identity-based policy allows the dynamodb:GetItem action`,
    });
  });

  it("throws the same as a fault", () => {
    const check = createIamCheck({ policiesOf: () => [] }, env);
    const question = { caller: gate, action: "dynamodb:GetItem", resource: TABLE };
    expect(() => check.authorize(question)).toThrowError(AwsFault);
    expect(() => check.authorize(question)).toThrowError(/^User: .* is not authorized to perform: dynamodb:GetItem/);
    expect(() => createIamCheck({ policiesOf: () => [ALLOW_ALL] }, env).authorize(question)).not.toThrow();
  });

  it.each<[string, string | string[], boolean]>([
    ["the same action", "dynamodb:GetItem", true],
    ["another case", "DYNAMODB:getitem", true],
    ["a run wildcard", "dynamodb:Get*", true],
    ["a single wildcard", "dynamodb:GetIte?", true],
    ["everything", "*", true],
    ["one of several", ["s3:GetObject", "dynamodb:GetItem"], true],
    ["a prefix only", "dynamodb:Get", false],
    ["another service", "s3:GetItem", false],
    ["nothing at all", [], false],
  ])("matches Action with %s", (_name, Action, expected) => {
    expect(allows({ identity: [policy({ ...read, Action })] })).toBe(expected);
  });

  it.each<[string, string | string[], boolean]>([
    ["the same ARN", TABLE, true],
    ["everything", "*", true],
    ["a wildcard in the last component", `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/*`, true],
    ["wildcards in components", "arn:aws:dynamodb:*:*:table/l?g", true],
    ["another case", TABLE.toUpperCase(), false],
    ["the index only", `${TABLE}/index/*`, false],
    ["a wildcard over components", `arn:aws:dynamodb:*/log`, false],
  ])("matches Resource with %s", (_name, Resource, expected) => {
    expect(allows({ identity: [policy({ ...read, Resource })] })).toBe(expected);
  });

  it("matches an action without resource-level permissions only with *", () => {
    const list = (Resource: string) =>
      allows({
        action: "dynamodb:ListTables",
        resource: "*",
        identity: [policy({ Effect: "Allow", Action: "*", Resource })],
      });
    expect(list("*")).toBe(true);
    expect(list(TABLE)).toBe(false);
    expect(list("arn:aws:dynamodb:*:*:table/*")).toBe(false);
  });

  it("reads NotAction and NotResource", () => {
    const without = (statement: Partial<PolicyStatement>) =>
      allows({ identity: [policy({ Effect: "Allow", ...statement })] });
    expect(without({ NotAction: "s3:*", Resource: "*" })).toBe(true);
    expect(without({ NotAction: "dynamodb:*", Resource: "*" })).toBe(false);
    expect(without({ Action: "*", NotResource: `${TABLE}/index/*` })).toBe(true);
    expect(without({ Action: "*", NotResource: TABLE })).toBe(false);
  });

  it("lets an explicit deny win, wherever it stands", () => {
    const deny = policy({ Effect: "Deny", Action: "dynamodb:Get*", Resource: "*" });
    expect(ask({ identity: [ALLOW_ALL, deny] }).message).toMatch(/with an explicit deny in an identity-based policy$/);
    expect(allows({ identity: [deny, ALLOW_ALL] })).toBe(false);
    expect(allows({ identity: [deny], resourcePolicy: onTable({ Principal: { AWS: ROLE } }) })).toBe(false);
  });

  it("knows no role that no template made, whatever a resource policy says", () => {
    const stranger = { ...gate, principalArn: `arn:aws:iam::${ACCOUNT}:role/stranger` };
    const answer = ask({ caller: stranger, resourcePolicy: onTable({ Principal: "*" }) });
    expect(answer.allowed).toBe(false);
    expect(answer.message).toContain("no role");
  });
});

describe("resource policies in the same account", () => {
  it.each<[string, unknown, boolean]>([
    ["everyone", "*", true],
    ["every AWS principal", { AWS: "*" }, true],
    ["the role", { AWS: ROLE }, true],
    ["the session", { AWS: SESSION }, true],
    ["one of several", { AWS: ["arn:aws:iam::222222222222:root", ROLE] }, true],
    ["the account, which leaves it to identity policies", { AWS: ROOT }, false],
    ["the account's id", { AWS: ACCOUNT }, false],
    ["another role", { AWS: `${ROLE}2` }, false],
    ["a pattern of roles, which AWS refuses", { AWS: "arn:aws:iam::*:role/*" }, false],
    ["a service", { Service: "events.amazonaws.com" }, false],
    ["something that is no principal", { Martian: "*" }, false],
    ["nobody", {}, false],
    ["a list", ["*"], false],
  ])("allow without an identity policy: %s", (_name, Principal, expected) => {
    expect(allows({ resourcePolicy: onTable({ Principal }) })).toBe(expected);
  });

  it.each<[string, unknown, boolean]>([
    ["everyone", "*", true],
    ["the role", { AWS: ROLE }, true],
    ["the account", { AWS: ROOT }, true],
    ["another account", { AWS: "222222222222" }, false],
    ["another role", { AWS: `${ROLE}2` }, false],
    ["something that is not understood", { Martian: "*" }, true],
  ])("deny: %s", (_name, Principal, expected) => {
    const answer = ask({ identity: [ALLOW_ALL], resourcePolicy: onTable({ Principal }, "Deny") });
    expect(answer.allowed).toBe(!expected);
    if (expected) expect(answer.message).toMatch(/with an explicit deny in a resource-based policy$/);
  });

  it("denies everyone but a path of roles, as the run log does", () => {
    const deny = onTable(
      {
        Principal: { AWS: "*" },
        Action: "dynamodb:PartiQLInsert",
        Condition: { ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/countersign/dev/log-writer/*" } },
      },
      "Deny",
    );
    const insert = { action: "dynamodb:PartiQLInsert", resourcePolicy: deny, identity: [ALLOW_ALL] };
    expect(allows(insert)).toBe(true);
    const tool = { ...gate, principalArn: `arn:aws:iam::${ACCOUNT}:role/countersign/dev/tool` };
    const check = createIamCheck({ policiesOf: () => [ALLOW_ALL] }, env);
    expect(check.evaluate({ caller: tool, resource: TABLE, ...insert }).allowed).toBe(false);
    expect(check.evaluate({ caller: events, resource: TABLE, ...insert }).allowed).toBe(false);
  });

  it("excepts from a Deny with NotPrincipal only who is named as session, role and account", () => {
    const deny = (...AWS: string[]) =>
      allows({ identity: [ALLOW_ALL], resourcePolicy: onTable({ NotPrincipal: { AWS } }, "Deny") });
    expect(deny(SESSION, ROLE, ROOT)).toBe(true);
    expect(deny(ROLE, ROOT)).toBe(false);
    expect(deny(SESSION, ROOT)).toBe(false);
    expect(deny(SESSION, ROLE)).toBe(false);
  });

  it("allows with NotPrincipal whom it does not name", () => {
    const allow = (AWS: string) => allows({ resourcePolicy: onTable({ NotPrincipal: { AWS } }) });
    expect(allow(`${ROLE}2`)).toBe(true);
    expect(allow(ROLE)).toBe(false);
    expect(allow(ROOT)).toBe(false);
  });
});

describe("keys: the key policy must allow", () => {
  const key = (identity: PolicyDocument[], Principal: unknown) =>
    ask({
      identity,
      requireResourceAllow: true,
      action: "kms:Sign",
      resourcePolicy: policy({ Effect: "Allow", Principal, Action: "kms:*", Resource: "*" }),
    });

  it("directly, or by the account with the identity policy", () => {
    expect(key([], { AWS: ROLE }).allowed).toBe(true);
    expect(key([ALLOW_ALL], { AWS: ROOT }).allowed).toBe(true);
    expect(key([], { AWS: ROOT }).message).toMatch(/no identity-based policy allows the kms:Sign action$/);
    expect(key([ALLOW_ALL], { AWS: `${ROLE}2` }).message).toMatch(
      /no resource-based policy allows the kms:Sign action$/,
    );
    expect(allows({ identity: [ALLOW_ALL], requireResourceAllow: true })).toBe(false);
  });
});

describe("services", () => {
  const invoke = {
    caller: events,
    action: "lambda:InvokeFunction",
    resource: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:close`,
  };
  const permission = (Condition: NonNullable<PolicyStatement["Condition"]>, Service = "events.amazonaws.com") =>
    allows({
      ...invoke,
      resourcePolicy: policy({
        Effect: "Allow",
        Principal: { Service },
        Action: "lambda:InvokeFunction",
        Resource: invoke.resource,
        Condition,
      }),
    });

  it("need a resource policy that names them", () => {
    expect(ask(invoke).message).toMatch(/^User: events.amazonaws.com .* no resource-based policy allows/);
    expect(permission({})).toBe(true);
    expect(permission({}, "scheduler.amazonaws.com")).toBe(false);
    expect(permission({}, "events.eu-west-1.amazonaws.com")).toBe(false);
  });

  it("carry their source", () => {
    expect(permission({ ArnLike: { "aws:SourceArn": `arn:aws:events:*:${ACCOUNT}:rule/*` } })).toBe(true);
    expect(permission({ ArnLike: { "aws:SourceArn": `arn:aws:events:*:${ACCOUNT}:rule/other` } })).toBe(false);
    expect(permission({ StringEquals: { "aws:SourceAccount": ACCOUNT } })).toBe(true);
    expect(permission({ Bool: { "aws:PrincipalIsAWSService": "true" } })).toBe(true);
    expect(permission({ Null: { "aws:PrincipalArn": "true" } })).toBe(true);
  });

  it("have no identity policies and are not the account", () => {
    expect(allows({ ...invoke, caller: { ...events, principalArn: ROLE }, identity: [ALLOW_ALL] })).toBe(false);
    const toAccount = policy({ Effect: "Allow", Principal: { AWS: ROOT }, Action: "*", Resource: "*" });
    expect(allows({ ...invoke, resourcePolicy: toAccount })).toBe(false);
  });
});

describe("another account", () => {
  const bucket = "arn:aws:s3:::archive/x";
  const foreign = `arn:aws:kms:eu-west-1:222222222222:key/1`;
  const both = (identity: PolicyDocument[], Principal: unknown) =>
    allows({
      identity,
      resource: foreign,
      action: "kms:Sign",
      resourcePolicy: policy({ Effect: "Allow", Principal, Action: "*", Resource: "*" }),
    });

  it("needs both policies", () => {
    expect(both([ALLOW_ALL], { AWS: ROLE })).toBe(true);
    expect(both([ALLOW_ALL], { AWS: ROOT })).toBe(true);
    expect(both([], { AWS: ROLE })).toBe(false);
    expect(allows({ identity: [ALLOW_ALL], resource: foreign, action: "kms:Sign" })).toBe(false);
  });

  it("is not what an ARN without an account means", () => {
    expect(allows({ identity: [ALLOW_ALL], resource: bucket, action: "s3:GetObject" })).toBe(true);
  });
});
