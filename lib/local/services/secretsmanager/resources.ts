/** AWS::SecretsManager::Secret and AWS::SecretsManager::ResourcePolicy. */
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import type { CloudContext, ResourceFactory } from "../../types.js";
import type { KeyRing } from "../kms/keyring.js";
import { stableToken } from "../support/ids.js";
import { resourcePolicy } from "../support/policies.js";
import { parseProperties, tagList, tagsOf, where } from "../support/properties.js";
import { generateSecret, generateSecretString } from "./generate.js";
import type { SecretVault } from "./vault.js";

const MAX_SECRET_BYTES = 65_536;
export const secretText = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_SECRET_BYTES, `must have at most ${MAX_SECRET_BYTES} bytes`);
const secretProperties = z.strictObject({
  Name: z
    .string()
    .regex(/^[a-zA-Z0-9/_+=.@-]{1,512}$/)
    .optional(),
  Description: z.string().max(2048).optional(),
  SecretString: secretText.optional(),
  GenerateSecretString: generateSecretString.optional(),
  KmsKeyId: z.string().optional(),
  Tags: tagList.optional(),
});
const policyProperties = z.strictObject({
  SecretId: z.string(),
  ResourcePolicy: resourcePolicy,
});

export interface SecretFactoryOptions {
  readonly vault: SecretVault;
  readonly keys: KeyRing | undefined;
  /** a preset value for a secret's name; marks it as used */
  preset(name: string): string | undefined;
}

export function secretFactory(ctx: CloudContext, options: SecretFactoryOptions): ResourceFactory {
  return (request) => {
    const properties = parseProperties(request, secretProperties);
    const { SecretString, GenerateSecretString, KmsKeyId } = properties;
    if (SecretString !== undefined && GenerateSecretString !== undefined)
      throw new CountersignError(
        "CS-4030",
        `${where(request)}: SecretString and GenerateSecretString exclude each other`,
      );
    if (KmsKeyId !== undefined && options.keys?.find(KmsKeyId) === undefined)
      throw new CountersignError(
        "CS-4032",
        `${where(request)}: KmsKeyId ${KmsKeyId} is no key of this cloud; create the key first`,
      );
    const name = properties.Name ?? request.defaultName;
    if (options.vault.find(name) !== undefined)
      throw new CountersignError("CS-4031", `${where(request)}: a secret ${name} exists already; give it another name`);
    const arn = `arn:aws:secretsmanager:${ctx.region}:${ctx.accountId}:secret:${name}-${stableToken(request, 6, "secret")}`;
    options.vault.add(
      {
        name,
        arn,
        tags: tagsOf(properties.Tags),
        ...(properties.Description !== undefined && { description: properties.Description }),
        ...(KmsKeyId !== undefined && { kmsKeyId: KmsKeyId }),
      },
      options.preset(name) ?? SecretString,
      () => generated(where(request), GenerateSecretString),
    );
    return { ref: arn, attributes: { Id: arn } };
  };
}

export function secretPolicyFactory(vault: SecretVault): ResourceFactory {
  return (request) => {
    const { SecretId, ResourcePolicy } = parseProperties(request, policyProperties, {
      BlockPublicPolicy: "an analysis when the policy is put; the policy itself is enforced either way",
    });
    const secret = vault.find(SecretId);
    if (secret === undefined)
      throw new CountersignError(
        "CS-4032",
        `${where(request)}: SecretId ${SecretId} is no secret of this cloud; create the secret first`,
      );
    if (secret.policy !== undefined)
      throw new CountersignError(
        "CS-4031",
        `${where(request)}: ${secret.name} has a resource policy already; a secret has one`,
      );
    secret.policy = ResourcePolicy;
    return { ref: secret.arn, attributes: { Id: secret.arn } };
  };
}

/** A secret without any value would be refused on first use; here it is made up, as a value to be replaced. */
function generated(place: string, options: z.output<typeof generateSecretString> | undefined): string {
  try {
    return generateSecret(options ?? generateSecretString.parse({}));
  } catch (cause) {
    throw new CountersignError(
      "CS-4030",
      `${place}: GenerateSecretString.SecretStringTemplate is no JSON object: ${String(cause)}`,
    );
  }
}
