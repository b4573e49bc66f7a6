import { CountersignError } from "../../errors.js";
import { stableToken } from "../services/support/ids.js";
import { parseProperties, tagsOf, where } from "../services/support/properties.js";
import type {
  Caller,
  CreatedResource,
  IamDirectory,
  PolicyDocument,
  ResourceFactory,
  ResourceRequest,
} from "../types.js";
import { evaluateAccess } from "./evaluate.js";
import type { IamEnvironment } from "./keys.js";
import { AWS_MANAGED_POLICIES } from "./managed.js";
import { managedPolicyProperties, policyProperties, roleProperties } from "./properties.js";

/** A role as the template made it. */
export interface IamRole {
  /** with its path, e.g. `arn:aws:iam::111111111111:role/countersign/dev/x` */
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly description: string;
  readonly maxSessionSec: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly trust: PolicyDocument;
}

/** The roles and policies of the deployed templates. */
export interface IamRoles {
  readonly directory: IamDirectory;
  /** factories for `AWS::IAM::Role`, `AWS::IAM::Policy` and `AWS::IAM::ManagedPolicy` */
  readonly resources: Readonly<Record<string, ResourceFactory>>;
  role(arn: string): IamRole | undefined;
  list(): readonly IamRole[];
  /**
   * Whether the role's trust policy lets `by` assume it.
   * @param by a service principal (`lambda.amazonaws.com`) or a role's ARN
   * @param sourceArn the resource on whose behalf a service asks
   */
  mayAssume(roleArn: string, by: string, sourceArn?: string): boolean;
}

interface Entry {
  readonly role: IamRole;
  readonly policies: PolicyDocument[];
  /** of the role's own policies, as IAM counts them */
  inlineSize: number;
}

/** IAM's quotas in characters; white space does not count. */
const MAX_INLINE_SIZE = 10_240;
const MAX_MANAGED_SIZE = 6_144;
const MAX_TRUST_SIZE = 2_048;
const sizeOf = (document: PolicyDocument): number => JSON.stringify(document).replace(/\s/g, "").length;

function withinQuota(request: ResourceRequest, what: string, size: number, allowed: number): number {
  if (size <= allowed) return size;
  throw new CountersignError(
    "CS-1213",
    `${where(request)}: ${what} have ${size} characters; IAM allows ${allowed}: grant less, or split into managed policies`,
    { logicalId: request.logicalId, size, allowed },
  );
}

export function createIamRoles(env: IamEnvironment): IamRoles {
  const entries = new Map<string, Entry>();
  const managed = new Map<string, PolicyDocument>(Object.entries(AWS_MANAGED_POLICIES));
  const policiesOf = (principalArn: string) => entries.get(principalArn)?.policies;

  function createRole(request: ResourceRequest): CreatedResource {
    const properties = parseProperties(request, roleProperties);
    const name = properties.RoleName ?? request.defaultName;
    const path = properties.Path ?? "/";
    const arn = `arn:aws:iam::${env.accountId}:role${path}${name}`;
    // Role names are unique in an account whatever their path.
    if (byName(name) !== undefined) throw taken(request, `role name ${name}`);
    withinQuota(
      request,
      "the statements of the trust policy",
      sizeOf(properties.AssumeRolePolicyDocument),
      MAX_TRUST_SIZE,
    );
    const policies = (properties.Policies ?? []).map((policy) => policy.PolicyDocument);
    const total = policies.reduce((sum, policy) => sum + sizeOf(policy), 0);
    const inlineSize = withinQuota(request, "the role's inline policies", total, MAX_INLINE_SIZE);
    for (const managedArn of properties.ManagedPolicyArns ?? []) policies.push(managedPolicy(request, managedArn));
    const role: IamRole = {
      arn,
      name,
      path,
      id: `AROA${stableToken(request, 17, "role").toUpperCase()}`,
      description: properties.Description ?? "",
      maxSessionSec: properties.MaxSessionDuration ?? 3600,
      tags: tagsOf(properties.Tags),
      trust: properties.AssumeRolePolicyDocument,
    };
    entries.set(arn, { role, policies, inlineSize });
    return { ref: name, attributes: { Arn: arn, RoleId: role.id } };
  }

  function createPolicy(request: ResourceRequest): CreatedResource {
    const properties = parseProperties(request, policyProperties);
    for (const entry of attach(request, properties.Roles, properties.PolicyDocument)) {
      const total = entry.inlineSize + sizeOf(properties.PolicyDocument);
      entry.inlineSize = withinQuota(request, `the inline policies of ${entry.role.name}`, total, MAX_INLINE_SIZE);
    }
    return { ref: properties.PolicyName, attributes: {} };
  }

  function createManagedPolicy(request: ResourceRequest): CreatedResource {
    const properties = parseProperties(request, managedPolicyProperties);
    const name = properties.ManagedPolicyName ?? request.defaultName;
    const arn = `arn:aws:iam::${env.accountId}:policy${properties.Path ?? "/"}${name}`;
    if (managed.has(arn)) throw taken(request, `policy ${arn}`);
    withinQuota(request, "the managed policy's statements", sizeOf(properties.PolicyDocument), MAX_MANAGED_SIZE);
    managed.set(arn, properties.PolicyDocument);
    attach(request, properties.Roles ?? [], properties.PolicyDocument);
    return { ref: arn, attributes: { PolicyArn: arn } };
  }

  function attach(request: ResourceRequest, roleNames: readonly string[], document: PolicyDocument): Entry[] {
    const targets = roleNames.map((name) => {
      const entry = byName(name);
      if (entry !== undefined) return entry;
      throw new CountersignError(
        "CS-4022",
        `${where(request)}: Roles: there is no role ${name}; name a role that a deployed template creates`,
        { logicalId: request.logicalId, role: name },
      );
    });
    for (const target of targets) target.policies.push(document);
    return targets;
  }

  function managedPolicy(request: ResourceRequest, arn: string): PolicyDocument {
    const document = managed.get(arn);
    if (document !== undefined) return document;
    throw new CountersignError(
      "CS-4020",
      `${where(request)}: ManagedPolicyArns: ${arn} is not known here; known: ${[...managed.keys()].join(", ")}; grant the actions in a policy of the template`,
      { logicalId: request.logicalId, property: "ManagedPolicyArns", arn },
    );
  }

  function byName(name: string): Entry | undefined {
    return [...entries.values()].find((entry) => entry.role.name === name);
  }

  function callerOf(by: string, sourceArn: string | undefined): Caller {
    const role = entries.get(by)?.role;
    const source = sourceArn === undefined ? {} : { sourceArn };
    if (!by.startsWith("arn:")) {
      return { principalArn: by, sessionArn: by, accountId: env.accountId, service: by, ...source };
    }
    const accountId = by.split(":")[4] ?? "";
    const sessionArn = role === undefined ? by : `arn:aws:sts::${accountId}:assumed-role/${role.name}/assume`;
    return { principalArn: by, sessionArn, accountId };
  }

  return {
    directory: { policiesOf },
    resources: {
      "AWS::IAM::Role": createRole,
      "AWS::IAM::Policy": createPolicy,
      "AWS::IAM::ManagedPolicy": createManagedPolicy,
    },
    role: (arn) => entries.get(arn)?.role,
    list: () => [...entries.values()].map((entry) => entry.role),
    mayAssume(roleArn, by, sourceArn) {
      const entry = entries.get(roleArn);
      if (entry === undefined) return false;
      const question = {
        caller: callerOf(by, sourceArn),
        action: "sts:AssumeRole",
        resource: roleArn,
        resourcePolicy: entry.role.trust,
        requireResourceAllow: true,
      };
      return evaluateAccess(question, policiesOf(by), env, "trust").allowed;
    },
  };
}

function taken(request: ResourceRequest, what: string): CountersignError {
  return new CountersignError(
    "CS-4021",
    `${where(request)}: the ${what} is taken by another resource; give one of them another name`,
    {
      logicalId: request.logicalId,
    },
  );
}
