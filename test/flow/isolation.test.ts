/** Every grant of every role, and that nothing one step beside it is allowed. Generated, so a new grant is covered when it is made. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import * as z from "zod";
import { createIamCheck } from "../../lib/local/iam/index.js";
import type { Caller } from "../../lib/local/types.js";
import { Flow } from "../support/flow.js";
import { allActions, NOBODYS } from "../support/isolation-actions.js";
import {
  beside,
  type Call,
  type Grant,
  granted,
  grantsOf,
  sample,
  type Wider,
  widened,
  widerThan,
} from "../support/isolation-grants.js";

interface Role {
  readonly name: string;
  readonly caller: Caller;
  readonly grants: readonly Grant[];
}
let flow: Flow;
let roles: readonly Role[];
let everyGrant: readonly Grant[];
beforeAll(async () => {
  flow = await Flow.shared();
  const { cloud } = flow.session;
  roles = cloud.roles.list().map(({ arn, name, path }) => ({
    name: `${path}${name}`,
    caller: { principalArn: arn, sessionArn: arn, accountId: cloud.context.accountId },
    grants: grantsOf(cloud.roles.directory.policiesOf(arn) ?? []),
  }));
  everyGrant = roles.flatMap(({ grants }) => grants);
});

const allowed = (role: Role, call: Call): boolean =>
  flow.session.cloud.context.iam.evaluate({ caller: role.caller, ...call }).allowed;
const say = ({ action, resource, context }: Call): string => `${action} ${resource} ${JSON.stringify(context)}`;
const wider = (role: Role, grant: Grant): Wider[] => widerThan(grant, role.grants, everyGrant);
const eachGrant = (): { role: Role; grant: Grant }[] =>
  roles.flatMap((role) => role.grants.map((grant) => ({ role, grant })));

describe("for every grant of every role", () => {
  test("there are roles for every zone, and each holds something", () => {
    const zones = new Set(roles.map(({ name }) => name.split("/")[3]));
    expect([...zones].sort()).toEqual([
      "approval-clock",
      "approval-desk",
      "approval-request",
      "approval-sender",
      "approval-slack",
      "log-writer",
      "machine",
      "notary",
      "people",
      "preview",
      "propose",
      "tool",
    ]);
    expect(roles.filter(({ grants }) => grants.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test("the granted call is allowed", () => {
    const refused = eachGrant().flatMap(({ role, grant }) =>
      granted(grant)
        .filter((call) => !allowed(role, call))
        .map((call) => `${role.name} ${grant.sid}: ${say(call)}`),
    );
    expect(refused).toEqual([]);
  });

  test("the next wider call is refused, in every direction", () => {
    let tried = 0;
    const escapes = eachGrant().flatMap(({ role, grant }) => {
      const calls = wider(role, grant);
      tried += calls.length;
      return calls
        .filter(({ call }) => allowed(role, call))
        .map(({ kind, call }) => `${role.name} ${grant.sid} (${kind}): ${say(call)}`);
    });
    expect(escapes).toEqual([]);
    expect(tried).toBeGreaterThan(5000);
  });

  test("every direction is tried, and each refusal has that one reason: a policy wider by this step would allow it", () => {
    const { accountId, region } = flow.session.cloud.context;
    for (const { role, grant } of eachGrant()) {
      const calls = wider(role, grant);
      const where = `${role.name} ${grant.sid} ${grant.action}`;
      expect(
        calls.some(({ kind }) => kind === "action"),
        where,
      ).toBe(true);
      expect(
        calls.some(({ kind }) => kind === "resource"),
        where,
      ).toBe(grant.resource !== "*");
      for (const { key } of grant.conditions)
        expect(
          calls.some((one) => one.key === key),
          `${where} ${key}`,
        ).toBe(true);
      const blind = calls.filter((one) => {
        const check = createIamCheck({ policiesOf: () => [widened(grant, one)] }, { accountId, region, now: () => 0 });
        return !check.evaluate({ caller: role.caller, ...one.call }).allowed;
      });
      expect(
        blind.map(({ kind, call }) => `${kind} ${say(call)}`),
        where,
      ).toEqual([]);
    }
  });

  test("another account's resource of the same name is refused", () => {
    const owned = eachGrant().flatMap(({ role, grant }) =>
      granted(grant)
        .filter(({ resource }) => resource.includes(role.caller.accountId))
        .map((call) => ({ role, call })),
    );
    expect(owned.length).toBeGreaterThan(50);
    for (const { role, call } of owned)
      expect(
        allowed(role, { ...call, resource: call.resource.replace(role.caller.accountId, "999999999999") }),
        say(call),
      ).toBe(false);
  });
});

test("no role can take another role, pass one on, or use a service that nothing here uses", () => {
  const targets = [
    "*",
    ...roles.map(({ caller }) => caller.principalArn),
    ...new Set(everyGrant.map(({ resource }) => sample(resource))),
  ];
  const known = new Set(everyGrant.map(({ action }) => action));
  expect(NOBODYS.filter((action) => known.has(action))).toEqual([]);
  const found = roles.flatMap((role) =>
    NOBODYS.flatMap((action) =>
      targets
        .filter((resource) => allowed(role, { action, resource }))
        .map((resource) => `${role.name} ${action} ${resource}`),
    ),
  );
  expect(found).toEqual([]);
});

test("no role may use any action on everything", () => {
  const found = roles.flatMap((role) =>
    allActions()
      .filter((action) => allowed(role, { action, resource: "*" }))
      .map((action) => `${role.name.split("/")[3]} ${action}`),
  );
  expect(found.sort()).toEqual([
    "approval-sender dynamodb:ListStreams",
    "approval-sender states:SendTaskSuccess",
    "notary dynamodb:ListStreams",
  ]);
});

describe("beside what roles hold themselves", () => {
  const statement = z.object({ Effect: z.string(), Principal: z.unknown().optional(), Sid: z.string().optional() });
  const policy = z.object({ Statement: z.union([statement, z.array(statement)]).transform((value) => [value].flat()) });
  const template = z.object({
    Resources: z.record(
      z.string(),
      z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).optional() }),
    ),
  });
  const resources = () =>
    readdirSync(inject("assembly"))
      .filter((file) => file.endsWith(".template.json"))
      .flatMap((file) =>
        Object.values(template.parse(JSON.parse(readFileSync(join(inject("assembly"), file), "utf8"))).Resources),
      );
  /** the account itself, which hands the decision to the roles' own policies */
  const ROOT = /"Fn::Join":\["",\["arn:",\{"Ref":"AWS::Partition"\},":iam::",\{"Ref":"AWS::AccountId"\},":root"\]\]/;

  test("resources allow services and hand over to IAM, but name no role", () => {
    const statements = resources().flatMap(({ Type, Properties = {} }) =>
      Type.startsWith("AWS::IAM::")
        ? []
        : policiesIn(Properties).flatMap((found) => policy.parse(found).Statement.map((one) => ({ Type, ...one }))),
    );
    expect(new Set(statements.map(({ Type }) => Type)).size).toBeGreaterThanOrEqual(3);
    const named = statements.filter(
      ({ Effect, Principal }) => Effect === "Allow" && !isService(Principal) && !ROOT.test(JSON.stringify(Principal)),
    );
    expect(named).toEqual([]);
    const invokers = resources()
      .filter(({ Type }) => Type === "AWS::Lambda::Permission")
      .map(({ Properties = {} }) => Properties.Principal);
    expect(invokers.length).toBeGreaterThan(0);
    expect(invokers.filter((who) => typeof who !== "string" || !who.endsWith(".amazonaws.com"))).toEqual([]);
  });

  const isService = (principal: unknown) =>
    z.strictObject({ Service: z.json() }).safeParse(principal).success &&
    JSON.stringify(principal).includes('.amazonaws.com"');
  function policiesIn(value: unknown): unknown[] {
    if (typeof value !== "object" || value === null) return [];
    // A Cedar policy has a Statement too; that one is text.
    const isPolicy = "Statement" in value && typeof value.Statement === "object";
    return isPolicy ? [value] : Object.values(value).flatMap(policiesIn);
  }
});

test("the generator's own texts: just outside their pattern, and refused where it does not know", () => {
  expect(beside("brake#a")).toEqual(["brake#a2", "brake#a/x1", "brake#", "~rake#a", "brake#~"]);
  expect(beside("a#*")).toEqual(["~#x1", "a~x1"]);
  const document = (over: object) => [
    {
      Statement: { Sid: "S", Effect: "Allow" as const, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*", ...over },
    },
  ];
  expect(grantsOf(document({}))).toHaveLength(1);
  for (const over of [
    { Action: "s3:Brew" },
    { Action: "s3:*" },
    { Resource: "*" },
    { NotAction: "s3:GetObject" },
    { Condition: { Bool: { "aws:SecureTransport": "true" } } },
    { Condition: { Null: { "s3:prefix": "true" } } },
  ])
    expect(() => grantsOf(document(over)), JSON.stringify(over)).toThrow();
});
