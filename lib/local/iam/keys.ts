import type { AccessQuestion } from "../types.js";
import { splitArn } from "./pattern.js";

/** Where and when the check happens. */
export interface IamEnvironment {
  readonly accountId: string;
  readonly region: string;
  /** epoch milliseconds */
  now(): number;
}

/**
 * A condition key in this request. `absent`: AWS would not send it either. `unmodelled`: AWS might, the local cloud cannot say.
 */
export type KeyValue =
  | { readonly kind: "value"; readonly values: readonly string[]; readonly multivalued: boolean }
  | { readonly kind: "absent" }
  | { readonly kind: "unmodelled" };

export interface RequestKeys {
  /** names are case-insensitive, as on AWS */
  read(name: string): KeyValue;
}

const ABSENT: KeyValue = { kind: "absent" };
const UNMODELLED: KeyValue = { kind: "unmodelled" };

/** Global keys that the check sets for some callers only: for the others they are truly absent. */
const SOMETIMES = [
  "aws:principalarn",
  "aws:principalaccount",
  "aws:principaltype",
  "aws:sourcearn",
  "aws:sourceaccount",
];
/** Global keys that no caller of the embedded cloud ever has: roles have no user name, services say who they are by `Service`. */
const NEVER = ["aws:username", "aws:principalservicename"];
/** The other global keys of AWS. They are right in a policy, but the local cloud cannot say what they would be: `unmodelled`. */
const GLOBAL = new Set(
  [
    "CalledVia CalledViaFirst CalledViaLast CurrentTime EpochTime FederatedProvider MultiFactorAuthAge",
    "MultiFactorAuthPresent PrincipalIsAWSService PrincipalOrgID PrincipalOrgPaths PrincipalServiceNamesList",
    "RequestedRegion ResourceAccount ResourceOrgID ResourceOrgPaths SecureTransport SourceIdentity SourceIp SourceOrgID",
    "SourceOrgPaths SourceVpc SourceVpce TagKeys TokenIssueTime UserAgent UserId ViaAWSService VpcSourceIp Referer",
    "Ec2InstanceSourceVpc Ec2InstanceSourcePrivateIPv4 AssumedRoot",
  ]
    .join(" ")
    .split(" ")
    .map((name) => `aws:${name.toLowerCase()}`),
);
const GLOBAL_TAG = /^aws:(?:principal|request|resource)tag\/./;
const KNOWN_ABSENT = new Set([...SOMETIMES, ...NEVER]);

/** Whether AWS has such a key. Keys of a service are the engines' business. */
export function isKey(name: string): boolean {
  const lower = name.toLowerCase();
  return !lower.startsWith("aws:") || KNOWN_ABSENT.has(lower) || GLOBAL.has(lower) || GLOBAL_TAG.test(lower);
}

/** The keys of a request: the engine's own plus the global ones. The engine's word does not override a global key. */
export function requestKeys(question: AccessQuestion, env: IamEnvironment): RequestKeys {
  const present = new Map<string, KeyValue>();
  for (const [name, value] of Object.entries(question.context ?? {})) present.set(name.toLowerCase(), keyValue(value));
  for (const [name, value] of Object.entries(globalKeys(question, env)))
    present.set(name.toLowerCase(), keyValue(value));
  return {
    read(name) {
      const lower = name.toLowerCase();
      const value = present.get(lower);
      if (value !== undefined) return value;
      // A service's own keys are the engine's business: what it did not send is not in the request.
      return lower.startsWith("aws:") && !KNOWN_ABSENT.has(lower) ? UNMODELLED : ABSENT;
    },
  };
}

function globalKeys(question: AccessQuestion, env: IamEnvironment): Record<string, string> {
  const nowMs = env.now();
  const common = {
    "aws:CurrentTime": new Date(nowMs).toISOString(),
    "aws:EpochTime": String(Math.floor(nowMs / 1000)),
    "aws:RequestedRegion": env.region,
    "aws:ResourceAccount": resourceAccount(question, env),
    // Loopback never leaves the machine: it counts as what TLS is for.
    "aws:SecureTransport": "true",
    "aws:ViaAWSService": "false",
  };
  const { caller } = question;
  if (caller.service === undefined) {
    return {
      ...common,
      "aws:PrincipalArn": caller.principalArn,
      "aws:PrincipalAccount": caller.accountId,
      "aws:PrincipalType": "AssumedRole",
      "aws:PrincipalIsAWSService": "false",
    };
  }
  return {
    ...common,
    "aws:PrincipalIsAWSService": "true",
    "aws:PrincipalServiceName": caller.service,
    ...(caller.sourceArn === undefined
      ? {}
      : { "aws:SourceArn": caller.sourceArn, "aws:SourceAccount": accountOf(caller.sourceArn) ?? env.accountId }),
  };
}

/** The account that owns the resource. ARNs without an account (S3) and `*` belong to the embedded cloud's own. */
export function resourceAccount(question: AccessQuestion, env: IamEnvironment): string {
  return accountOf(question.resource) ?? env.accountId;
}

function accountOf(arn: string): string | undefined {
  const account = splitArn(arn)?.[4];
  return account === "" ? undefined : account;
}

function keyValue(value: string | number | boolean | readonly string[]): KeyValue {
  if (typeof value === "object") {
    return value.length === 0 ? ABSENT : { kind: "value", values: value, multivalued: true };
  }
  return { kind: "value", values: [String(value)], multivalued: false };
}
