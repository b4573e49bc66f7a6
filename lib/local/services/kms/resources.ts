/** AWS::KMS::Key and AWS::KMS::Alias. */
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import type { CloudContext, PolicyDocument, ResourceFactory } from "../../types.js";
import { stableUuid } from "../support/ids.js";
import { resourcePolicy } from "../support/policies.js";
import {
  type InertProperties,
  parseProperties,
  tagList,
  tagsOf,
  templateBoolean,
  where,
} from "../support/properties.js";
import type { Keys } from "./keyring.js";

const keyProperties = z.strictObject({
  KeyPolicy: resourcePolicy.optional(),
  KeySpec: z.enum(["SYMMETRIC_DEFAULT", "ECC_NIST_P256"]).default("SYMMETRIC_DEFAULT"),
  KeyUsage: z.enum(["ENCRYPT_DECRYPT", "SIGN_VERIFY"]).default("ENCRYPT_DECRYPT"),
  Enabled: templateBoolean.default(true),
  Description: z.string().max(8192).default(""),
  MultiRegion: templateBoolean.pipe(z.literal(false)).optional(),
  Origin: z.literal("AWS_KMS").optional(),
  Tags: tagList.optional(),
});
const inertKeyProperties: InertProperties = {
  EnableKeyRotation:
    "rotation keeps old material for decryption and changes no answer; the first one is due after 90 days",
  RotationPeriodInDays: "see EnableKeyRotation",
  PendingWindowInDays: "only counts when a key is deleted; local keys are not deleted",
  BypassPolicyLockoutSafetyCheck:
    "the safety check concerns PutKeyPolicy callers; locally only the template sets policies",
};
const aliasProperties = z.strictObject({
  AliasName: z.string().regex(/^alias\/(?!aws\/)[a-zA-Z0-9/_-]{1,250}$/),
  TargetKeyId: z.string(),
});

export function keyFactory(ctx: CloudContext, keys: Keys): ResourceFactory {
  return (request) => {
    const properties = parseProperties(request, keyProperties, inertKeyProperties);
    const signs = properties.KeySpec === "ECC_NIST_P256";
    if (signs !== (properties.KeyUsage === "SIGN_VERIFY"))
      throw new CountersignError(
        "CS-4030",
        `${where(request)}: KeyUsage ${properties.KeyUsage} does not go with KeySpec ${properties.KeySpec}; SYMMETRIC_DEFAULT encrypts, ECC_NIST_P256 signs`,
      );
    const key = keys.add(request, {
      id: stableUuid(request),
      spec: properties.KeySpec,
      usage: properties.KeyUsage,
      description: properties.Description,
      enabled: properties.Enabled,
      policy: properties.KeyPolicy ?? defaultKeyPolicy(ctx.accountId),
      tags: tagsOf(properties.Tags),
    });
    return { ref: key.id, attributes: { Arn: key.arn, KeyId: key.id } };
  };
}

export function aliasFactory(keys: Keys): ResourceFactory {
  return (request) => {
    const { AliasName, TargetKeyId } = parseProperties(request, aliasProperties);
    keys.addAlias(request, AliasName, TargetKeyId);
    return { ref: AliasName, attributes: {} };
  };
}

/** What AWS attaches to a key without a policy: the account's IAM policies decide. */
function defaultKeyPolicy(accountId: string): PolicyDocument {
  return {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: "kms:*", Resource: "*" },
    ],
  };
}
