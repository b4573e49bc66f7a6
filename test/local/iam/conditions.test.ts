import { describe, expect, it } from "vitest";
import type { AccessQuestion, PolicyStatement } from "../../../lib/local/types.js";
import { ACCOUNT, ALLOW_ALL, allows, policy, ROLE, TABLE } from "./fixtures.js";

type Block = NonNullable<PolicyStatement["Condition"]>;
type Context = NonNullable<AccessQuestion["context"]>;

/** What an Allow and a Deny statement with this condition do: a condition not understood allows nothing and denies. */
function outcome(Condition: Block, context: Context = {}): "matches" | "does not match" | "not understood" {
  const allowed = allows({ context, identity: [policy({ Effect: "Allow", Action: "*", Resource: "*", Condition })] });
  const denied = !allows({
    context,
    identity: [ALLOW_ALL, policy({ Effect: "Deny", Action: "*", Resource: "*", Condition })],
  });
  if (allowed && denied) return "matches";
  if (!allowed && !denied) return "does not match";
  if (!allowed && denied) return "not understood";
  throw new Error("an Allow matched that as a Deny does not");
}

const YES = "matches";
const NO = "does not match";
const UNKNOWN = "not understood";

describe("operators", () => {
  it.each<[string, Block, Context, string]>([
    ["StringEquals", { StringEquals: { "x:k": "a" } }, { "x:k": "a" }, YES],
    ["StringEquals is case-sensitive", { StringEquals: { "x:k": "A" } }, { "x:k": "a" }, NO],
    ["StringEquals has no wildcards", { StringEquals: { "x:k": "*" } }, { "x:k": "a" }, NO],
    ["StringEquals takes any of its values", { StringEquals: { "x:k": ["b", "a"] } }, { "x:k": "a" }, YES],
    ["StringNotEquals wants none of them", { StringNotEquals: { "x:k": ["b", "a"] } }, { "x:k": "a" }, NO],
    ["StringNotEquals", { StringNotEquals: { "x:k": ["b", "c"] } }, { "x:k": "a" }, YES],
    ["StringEqualsIgnoreCase", { StringEqualsIgnoreCase: { "x:k": "AB" } }, { "x:k": "aB" }, YES],
    ["StringNotEqualsIgnoreCase", { StringNotEqualsIgnoreCase: { "x:k": "AB" } }, { "x:k": "aB" }, NO],
    ["StringLike", { StringLike: { "x:k": "flow#*" } }, { "x:k": "flow#acme" }, YES],
    ["StringLike is anchored", { StringLike: { "x:k": "flow#*" } }, { "x:k": "my-flow#acme" }, NO],
    ["StringNotLike", { StringNotLike: { "x:k": "flow#*" } }, { "x:k": "flow#acme" }, NO],
    ["NumericEquals", { NumericEquals: { "x:k": "1.0" } }, { "x:k": 1 }, YES],
    ["NumericLessThan", { NumericLessThan: { "x:k": 10 } }, { "x:k": "9" }, YES],
    ["NumericLessThanEquals", { NumericLessThanEquals: { "x:k": "10" } }, { "x:k": 10 }, YES],
    ["NumericGreaterThan", { NumericGreaterThan: { "x:k": "10" } }, { "x:k": 10 }, NO],
    ["NumericGreaterThanEquals", { NumericGreaterThanEquals: { "x:k": "10" } }, { "x:k": 10 }, YES],
    ["NumericNotEquals", { NumericNotEquals: { "x:k": "10" } }, { "x:k": 10 }, NO],
    ["a number that is none", { NumericEquals: { "x:k": "ten" } }, { "x:k": 10 }, UNKNOWN],
    ["Bool", { Bool: { "x:k": "true" } }, { "x:k": true }, YES],
    ["Bool with a boolean", { Bool: { "x:k": false } }, { "x:k": true }, NO],
    ["Bool that is none", { Bool: { "x:k": "yes" } }, { "x:k": true }, UNKNOWN],
    ["DateLessThan", { DateLessThan: { "aws:CurrentTime": "2026-11-20T10:00:01Z" } }, {}, YES],
    ["DateGreaterThan with epoch seconds", { DateGreaterThan: { "aws:CurrentTime": "1" } }, {}, YES],
    ["DateEquals", { DateEquals: { "aws:CurrentTime": "2026-11-20T11:00:00+01:00" } }, {}, YES],
    ["a date without a zone", { DateLessThan: { "aws:CurrentTime": "2026-11-20T10:00:01" } }, {}, UNKNOWN],
    ["ArnLike by components", { ArnLike: { "x:k": "arn:aws:sns:*:*:x*" } }, { "x:k": "arn:aws:sns:eu:1:xy" }, YES],
    ["ArnEquals is ArnLike", { ArnEquals: { "x:k": "arn:aws:sns:*:*:x*" } }, { "x:k": "arn:aws:sns:eu:1:xy" }, YES],
    ["ArnLike not over colons", { ArnLike: { "x:k": "arn:aws:*:x" } }, { "x:k": "arn:aws:sns:eu:1:x" }, UNKNOWN],
    ["ArnNotLike", { ArnNotLike: { "x:k": "arn:aws:sns:*:*:x*" } }, { "x:k": "arn:aws:sns:eu:1:y" }, YES],
    ["Null for a key that is there", { Null: { "x:k": "false" } }, { "x:k": "a" }, YES],
    ["Null for a key that is absent", { Null: { "x:k": "true" } }, {}, YES],
    ["Null for nonsense", { Null: { "x:k": "maybe" } }, {}, UNKNOWN],
    ["key names in any case", { StringEquals: { "X:K": "a" } }, { "x:k": "a" }, YES],
    ["several keys are all wanted", { StringEquals: { "x:k": "a", "x:l": "b" } }, { "x:k": "a", "x:l": "c" }, NO],
    ["several operators are all wanted", { StringEquals: { "x:k": "a" }, Bool: { "x:l": "true" } }, { "x:k": "a" }, NO],
    ["no condition", {}, {}, YES],
  ])("%s", (_name, block, context, expected) => expect(outcome(block, context)).toBe(expected));

  it.each<[string, Block]>([
    ["an operator nobody knows", { StringResembles: { "x:k": "a" } }],
    ["IpAddress", { IpAddress: { "aws:SourceIp": "127.0.0.1/32" } }],
    ["a misspelt set operator", { "ForSomeValues:StringEquals": { "x:k": "a" } }],
    ["a name of Object.prototype", { constructor: { "x:k": "a" } }],
    ["NullIfExists", { NullIfExists: { "x:k": "true" } }],
    ["a value that is an object", { StringEquals: { "x:k": { a: 1 } } }],
    ["no values", { StringEquals: { "x:k": [] } }],
    ["a global key that is not modelled", { StringNotEquals: { "aws:SourceVpc": "vpc-1" } }],
    ["its absence", { Null: { "aws:MultiFactorAuthAge": "true" } }],
    ["its absence with IfExists", { StringEqualsIfExists: { "aws:PrincipalOrgID": "o-1" } }],
    ["its absence in a set", { "ForAllValues:StringEquals": { "aws:TagKeys": "a" } }],
  ])("does not understand %s", (_name, block) => expect(outcome(block, { "x:k": "a" })).toBe(UNKNOWN));
});

describe("absent keys", () => {
  it.each<[string, Block, string]>([
    ["do not equal", { StringEquals: { "x:k": "a" } }, NO],
    ["are unlike", { StringNotLike: { "x:k": "a" } }, YES],
    ["satisfy IfExists", { StringEqualsIfExists: { "x:k": "a" } }, YES],
    ["satisfy ForAllValues", { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "flow#*" } }, YES],
    ["fail ForAnyValue", { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": "flow#*" } }, NO],
    ["fail ForAnyValue negated", { "ForAnyValue:StringNotLike": { "dynamodb:LeadingKeys": "flow#*" } }, NO],
    ["are no number", { NumericLessThan: { "x:k": "10" } }, NO],
    ["aws:username: a role has none", { Null: { "aws:username": "true" } }, YES],
    ["aws:SourceArn: only services have one", { ArnNotLike: { "aws:SourceArn": "arn:aws:events:*:*:*" } }, YES],
  ])("%s", (_name, block, expected) => expect(outcome(block)).toBe(expected));
});

describe("sets", () => {
  const keys = (...values: string[]): Context => ({ "dynamodb:LeadingKeys": values });
  const all: Block = { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["flow#*", "other"] } };
  const any: Block = { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": "flow#*" } };
  it.each<[string, Block, Context, string]>([
    ["ForAllValues wants every value", all, keys("flow#1", "other"), YES],
    ["ForAllValues refuses one stranger", all, keys("flow#1", "foreign#1"), NO],
    ["ForAnyValue wants one", any, keys("foreign#1", "flow#1"), YES],
    ["ForAnyValue without one", any, keys("foreign#1"), NO],
    ["an empty set is absent", all, keys(), YES],
    ["one value needs no set operator", { StringEquals: { "dynamodb:LeadingKeys": "a" } }, keys("a"), YES],
    ["several do", { StringEquals: { "dynamodb:LeadingKeys": "a" } }, keys("a", "a"), UNKNOWN],
    ["ForAllValues negated", { "ForAllValues:StringNotEquals": { "x:k": "a" } }, { "x:k": ["b", "c"] }, YES],
    ["ForAnyValue negated", { "ForAnyValue:StringNotEquals": { "x:k": "a" } }, { "x:k": ["a", "a"] }, NO],
  ])("%s", (_name, block, context, expected) => expect(outcome(block, context)).toBe(expected));
});

describe("global keys", () => {
  it.each<[string, string]>([
    ["aws:PrincipalArn", ROLE],
    ["aws:PrincipalAccount", ACCOUNT],
    ["aws:PrincipalIsAWSService", "false"],
    ["aws:PrincipalType", "AssumedRole"],
    ["aws:RequestedRegion", "eu-west-1"],
    ["aws:ResourceAccount", ACCOUNT],
    ["aws:SecureTransport", "true"],
    ["aws:ViaAWSService", "false"],
    ["aws:CurrentTime", "2026-11-20T10:00:00.000Z"],
    ["aws:EpochTime", "1795168800"],
  ])("%s", (key, value) => {
    expect(outcome({ StringEquals: { [key]: value } })).toBe(YES);
    expect(outcome({ StringEquals: { [key]: `${value}x` } })).toBe(NO);
  });

  it("cannot be overridden by an engine", () => {
    expect(
      outcome({ StringEquals: { "aws:PrincipalArn": ROLE } }, { "aws:principalarn": "arn:aws:iam::1:role/x" }),
    ).toBe(YES);
  });
});

describe("variables", () => {
  const like = (value: string, context: Context = {}) =>
    outcome({ StringLike: { "x:k": value } }, { "x:k": `own/${ACCOUNT}`, ...context });
  it("are replaced in conditions", () => {
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: policy variables, not templates
    expect(like("own/${aws:PrincipalAccount}")).toBe(YES);
    expect(like("own/${AWS:principalaccount}")).toBe(YES);
    expect(like("own/${x:none, '111111111111'}")).toBe(YES);
    expect(like("own/${x:none}")).toBe(UNKNOWN);
    expect(like("own/${aws:PrincipalTag/team}")).toBe(UNKNOWN);
    expect(like("own/${aws:PrincipalTag/account}", { "aws:PrincipalTag/account": ACCOUNT })).toBe(YES);
    expect(like("own/${unclosed")).toBe(UNKNOWN);
    expect(like("own/${}")).toBe(UNKNOWN);
    expect(like("own/${x:many}", { "x:many": [ACCOUNT, "2"] })).toBe(UNKNOWN);
    expect(like("own/${x:wild}", { "x:wild": "*" })).toBe(UNKNOWN);
    expect(outcome({ StringLike: { "x:k": "${*}" } }, { "x:k": "a" })).toBe(NO);
    expect(outcome({ StringLike: { "x:k": "${*}" } }, { "x:k": "*" })).toBe(YES);
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: policy variables, not templates
  });

  it("are replaced in resources, from version 2012-10-17 on", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable, not a template
    const Resource = "arn:aws:dynamodb:${aws:RequestedRegion}:${aws:PrincipalAccount}:table/log";
    const statement: PolicyStatement = { Effect: "Allow", Action: "*", Resource };
    expect(allows({ resource: TABLE, identity: [policy(statement)] })).toBe(true);
    expect(allows({ resource: TABLE, identity: [{ Statement: [statement] }] })).toBe(false);
    expect(allows({ resource: TABLE, identity: [{ Version: "2031-01-01", Statement: [statement] }] })).toBe(false);
  });
});
