/** Resource policies as templates write them: Secrets Manager, S3 and KMS attach one to a resource. */
import * as z from "zod";
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
export const policyDocument: z.ZodType<PolicyDocument> = z.strictObject({
  Version: z.string().exactOptional(),
  Id: z.string().exactOptional(),
  Statement: z.union([statement, z.array(statement)]),
});
