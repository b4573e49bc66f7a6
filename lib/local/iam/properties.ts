/** What the factories read of `AWS::IAM::*`; every other property is refused. */
import * as z from "zod";
import { identityPolicy, trustPolicy } from "../services/support/policies.js";
import { tagList } from "../services/support/properties.js";

const roleName = z.string().regex(/^[\w+=,.@-]{1,64}$/, "1 to 64 letters, digits or +=,.@_-");
const policyName = z.string().regex(/^[\w+=,.@-]{1,128}$/, "1 to 128 letters, digits or +=,.@_-");
const path = z.string().regex(/^\/(?:[\x21-\x7e]{1,510}\/)?$/, "a path that begins and ends with a slash");

export const roleProperties = z.strictObject({
  RoleName: roleName.exactOptional(),
  Path: path.exactOptional(),
  AssumeRolePolicyDocument: trustPolicy,
  Policies: z.array(z.strictObject({ PolicyName: policyName, PolicyDocument: identityPolicy })).exactOptional(),
  ManagedPolicyArns: z.array(z.string()).exactOptional(),
  Description: z.string().max(1000).exactOptional(),
  MaxSessionDuration: z.int().min(3600).max(43_200).exactOptional(),
  Tags: tagList.exactOptional(),
});

export const policyProperties = z.strictObject({
  PolicyName: policyName,
  PolicyDocument: identityPolicy,
  Roles: z.array(z.string()).min(1),
});

export const managedPolicyProperties = z.strictObject({
  ManagedPolicyName: policyName.exactOptional(),
  Path: path.exactOptional(),
  Description: z.string().max(1000).exactOptional(),
  PolicyDocument: identityPolicy,
  Roles: z.array(z.string()).exactOptional(),
});
