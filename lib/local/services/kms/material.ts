/** Key material and what is done with it: AES-256-GCM with the encryption context as additional data, ECDSA on P-256. */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { AwsFault } from "../../types.js";

export type KeySpec = "SYMMETRIC_DEFAULT" | "ECC_NIST_P256";
export type EncryptionContext = Readonly<Record<string, string>>;

const FORMAT = 1;
const KEY_ID_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES + TAG_BYTES;

/** New material as base64: 32 random bytes, or a PKCS #8 private key. */
export function newMaterial(spec: KeySpec): string {
  if (spec === "SYMMETRIC_DEFAULT") return randomBytes(32).toString("base64");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}

/** Ciphertext blob: format, key id, iv, tag, ciphertext. The key id lets Decrypt find the key, as on AWS. */
export function seal(keyId: string, material: string, plaintext: Buffer, context: EncryptionContext): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(material, "base64"), iv);
  cipher.setAAD(additionalData(context));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.from([FORMAT]), keyIdBytes(keyId), iv, cipher.getAuthTag(), sealed]);
}

/** The id of the key that sealed a blob. @throws AwsFault InvalidCiphertextException */
export function keyIdOf(blob: Buffer): string {
  if (blob.length < HEADER_BYTES || blob[0] !== FORMAT) throw invalidCiphertext();
  const hex = blob.subarray(1, 1 + KEY_ID_BYTES).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @throws AwsFault InvalidCiphertextException when blob, key or encryption context do not belong together */
export function open(material: string, blob: Buffer, context: EncryptionContext): Buffer {
  const ivAt = 1 + KEY_ID_BYTES;
  const tagAt = ivAt + IV_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(material, "base64"), blob.subarray(ivAt, tagAt), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(additionalData(context));
  decipher.setAuthTag(blob.subarray(tagAt, HEADER_BYTES));
  try {
    return Buffer.concat([decipher.update(blob.subarray(HEADER_BYTES)), decipher.final()]);
  } catch {
    throw invalidCiphertext();
  }
}

/** DER signature over SHA-256 of the message. */
export function signMessage(material: string, message: Buffer): Buffer {
  return sign("sha256", message, { key: privateKeyOf(material), dsaEncoding: "der" });
}

export function verifyMessage(material: string, message: Buffer, signature: Buffer): boolean {
  return verify("sha256", message, { key: createPublicKey(privateKeyOf(material)), dsaEncoding: "der" }, signature);
}

/** DER SubjectPublicKeyInfo. */
export function publicKeyOf(material: string): Buffer {
  return createPublicKey(privateKeyOf(material)).export({ format: "der", type: "spki" });
}

function privateKeyOf(material: string) {
  return createPrivateKey({ key: Buffer.from(material, "base64"), format: "der", type: "pkcs8" });
}

function keyIdBytes(keyId: string): Buffer {
  return Buffer.from(keyId.replaceAll("-", ""), "hex");
}

/** Pairs sorted by name, so that the order of a request's members does not matter; JSON keeps pairs apart. */
function additionalData(context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(pairs));
}

function invalidCiphertext(): AwsFault {
  return new AwsFault("InvalidCiphertextException", "the ciphertext or its encryption context is not valid", 400);
}
