/** An S3 request: which bucket and object, and nothing in it that would be ignored. */
import { type AwsCall, AwsFault } from "../../types.js";
import { unknownMember } from "../support/request.js";

export interface S3Target {
  readonly bucket: string;
  /** empty for the bucket itself */
  readonly key: string;
}

/** Headers that no operation has to look at: signing, transport, telemetry. */
const TRANSPORT = new Set([
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-user-agent",
  "x-amz-expected-bucket-owner",
]);
/** Standard headers that change an answer; each operation lists those it honours. */
const CONDITIONAL = new Set(["range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]);
const MAX_KEY_BYTES = 1024;

/** Path-style addresses: `/<bucket>/<key>`, as SDK clients write them for an endpoint that is an IP address. */
export function targetOf(call: AwsCall): S3Target {
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(call.path) ?? [];
  if (bucket === "") throw unknownMember("s3", `${call.method} ${call.path}`, "buckets are created by the template");
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new AwsFault("KeyTooLongError", "Your key is too long", 400);
  // Control characters cannot be listed as XML.
  if ([...key].some((character) => isControl(character.codePointAt(0) ?? 0)))
    throw unknownMember("s3", "a key with control characters", "choose another key");
  return { bucket, key };
}

/**
 * Refuses headers and query parameters that the operation does not honour.
 * @param headers honoured names; a trailing `*` honours all with that beginning
 * @throws AwsFault CS-4036
 */
export function honourOnly(call: AwsCall, headers: readonly string[], query: readonly string[]): void {
  const honoured = (name: string) =>
    TRANSPORT.has(name) ||
    headers.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each));
  const header = Object.keys(call.headers).find(
    (name) => (name.startsWith("x-amz-") || CONDITIONAL.has(name)) && !honoured(name),
  );
  if (header !== undefined) throw unknownMember("s3", `header ${header}`);
  const parameter = [...call.query.keys()].find((name) => name !== "x-id" && !query.includes(name));
  if (parameter !== undefined) throw unknownMember("s3", `query parameter ${parameter}`);
}

function isControl(codePoint: number): boolean {
  return codePoint < 0x20 || codePoint === 0x7f || codePoint === 0xfffe || codePoint === 0xffff;
}
