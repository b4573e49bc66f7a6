/** A tool's secrets. Needs `secretsmanager:GetSecretValue` on exactly the secrets that its contract lists. */
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export interface Secrets {
  /** The secret's text. Throws when it is missing or binary; the error never holds its value. */
  read(name: string): Promise<string>;
}

/** How long a rotated secret may still be used. */
export const SECRET_CACHE_MS = 5 * 60_000;

export function awsSecrets(client: SecretsManagerClient, prefix: string, nowMs: () => number): Secrets {
  const cached = new Map<string, { readonly value: string; readonly untilMs: number }>();
  return {
    async read(name) {
      const known = cached.get(name);
      if (known !== undefined && nowMs() < known.untilMs) return known.value;
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: `${prefix}${name}` }));
      if (SecretString === undefined) throw new Error(`secret ${prefix}${name} is not a text`);
      cached.set(name, { value: SecretString, untilMs: nowMs() + SECRET_CACHE_MS });
      return SecretString;
    },
  };
}
