/**
 * Verification of AWS Signature Version 4, from its published algorithm. The age of a signature is not checked: callers
 * sign with their own clock, and the cloud's clock is virtual.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { AwsFault } from "../types.js";
import type { Session, Sessions } from "./sessions.js";

/** A request as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  /** path and query as sent, still encoded */
  readonly target: string;
  /** lower-case names */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
export interface Verified {
  readonly session: Session;
  /** service name of the signature's scope, e.g. `dynamodb`, `execute-api` */
  readonly service: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const HEADER = /^AWS4-HMAC-SHA256 +Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;
/** `x-amz-content-sha256` values that stand for "the signature does not cover the body"; only S3 takes them. */
const UNSIGNED_BODY = new Set(["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]);

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();

/** The service named in an Authorization header, before anything is verified: to answer errors in its protocol. */
export function scopeService(authorization: string): string | undefined {
  return /Credential=[^/,\s]+\/[^/,\s]+\/[^/,\s]+\/([^/,\s]+)\//.exec(authorization)?.[1];
}

/**
 * Who signed this request.
 *
 * @throws AwsFault 403 `UnrecognizedClientException`, `InvalidSignatureException` or `IncompleteSignatureException`
 */
export function verifySignature(request: SignedRequest, sessions: Sessions, region: string): Verified {
  const match = HEADER.exec(request.headers.authorization ?? "");
  const [accessKeyId, date, scopeRegion, service, end] = match?.[1]?.split("/") ?? [];
  const signedHeaders = match?.[2]?.split(";") ?? [];
  const signature = match?.[3];
  const timestamp = request.headers["x-amz-date"];
  if (!accessKeyId || !date || !service || end !== "aws4_request" || !signature || !timestamp) {
    throw new AwsFault(
      "IncompleteSignatureException",
      "the Authorization header is no complete AWS4-HMAC-SHA256 signature",
      403,
    );
  }
  const session = sessions.find(accessKeyId);
  if (!session || !sameText(request.headers["x-amz-security-token"] ?? "", session.credentials.sessionToken)) {
    throw new AwsFault("UnrecognizedClientException", "The security token included in the request is invalid.", 403);
  }
  if (scopeRegion !== region || !timestamp.startsWith(date)) {
    throw mismatch(
      `Credential should be scoped to region ${region} and the date of x-amz-date, not '${scopeRegion}/${date}'.`,
    );
  }
  requireSigned(request, signedHeaders);
  const bodyHash = payloadHash(request, service);
  const canonical = canonicalRequest(request, signedHeaders, bodyHash, service === "s3");
  const scope = `${date}/${scopeRegion}/${service}/aws4_request`;
  const key = [date, scopeRegion, service, "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${session.credentials.secretAccessKey}`,
  );
  const expected = hmac(key, [ALGORITHM, timestamp, scope, sha256(canonical)].join("\n")).toString("hex");
  if (!sameText(signature, expected)) {
    throw mismatch(
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
    );
  }
  return { session, service };
}

/** `host` (`:authority` in HTTP/2) and every `x-amz-*` header must be covered, as on AWS: an unsigned one could be changed on the way. */
function requireSigned(request: SignedRequest, signedHeaders: readonly string[]): void {
  const missing = Object.keys(request.headers).find(
    (name) => name.startsWith("x-amz-") && !signedHeaders.includes(name),
  );
  const coversHost = signedHeaders.includes("host") || signedHeaders.includes(":authority");
  if (missing !== undefined || !coversHost) {
    throw mismatch(`'${missing ?? "host"}' must be a 'SignedHeader' in the AWS Authorization.`);
  }
}

function payloadHash(request: SignedRequest, service: string): string {
  const declared = request.headers["x-amz-content-sha256"];
  const actual = sha256(request.body);
  if (declared === undefined) return actual;
  if (declared !== actual && !(service === "s3" && UNSIGNED_BODY.has(declared))) {
    throw mismatch("The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  return declared;
}

function canonicalRequest(
  request: SignedRequest,
  signedHeaders: readonly string[],
  bodyHash: string,
  isS3: boolean,
): string {
  const question = request.target.indexOf("?");
  const path = question < 0 ? request.target : request.target.slice(0, question);
  const query = question < 0 ? "" : request.target.slice(question + 1);
  const headers = signedHeaders.map(
    (name) => `${name}:${(request.headers[name] ?? "").trim().replaceAll(/\s+/g, " ")}\n`,
  );
  // S3 signs the path as sent; every other service signs it encoded once more.
  const canonicalPath = isS3 ? path : path.split("/").map(encode).join("/");
  return [
    request.method,
    canonicalPath || "/",
    canonicalQuery(query),
    headers.join(""),
    signedHeaders.join(";"),
    bodyHash,
  ].join("\n");
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs = query.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [encode(decode(name)), encode(decode(value))] as const;
  });
  const order = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);
  return pairs
    .sort((left, right) => order(left[0], right[0]) || order(left[1], right[1]))
    .map((pair) => pair.join("="))
    .join("&");
}

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded text: it then simply does not match the signature
  }
}
function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
function mismatch(message: string): AwsFault {
  return new AwsFault("InvalidSignatureException", message, 403);
}
