import { describe, expect, it } from "vitest";
import { CountersignError } from "../../../lib/errors.js";
import { createIamCheck, createIamRoles, type IamRoles } from "../../../lib/local/iam/index.js";
import type { CreatedResource, PolicyDocument } from "../../../lib/local/types.js";
import { ACCOUNT, ALLOW_ALL, env, policy, ROOT } from "./fixtures.js";

const trust = (Principal: unknown, Condition = {}): PolicyDocument =>
  policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal, Condition });
const lambdaTrust = trust({ Service: "lambda.amazonaws.com" });

async function make(
  roles: IamRoles,
  type: string,
  logicalId: string,
  properties: Record<string, unknown>,
): Promise<CreatedResource> {
  const factory = roles.resources[type];
  if (factory === undefined) throw new Error(`no factory for ${type}`);
  return factory({ type, logicalId, stackName: "s", defaultName: `s-${logicalId}`, properties, metadata: {} });
}
async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof CountersignError)) throw new Error(`expected a coded error, got ${String(error)}`);
  return `${error.code} ${error.message}`;
}

describe("AWS::IAM::Role", () => {
  it("has an ARN with its path, an id, and its inline policies", async () => {
    const roles = createIamRoles(env);
    const created = await make(roles, "AWS::IAM::Role", "Gate", {
      RoleName: "gate",
      Path: "/countersign/dev/",
      AssumeRolePolicyDocument: lambdaTrust,
      Policies: [{ PolicyName: "p", PolicyDocument: ALLOW_ALL }],
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
      Tags: [{ Key: "zone", Value: "gate" }],
    });
    const arn = `arn:aws:iam::${ACCOUNT}:role/countersign/dev/gate`;
    expect(created).toEqual({
      ref: "gate",
      attributes: { Arn: arn, RoleId: expect.stringMatching(/^AROA[A-Z0-9]{17}$/) },
    });
    expect(roles.directory.policiesOf(arn)).toHaveLength(2);
    expect(roles.directory.policiesOf(`${arn}2`)).toBeUndefined();
    expect(roles.role(arn)).toMatchObject({
      name: "gate",
      path: "/countersign/dev/",
      maxSessionSec: 3600,
      tags: { zone: "gate" },
    });
    const check = createIamCheck(roles.directory, env);
    const caller = { principalArn: arn, sessionArn: arn, accountId: ACCOUNT };
    expect(check.evaluate({ caller, action: "s3:GetObject", resource: "arn:aws:s3:::b/k" }).allowed).toBe(true);
  });

  it("refuses what it does not model", async () => {
    const role = (more: Record<string, unknown>) =>
      codeOf(make(createIamRoles(env), "AWS::IAM::Role", "Gate", { AssumeRolePolicyDocument: lambdaTrust, ...more }));
    expect(await role({ PermissionsBoundary: "arn:aws:iam::aws:policy/x" })).toMatch(
      /^CS-4030 .*Gate.*PermissionsBoundary/,
    );
    expect(await role({ ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] })).toMatch(
      /^CS-4020 .*Gate.*AdministratorAccess/,
    );
    expect(await role({ Path: "no/slashes" })).toMatch(/^CS-4030 .*Path/);
    expect(
      await role({
        Policies: [{ PolicyName: "p", PolicyDocument: { Statement: [{ Effect: "Allow", Actions: "*" }] } }],
      }),
    ).toMatch(/^CS-4030 .*Actions/);
  });

  it("refuses a name twice, whatever the path", async () => {
    const roles = createIamRoles(env);
    await make(roles, "AWS::IAM::Role", "A", { RoleName: "x", AssumeRolePolicyDocument: lambdaTrust });
    const second = make(roles, "AWS::IAM::Role", "B", {
      RoleName: "x",
      Path: "/p/",
      AssumeRolePolicyDocument: lambdaTrust,
    });
    expect(await codeOf(second)).toMatch(/^CS-4021 .*B.*role name x/);
  });
});

describe("policies attached to roles", () => {
  it("reach the role, inline and managed", async () => {
    const roles = createIamRoles(env);
    const managed = await make(roles, "AWS::IAM::ManagedPolicy", "M", {
      ManagedPolicyName: "m",
      PolicyDocument: ALLOW_ALL,
    });
    expect(managed.ref).toBe(`arn:aws:iam::${ACCOUNT}:policy/m`);
    await make(roles, "AWS::IAM::Role", "A", {
      RoleName: "a",
      AssumeRolePolicyDocument: lambdaTrust,
      ManagedPolicyArns: [managed.ref],
    });
    await make(roles, "AWS::IAM::Policy", "P", { PolicyName: "p", PolicyDocument: ALLOW_ALL, Roles: ["a"] });
    await make(roles, "AWS::IAM::ManagedPolicy", "M2", { PolicyDocument: ALLOW_ALL, Roles: ["a"] });
    expect(roles.directory.policiesOf(`arn:aws:iam::${ACCOUNT}:role/a`)).toHaveLength(3);
  });

  it("need a role that exists, and are for roles only", async () => {
    const roles = createIamRoles(env);
    const attach = (more: Record<string, unknown>) =>
      codeOf(
        make(roles, "AWS::IAM::Policy", "P", { PolicyName: "p", PolicyDocument: ALLOW_ALL, Roles: ["ghost"], ...more }),
      );
    expect(await attach({})).toMatch(/^CS-4022 .*P.*ghost/);
    expect(await attach({ Users: ["me"] })).toMatch(/^CS-4030 .*Users/);
    expect(await attach({ Roles: [] })).toMatch(/^CS-4030 .*Roles/);
  });
});

describe("mayAssume", () => {
  const arn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
  async function withTrust(document: PolicyDocument): Promise<IamRoles> {
    const roles = createIamRoles(env);
    await make(roles, "AWS::IAM::Role", "T", { RoleName: "t", AssumeRolePolicyDocument: document });
    await make(roles, "AWS::IAM::Role", "Plain", { RoleName: "plain", AssumeRolePolicyDocument: lambdaTrust });
    const Policies = [
      { PolicyName: "p", PolicyDocument: policy({ Effect: "Allow", Action: "sts:AssumeRole", Resource: arn("t") }) },
    ];
    await make(roles, "AWS::IAM::Role", "Granted", {
      RoleName: "granted",
      AssumeRolePolicyDocument: lambdaTrust,
      Policies,
    });
    return roles;
  }

  it("asks the trust policy for services", async () => {
    const roles = await withTrust(lambdaTrust);
    expect(roles.mayAssume(arn("t"), "lambda.amazonaws.com")).toBe(true);
    expect(roles.mayAssume(arn("t"), "states.amazonaws.com")).toBe(false);
    expect(roles.mayAssume(arn("ghost"), "lambda.amazonaws.com")).toBe(false);
    expect(roles.mayAssume(arn("t"), arn("granted"))).toBe(false);
  });

  it("checks the source of a service's request", async () => {
    const machine = `arn:aws:states:eu-west-1:${ACCOUNT}:stateMachine:x`;
    const roles = await withTrust(
      trust({ Service: "states.amazonaws.com" }, { ArnLike: { "aws:SourceArn": machine } }),
    );
    expect(roles.mayAssume(arn("t"), "states.amazonaws.com", machine)).toBe(true);
    expect(roles.mayAssume(arn("t"), "states.amazonaws.com", `${machine}y`)).toBe(false);
    expect(roles.mayAssume(arn("t"), "states.amazonaws.com")).toBe(false);
  });

  it("takes a role that is named, and one of the account only with its own grant", async () => {
    const named = await withTrust(trust({ AWS: arn("plain") }));
    expect(named.mayAssume(arn("t"), arn("plain"))).toBe(true);
    expect(named.mayAssume(arn("t"), arn("granted"))).toBe(false);
    const account = await withTrust(trust({ AWS: ROOT }));
    expect(account.mayAssume(arn("t"), arn("plain"))).toBe(false);
    expect(account.mayAssume(arn("t"), arn("granted"))).toBe(true);
    expect(account.mayAssume(arn("t"), ROOT)).toBe(false);
  });
});
