/** The notary's key in KMS. Needs `kms:Sign` and `kms:GetPublicKey`. */
import { GetPublicKeyCommand, type KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { fixedSignature, type TrustedKeys, trustedKeys } from "../audit/signature.js";
import { CountersignError } from "../errors.js";

export interface Signer {
  /** the key's fingerprint, as statements name it */
  fingerprint(): Promise<string>;
  /** @throws CountersignError CS-3413 */
  sign(text: string): Promise<string>;
}

export function kmsSigner(client: KMSClient, keyId: string): Signer {
  let known: Promise<TrustedKeys> | undefined;
  const publicKey = () => {
    known ??= readPublicKey(client, keyId)
      .then((pem) => trustedKeys([pem]))
      .catch((error: unknown) => {
        known = undefined;
        throw error;
      });
    return known;
  };
  const fingerprint = async () => (await publicKey()).fingerprints[0] ?? "";
  return {
    fingerprint,
    async sign(text) {
      const answer = await client.send(
        new SignCommand({
          KeyId: keyId,
          Message: Buffer.from(text, "utf8"),
          MessageType: "RAW",
          SigningAlgorithm: "ECDSA_SHA_256",
        }),
      );
      const signature = answer.Signature === undefined ? "" : fixedSignature(answer.Signature);
      if ((await publicKey()).verify(await fingerprint(), text, signature) === true) return signature;
      throw new CountersignError(
        "CS-3413",
        `key ${keyId}: its signature does not fit its public key; nothing is signed`,
      );
    },
  };
}

/** PEM. */
export async function readPublicKey(client: KMSClient, keyId: string): Promise<string> {
  const { PublicKey = new Uint8Array() } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
  const base64 = Buffer.from(PublicKey).toString("base64");
  return `-----BEGIN PUBLIC KEY-----\n${base64.match(/.{1,64}/g)?.join("\n") ?? ""}\n-----END PUBLIC KEY-----\n`;
}
