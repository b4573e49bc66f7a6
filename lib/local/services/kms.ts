/** AWS KMS: symmetric keys that encrypt and P-256 keys that sign, under their key policies. */
import { randomBytes } from "node:crypto";
import * as z from "zod";
import { type AwsCall, AwsFault, type AwsReply, type CloudContext, type Engine } from "../types.js";
import { type KeyRing, Keys, type KmsKey } from "./kms/keyring.js";
import { keyIdOf, open, publicKeyOf, seal, signMessage, verifyMessage } from "./kms/material.js";
import { aliasFactory, keyFactory } from "./kms/resources.js";
import { base64Bytes, epochSeconds, parseRequest, unknownMember, unknownOperation } from "./support/request.js";

export type { KeyRing } from "./kms/keyring.js";

const MAX_PLAINTEXT_BYTES = 4096;
const MAX_CIPHERTEXT_BYTES = 6144;
const SYMMETRIC = "SYMMETRIC_DEFAULT";
const ECDSA = "ECDSA_SHA_256";

const keyId = z.string().min(1).max(2048);
const encryptionContext = z.record(z.string(), z.string()).default({});
const plaintext = base64Bytes.refine((bytes) => bytes.length >= 1 && bytes.length <= MAX_PLAINTEXT_BYTES, {
  message: `must be 1 to ${MAX_PLAINTEXT_BYTES} bytes`,
});
const symmetricAlgorithm = z.literal(SYMMETRIC).default(SYMMETRIC);
const encryptRequest = z.strictObject({
  KeyId: keyId,
  Plaintext: plaintext,
  EncryptionContext: encryptionContext,
  EncryptionAlgorithm: symmetricAlgorithm,
});
const decryptRequest = z.strictObject({
  KeyId: keyId.optional(),
  CiphertextBlob: base64Bytes.refine((bytes) => bytes.length <= MAX_CIPHERTEXT_BYTES, {
    message: `must be at most ${MAX_CIPHERTEXT_BYTES} bytes`,
  }),
  EncryptionContext: encryptionContext,
  EncryptionAlgorithm: symmetricAlgorithm,
});
const dataKeyRequest = z.strictObject({
  KeyId: keyId,
  KeySpec: z.enum(["AES_128", "AES_256"]).optional(),
  NumberOfBytes: z.int().min(1).max(1024).optional(),
  EncryptionContext: encryptionContext,
});
const keyOnlyRequest = z.strictObject({ KeyId: keyId });
const messageMembers = {
  KeyId: keyId,
  Message: plaintext,
  MessageType: z.enum(["RAW", "DIGEST"]).default("RAW"),
  SigningAlgorithm: z.literal(ECDSA),
};
const signRequest = z.strictObject(messageMembers);
const verifyRequest = z.strictObject({ ...messageMembers, Signature: base64Bytes });

type Operation = (call: AwsCall) => object;

/** Creates the KMS engine; `keys` is what S3 and Secrets Manager use keys through. */
export function createKmsEngine(ctx: CloudContext): Engine & { readonly keys: KeyRing } {
  const keys = new Keys(ctx);
  const operations: Readonly<Record<string, Operation>> = {
    Encrypt: (call) => encrypt(keys, call),
    Decrypt: (call) => decrypt(keys, call),
    GenerateDataKey: (call) => generateDataKey(keys, call, true),
    GenerateDataKeyWithoutPlaintext: (call) => generateDataKey(keys, call, false),
    DescribeKey: (call) => describeKey(ctx, keys, call),
    Sign: (call) => signOperation(keys, call),
    Verify: (call) => verifyOperation(keys, call),
    GetPublicKey: (call) => getPublicKey(keys, call),
  };
  return {
    service: "kms",
    keys,
    async handle(call): Promise<AwsReply> {
      const name = call.operation ?? `${call.method} ${call.path}`;
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined) throw unknownOperation("kms", name, Object.keys(operations));
      return { status: 200, body: operation(call) };
    },
    resources: { "AWS::KMS::Key": keyFactory(ctx, keys), "AWS::KMS::Alias": aliasFactory(keys) },
    // Keys belong to the template, not to a run: data of one scenario stays readable in the next.
    async reset() {},
    async close() {},
  };
}

function encrypt(keys: Keys, call: AwsCall): object {
  const request = parseRequest("kms", call.body, encryptRequest);
  const key = symmetricKey(keys, call, "kms:Encrypt", request.KeyId, request.EncryptionContext);
  const blob = seal(key.id, key.material, request.Plaintext, request.EncryptionContext);
  return { CiphertextBlob: blob.toString("base64"), KeyId: key.arn, EncryptionAlgorithm: SYMMETRIC };
}

function decrypt(keys: Keys, call: AwsCall): object {
  const request = parseRequest("kms", call.body, decryptRequest);
  const sealedWith = keyIdOf(request.CiphertextBlob);
  const asked = request.KeyId;
  const key = symmetricKey(keys, call, "kms:Decrypt", asked ?? sealedWith, request.EncryptionContext);
  if (key.id !== sealedWith)
    throw new AwsFault(
      "IncorrectKeyException",
      "The key ID in the request does not identify a CMK that can decrypt",
      400,
    );
  const bytes = open(key.material, request.CiphertextBlob, request.EncryptionContext);
  return { Plaintext: bytes.toString("base64"), KeyId: key.arn, EncryptionAlgorithm: SYMMETRIC };
}

function generateDataKey(keys: Keys, call: AwsCall, withPlaintext: boolean): object {
  const request = parseRequest("kms", call.body, dataKeyRequest);
  if ((request.KeySpec === undefined) === (request.NumberOfBytes === undefined))
    throw new AwsFault("ValidationException", "Please specify either number of bytes or key spec.", 400);
  const action = withPlaintext ? "kms:GenerateDataKey" : "kms:GenerateDataKeyWithoutPlaintext";
  const key = symmetricKey(keys, call, action, request.KeyId, request.EncryptionContext);
  const dataKey = randomBytes(request.NumberOfBytes ?? (request.KeySpec === "AES_128" ? 16 : 32));
  const blob = seal(key.id, key.material, dataKey, request.EncryptionContext);
  return {
    CiphertextBlob: blob.toString("base64"),
    KeyId: key.arn,
    ...(withPlaintext && { Plaintext: dataKey.toString("base64") }),
  };
}

function describeKey(ctx: CloudContext, keys: Keys, call: AwsCall): object {
  const request = parseRequest("kms", call.body, keyOnlyRequest);
  const key = keys.use({ keyId: request.KeyId, caller: call.caller, action: "kms:DescribeKey" });
  return {
    KeyMetadata: {
      AWSAccountId: ctx.accountId,
      KeyId: key.id,
      Arn: key.arn,
      CreationDate: epochSeconds(key.createdAtMs),
      Enabled: key.enabled,
      Description: key.description,
      KeyUsage: key.usage,
      KeyState: key.enabled ? "Enabled" : "Disabled",
      Origin: "AWS_KMS",
      KeyManager: "CUSTOMER",
      KeySpec: key.spec,
      CustomerMasterKeySpec: key.spec,
      MultiRegion: false,
      ...(key.usage === "SIGN_VERIFY" ? { SigningAlgorithms: [ECDSA] } : { EncryptionAlgorithms: [SYMMETRIC] }),
    },
  };
}

function signOperation(keys: Keys, call: AwsCall): object {
  const request = parseRequest("kms", call.body, signRequest);
  const key = signingKey(keys, call, "kms:Sign", request);
  const signature = signMessage(key.material, request.Message).toString("base64");
  return { KeyId: key.arn, Signature: signature, SigningAlgorithm: ECDSA };
}

function verifyOperation(keys: Keys, call: AwsCall): object {
  const request = parseRequest("kms", call.body, verifyRequest);
  const key = signingKey(keys, call, "kms:Verify", request);
  if (!verifyMessage(key.material, request.Message, request.Signature))
    throw new AwsFault("KMSInvalidSignatureException", "the signature does not belong to this message and key", 400);
  return { KeyId: key.arn, SignatureValid: true, SigningAlgorithm: ECDSA };
}

function getPublicKey(keys: Keys, call: AwsCall): object {
  const request = parseRequest("kms", call.body, keyOnlyRequest);
  const key = keys.use({ keyId: request.KeyId, caller: call.caller, action: "kms:GetPublicKey" });
  requireUsage(key, "SIGN_VERIFY", "GetPublicKey");
  return {
    KeyId: key.arn,
    PublicKey: publicKeyOf(key.material).toString("base64"),
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    KeyUsage: key.usage,
    SigningAlgorithms: [ECDSA],
  };
}

function symmetricKey(keys: Keys, call: AwsCall, action: string, id: string, context: Record<string, string>): KmsKey {
  const key = keys.use({
    keyId: id,
    caller: call.caller,
    action,
    encryptionContext: context,
    ...((action === "kms:Encrypt" || action === "kms:Decrypt") && {
      context: { "kms:EncryptionAlgorithm": SYMMETRIC },
    }),
  });
  requireUsage(key, "ENCRYPT_DECRYPT", action);
  return key;
}

function signingKey(keys: Keys, call: AwsCall, action: string, request: z.output<typeof signRequest>): KmsKey {
  // Node hashes what it signs; signing a digest would need the curve arithmetic itself.
  if (request.MessageType === "DIGEST") throw unknownMember("kms", "MessageType DIGEST", "send the message as RAW");
  const key = keys.use({
    keyId: request.KeyId,
    caller: call.caller,
    action,
    context: { "kms:SigningAlgorithm": ECDSA, "kms:MessageType": "RAW" },
  });
  requireUsage(key, "SIGN_VERIFY", action);
  return key;
}

function requireUsage(key: KmsKey, usage: KmsKey["usage"], action: string): void {
  if (key.usage !== usage)
    throw new AwsFault(
      "InvalidKeyUsageException",
      `${key.arn} key usage is ${key.usage} which is not valid for ${action}.`,
      400,
    );
}
