import { createHash } from "node:crypto";
import { Sha256 } from "@aws-crypto/sha256-js";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeAwsChunked } from "../../../lib/local/wire/chunked.js";
import { Sessions } from "../../../lib/local/wire/sessions.js";
import { type SignedRequest, verifySignature } from "../../../lib/local/wire/sigv4.js";
import { escapeXml } from "../../../lib/local/wire/xml.js";

const sessions = new Sessions();
const session = sessions.issue("arn:aws:iam::111111111111:role/a/b/worker", "worker");
const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

const text = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((value) => value !== "." && value !== "..");
const requests = fc.record({
  service: fc.constantFrom("s3", "lambda", "dynamodb", "execute-api"),
  method: fc.constantFrom("GET", "PUT", "POST", "DELETE"),
  segments: fc.array(text, { maxLength: 4 }),
  query: fc.dictionary(text, fc.oneof(text, fc.constant("")), { maxKeys: 4 }),
  header: fc.stringMatching(/^[ -~]{0,20}$/),
  body: fc.string({ maxLength: 30 }),
});
type Request = typeof requests extends fc.Arbitrary<infer Value> ? Value : never;

/** The request as an SDK client signs it and puts it on the wire. */
async function signed({ service, method, segments, query, header, body }: Request): Promise<SignedRequest> {
  const isS3 = service === "s3";
  const signer = new SignatureV4({
    service,
    region: "eu-central-1",
    credentials: session.credentials,
    sha256: Sha256,
    uriEscapePath: !isS3,
    applyChecksum: true,
  });
  const path = `/${segments.map(encode).join("/")}`;
  const headers = { host: "127.0.0.1:4600", "x-amz-meta": header };
  const request = await signer.sign(
    new HttpRequest({ method, protocol: "http:", hostname: "127.0.0.1", port: 4600, path, query, headers, body }),
  );
  const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  // the parser of the HTTP server hands header values over without surrounding space
  const received = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()]);
  return {
    method,
    target: search.length === 0 ? path : `${path}?${search.join("&")}`,
    headers: Object.fromEntries(received),
    body: Buffer.from(body),
  };
}
const verdict = (request: SignedRequest) => {
  try {
    return verifySignature(request, sessions, "eu-central-1");
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
};

it("verifies whatever the SDK's signer signs", async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      expect(verdict(await signed(request))).toEqual({ session, service: request.service });
    }),
    { numRuns: 300 },
  );
});

it("refuses it after any change", async () => {
  const changes: Record<string, (request: SignedRequest) => SignedRequest> = {
    method: (request) => ({ ...request, method: "PATCH" }),
    path: (request) => ({ ...request, target: `/x${request.target}` }),
    query: (request) => ({ ...request, target: `${request.target}${request.target.includes("?") ? "&" : "?"}zz=1` }),
    body: (request) => ({ ...request, body: Buffer.concat([request.body, Buffer.from("x")]) }),
    host: (request) => ({ ...request, headers: { ...request.headers, host: "127.0.0.1:4700" } }),
    "signed header": (request) => ({
      ...request,
      headers: { ...request.headers, "x-amz-meta": `${request.headers["x-amz-meta"] ?? ""}x` },
    }),
    "added header": (request) => ({
      ...request,
      headers: { ...request.headers, "x-amz-target": "Dangerous.Operation" },
    }),
    date: (request) => ({ ...request, headers: { ...request.headers, "x-amz-date": "20260101T000000Z" } }),
    "body hash": (request) => ({
      ...request,
      headers: { ...request.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    }),
    signature: (request) => ({
      ...request,
      headers: {
        ...request.headers,
        authorization: (request.headers.authorization ?? "").replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      },
    }),
  };
  await fc.assert(
    fc.asyncProperty(requests, fc.constantFrom(...Object.keys(changes)), async (request, change) => {
      expect(verdict(changes[change]?.(await signed(request)) ?? expect.fail(change))).toBe(
        "InvalidSignatureException",
      );
    }),
    { numRuns: 200 },
  );
});

it("refuses any other text as a signature, and revoked credentials", async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((rest) => `AWS4-HMAC-SHA256 ${rest}`),
      ),
      (authorization) => {
        const headers = { authorization, host: "h", "x-amz-date": "20260101T000000Z" };
        expect(["IncompleteSignatureException", "UnrecognizedClientException"]).toContain(
          verdict({ method: "GET", target: "/", headers, body: Buffer.alloc(0) }),
        );
      },
    ),
  );
  const short = new Sessions();
  const { credentials } = short.issue("arn:aws:iam::111111111111:role/x", "x");
  expect(short.find(credentials.accessKeyId)?.caller.sessionArn).toBe("arn:aws:sts::111111111111:assumed-role/x/x");
  short.revoke(credentials.accessKeyId);
  expect(short.find(credentials.accessKeyId)).toBeUndefined();
});

it("decodes aws-chunked bodies of any chunking, and refuses broken ones", () => {
  const streaming = { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" };
  const sha = (body: Buffer) => createHash("sha256").update(body).digest("hex");
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })), (chunks) => {
      const encoded = chunks.flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)}\r\n`),
        chunk,
        Buffer.from("\r\n"),
      ]);
      const body = Buffer.concat([...encoded, Buffer.from("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n")]);
      expect(sha(decodeAwsChunked(streaming, body))).toBe(sha(Buffer.concat(chunks)));
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      try {
        expect(decodeAwsChunked(streaming, Buffer.from(bytes)).length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ name: "IncompleteBody", status: 400 });
      }
    }),
  );
  expect(() =>
    decodeAwsChunked({ "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" }, Buffer.alloc(0)),
  ).toThrow(/not modelled/);
});

it("escapes any text for XML", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      expect(escapeXml(value)).toMatch(/^(?:[^<>"&\p{Cc}]|[\t\n\r\u{7f}-\u{9f}]|&(?:amp|lt|gt|quot);)*$/u);
    }),
  );
});
