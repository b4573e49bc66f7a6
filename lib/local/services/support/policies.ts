/** Resource policies as templates write them: Secrets Manager, S3 and KMS attach one to a resource. */
import * as z from "zod";
import type { PolicyKind } from "../../iam/statement.js";
import { policyFaults } from "../../iam/understood.js";
import type { PolicyDocument } from "../../types.js";

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const statement = z.strictObject({
  Sid: z.string().exactOptional(),
  Effect: z.enum(["Allow", "Deny"]),
  Principal: z.unknown().exactOptional(),
  NotPrincipal: z.unknown().exactOptional(),
  Action: oneOrMore.exactOptional(),
  NotAction: oneOrMore.exactOptional(),
  Resource: oneOrMore.exactOptional(),
  NotResource: oneOrMore.exactOptional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).exactOptional(),
});

/** Strict: a misspelt element would otherwise widen or narrow a grant in silence. */
const document: z.ZodType<PolicyDocument> = z.strictObject({
  Version: z.string().exactOptional(),
  Id: z.string().exactOptional(),
  Statement: z.union([statement, z.array(statement)]),
});

/** A policy of which the IAM check understands everything: what it did not would only deny later, without a word. */
const understood = (kind: PolicyKind): z.ZodType<PolicyDocument> =>
  document.superRefine((policy, context) => {
    for (const { path, message } of policyFaults(policy, kind))
      context.addIssue({ code: "custom", path: [...path], message });
  });

/** of a role, inline or managed */
export const identityPolicy = understood("identity");
/** attached to a key, secret, bucket or table */
export const resourcePolicy = understood("resource");
/** who may assume a role */
export const trustPolicy = understood("trust");
