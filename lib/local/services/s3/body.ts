/** An object's content as it arrives: plain or `aws-chunked`, with checksums in headers or in a trailer. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { AwsFault } from "../../types.js";
import { unknownMember } from "../support/request.js";
import { crc32c } from "./crc32c.js";

const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const CHECKSUM_PREFIX = "x-amz-checksum-";
const CONTROL_HEADERS = new Set(["x-amz-checksum-mode", "x-amz-checksum-algorithm", "x-amz-checksum-type"]);

export interface Checksum {
  /** as in the header's name: `crc32`, `crc32c`, `sha1`, `sha256` */
  readonly algorithm: string;
  /** base64 */
  readonly value: string;
}
export interface ReceivedBody {
  readonly content: Buffer;
  /** the one checksum the client sent, verified; or announced in a trailer that the wire has consumed, computed */
  readonly checksum?: Checksum;
  /** whether the client sent anything that proves the content arrived whole */
  readonly verified: boolean;
}
type Headers = Readonly<Record<string, string>>;

/** @throws AwsFault BadDigest, XAmzContentSHA256Mismatch, IncompleteBody; CS-4036 for checksums it cannot compute */
export function receiveBody(headers: Headers, body: Buffer): ReceivedBody {
  const hash = headers["x-amz-content-sha256"] ?? "";
  const { content, trailers } = hash.startsWith("STREAMING-")
    ? decodeStream(hash, headers, body)
    : { content: body, trailers: {} };
  if (/^[0-9a-f]{64}$/.test(hash) && createHash("sha256").update(content).digest("hex") !== hash)
    throw new AwsFault(
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      400,
    );
  const md5 = headers["content-md5"];
  if (md5 !== undefined && createHash("md5").update(content).digest("base64") !== md5)
    throw new AwsFault("BadDigest", "The Content-MD5 you specified did not match what we received.", 400);
  const checksum = checksumOf({ ...headers, ...trailers }, content) ?? announced(headers, content);
  return {
    content,
    verified: md5 !== undefined || checksum !== undefined,
    ...(checksum !== undefined && { checksum }),
  };
}

function checksumOf(headers: Headers, content: Buffer): Checksum | undefined {
  const sent = Object.entries(headers).filter(
    ([name]) => name.startsWith(CHECKSUM_PREFIX) && !CONTROL_HEADERS.has(name),
  );
  const [first, ...more] = sent;
  if (first === undefined) return undefined;
  if (more.length > 0)
    throw new AwsFault(
      "InvalidRequest",
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      400,
    );
  const [name, value] = first;
  const algorithm = name.slice(CHECKSUM_PREFIX.length);
  if (compute(algorithm, content) !== value)
    throw new AwsFault(
      "BadDigest",
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      400,
    );
  return { algorithm, value };
}

function announced(headers: Headers, content: Buffer): Checksum | undefined {
  const algorithm = /^x-amz-checksum-([a-z0-9]+)$/.exec(headers["x-amz-trailer"] ?? "")?.[1];
  return algorithm === undefined ? undefined : { algorithm, value: compute(algorithm, content) };
}

function compute(algorithm: string, content: Buffer): string {
  switch (algorithm) {
    case "crc32":
      return uint32(crc32(content));
    case "crc32c":
      return uint32(crc32c(content));
    case "sha1":
    case "sha256":
      return createHash(algorithm).update(content).digest("base64");
    default:
      throw unknownMember("s3", `checksum ${algorithm}`, "use CRC32, CRC32C, SHA1 or SHA256");
  }
}

function uint32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString("base64");
}

interface Decoded {
  readonly content: Buffer;
  readonly trailers: Headers;
}

function decodeStream(hash: string, headers: Headers, body: Buffer): Decoded {
  if (hash !== UNSIGNED_TRAILER)
    throw unknownMember(
      "s3",
      `a body signed chunk by chunk (${hash})`,
      "let the SDK send its default, a checksum in the trailer",
    );
  const expectedBytes = Number(headers["x-amz-decoded-content-length"]);
  // Framing only ever adds bytes: a body of the decoded length has been decoded on the way here.
  if (body.length === expectedBytes) return { content: body, trailers: {} };
  const decoded = decodeChunks(body);
  if (decoded.content.length !== expectedBytes) throw incomplete();
  return decoded;
}

/** `<hex size>[;extension]\r\n<bytes>\r\n … 0\r\n<trailer>: <value>\r\n … \r\n` */
function decodeChunks(body: Buffer): Decoded {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = lineEnd < 0 ? "" : (body.toString("latin1", at, lineEnd).split(";")[0] ?? "");
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw incomplete();
    const sizeBytes = Number.parseInt(size, 16);
    const start = lineEnd + 2;
    if (sizeBytes === 0)
      return { content: Buffer.concat(parts), trailers: parseTrailers(body.toString("latin1", start)) };
    const end = start + sizeBytes;
    if (body.toString("latin1", end, end + 2) !== "\r\n") throw incomplete();
    parts.push(body.subarray(start, end));
    at = end + 2;
  }
}

function parseTrailers(text: string): Headers {
  const lines = text.split("\r\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

function incomplete(): AwsFault {
  return new AwsFault("IncompleteBody", "The request body terminated unexpectedly.", 400);
}
