/**
 * Signatures of the notary: ECDSA on P-256 with SHA-256, as 128 hex characters `r ‖ s`, with the lower of the two possible `s`, so that
 * a statement has no second valid signature that somebody could make from the first.
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";

/** Order of P-256 (SEC 2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = ORDER / 2n;
const SIGNATURE = /^[0-9a-f]{128}$/;

/** What is signed: kind and version before the hash, so that a signature of one kind is none of another. */
export const signedText = (kind: "checkpoint" | "digest", hash: string): string => `countersign ${kind} v1\n${hash}`;

/** SHA-256 of the key as DER SubjectPublicKeyInfo, hex: how statements name it. */
export const keyFingerprint = (spki: Uint8Array): string => createHash("sha256").update(spki).digest("hex");

/** Public keys that are trusted, by fingerprint. */
export interface TrustedKeys {
  readonly fingerprints: readonly string[];
  /** undefined: none of the keys has this fingerprint */
  verify(fingerprint: string, text: string, signature: string): boolean | undefined;
}

/** @param keys PEM texts. Throws for what is no public key on P-256 */
export function trustedKeys(keys: readonly string[]): TrustedKeys {
  const byFingerprint = new Map<string, KeyObject>();
  for (const pem of keys) {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new TypeError("not a public key on P-256");
    byFingerprint.set(keyFingerprint(key.export({ format: "der", type: "spki" })), key);
  }
  return {
    fingerprints: [...byFingerprint.keys()],
    verify(fingerprint, text, signature) {
      const key = byFingerprint.get(fingerprint);
      if (key === undefined) return undefined;
      if (!SIGNATURE.test(signature) || BigInt(`0x${signature.slice(64)}`) > HALF_ORDER) return false;
      return verify(
        "sha256",
        Buffer.from(text, "utf8"),
        { key, dsaEncoding: "ieee-p1363" },
        Buffer.from(signature, "hex"),
      );
    },
  };
}

/** A DER signature, as KMS answers, in the form above. Throws for what is no such signature. */
export function fixedSignature(der: Uint8Array): string {
  const [r, rest] = derInteger(derBody(der));
  const [s, end] = derInteger(rest);
  if (end.length > 0 || r <= 0n || r >= ORDER || s <= 0n || s >= ORDER) throw new TypeError("not a P-256 signature");
  return hex64(r) + hex64(s > HALF_ORDER ? ORDER - s : s);
}

function derBody(der: Uint8Array): Uint8Array {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new TypeError("not a DER sequence");
  return der.subarray(2);
}

function derInteger(bytes: Uint8Array): [bigint, Uint8Array] {
  const length = bytes[1] ?? 0;
  if (bytes[0] !== 0x02 || length === 0 || bytes.length < 2 + length) throw new TypeError("not a DER integer");
  return [BigInt(`0x${Buffer.from(bytes.subarray(2, 2 + length)).toString("hex")}`), bytes.subarray(2 + length)];
}

const hex64 = (value: bigint): string => value.toString(16).padStart(64, "0");
