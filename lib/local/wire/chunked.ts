import { AwsFault } from "../types.js";

/**
 * The content of an `aws-chunked` body, as SDK clients send streams to S3 with a checksum in the trailer.
 * Bodies whose chunks are signed one by one are refused: clients only send those when told to.
 */
export function decodeAwsChunked(headers: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const declared = headers["x-amz-content-sha256"] ?? "";
  if (!declared.startsWith("STREAMING-")) return body;
  if (declared !== "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    throw new AwsFault("NotImplemented", `a body signed chunk by chunk (${declared}) is not modelled`, 501);
  }
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf("\r\n", at);
    const sizeBytes = lineEnd < 0 ? Number.NaN : Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    if (!Number.isInteger(sizeBytes) || sizeBytes < 0 || start + sizeBytes > body.length) {
      throw new AwsFault("IncompleteBody", "the aws-chunked body ends inside a chunk", 400);
    }
    if (sizeBytes === 0) return Buffer.concat(parts);
    parts.push(body.subarray(start, start + sizeBytes));
    at = start + sizeBytes + 2;
  }
}
