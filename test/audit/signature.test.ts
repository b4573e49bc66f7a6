/** Signatures in one form: what is no such signature, and what is not signed by a key that is trusted. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { packLines, sha256OfBytes, unpackLines } from "../../lib/audit/segment.js";
import { fixedSignature, keyFingerprint, signedText, trustedKeys } from "../../lib/audit/signature.js";

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const pair = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
const { publicKey, privateKey } = pair("P-256");
const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
const fingerprint = keyFingerprint(publicKey.export({ format: "der", type: "spki" }));
const text = signedText("checkpoint", "a".repeat(64));
const signed = (of: string) => fixedSignature(sign("sha256", Buffer.from(of), privateKey));

describe("GIVEN a trusted key", () => {
  const keys = trustedKeys([pem, pem]);

  test("WHEN it signed the text THEN that holds, every time, and its other form with the higher half does not", () => {
    for (let round = 0; round < 20; round += 1) {
      const signature = signed(text);
      expect(keys.verify(fingerprint, text, signature)).toBe(true);
      const s = ORDER - BigInt(`0x${signature.slice(64)}`);
      const other = signature.slice(0, 64) + s.toString(16).padStart(64, "0");
      expect(keys.verify(fingerprint, text, other)).toBe(false);
    }
    expect(keys.fingerprints).toEqual([fingerprint]);
    expect(fingerprint).toBe(
      createHash("sha256")
        .update(publicKey.export({ format: "der", type: "spki" }))
        .digest("hex"),
    );
  });

  test.each([
    ["another text", signed(signedText("checkpoint", "b".repeat(64)))],
    ["the same hash as a digest", signed(signedText("digest", "a".repeat(64)))],
    ["nothing", ""],
    ["capital letters", "A".repeat(128)],
    ["one character more", `${signed(text)}0`],
    ["zeros", "0".repeat(128)],
  ])("WHEN the signature is of %s THEN it does not hold", (_, signature) => {
    expect(keys.verify(fingerprint, text, signature)).toBe(false);
  });

  test("WHEN a key is named that nobody trusts THEN that is another answer than a wrong signature", () => {
    expect(keys.verify("f".repeat(64), text, signed(text))).toBeUndefined();
  });
});

test.each([
  ["a key on another curve", pair("P-384").publicKey.export({ format: "pem", type: "spki" }).toString(), /P-256/],
  [
    "an RSA key",
    generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "pem", type: "spki" }).toString(),
    /P-256/,
  ],
  ["no key", "hello", /./],
])("%s is refused", (_, key, why) => expect(() => trustedKeys([key])).toThrow(why));

describe("a signature as KMS answers it", () => {
  const integer = (...bytes: number[]) => [0x02, bytes.length, ...bytes];
  const der = (...body: number[]) => Uint8Array.from([0x30, body.length, ...body]);
  const number = (value: bigint) => Buffer.from(value.toString(16).padStart(66, "0"), "hex");

  test("is made as long as it always is, with the lower half", () => {
    const hex = (value: bigint) => value.toString(16).padStart(64, "0");
    expect(fixedSignature(der(...integer(1), ...integer(2)))).toBe(hex(1n) + hex(2n));
    expect(fixedSignature(der(...integer(1), ...integer(...number(ORDER - 1n))))).toBe(hex(1n) + hex(1n));
  });

  test.each([
    ["nothing", []],
    ["another kind", [0x31, 0]],
    ["a length that is not its own", [0x30, 9, ...integer(1), ...integer(2)]],
    ["one number", [...der(...integer(1))]],
    ["something after it", [...der(...integer(1), ...integer(2), 0)]],
    ["an empty number", [...der(0x02, 0, ...integer(2))]],
    ["a number that is cut off", [...der(...integer(1), 0x02, 5, 1)]],
    ["no number", [...der(0x03, 1, 1, ...integer(2))]],
    ["zero first", [...der(...integer(0), ...integer(2))]],
    ["zero second", [...der(...integer(1), ...integer(0))]],
    ["a number as large as the order", [...der(...integer(...number(ORDER)), ...integer(1))]],
    ["a second one as large", [...der(...integer(1), ...integer(...number(ORDER)))]],
  ])("with %s is none", (_, bytes) => expect(() => fixedSignature(Uint8Array.from(bytes))).toThrow(TypeError));
});

describe("a segment of the archive", () => {
  test("has its lines again", () => {
    expect(unpackLines(packLines(["{}", '{"a":"\\n"}']))).toEqual(["{}", '{"a":"\\n"}']);
    expect(sha256OfBytes(new Uint8Array())).toBe(createHash("sha256").digest("hex"));
  });
  test.each([
    ["cut off", packLines(["{}"]).subarray(0, 10)],
    ["no gzip", Buffer.from("{}\n")],
    ["without an end of line", packLines([]).length > 0 ? packLines([]) : new Uint8Array()],
  ])("%s is none", (_, bytes) => expect(unpackLines(bytes)).toBeUndefined());
});
