/**
 * Slack's request signature v0: `v0=` + hex HMAC-SHA256 of `v0:<timestamp>:<raw body>` under the signing secret. Source:
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** A request that is older or newer than this is not taken, in seconds. */
export const SIGNATURE_WINDOW_SEC = 300;

export interface SignedRequest {
  /** header `x-slack-request-timestamp`, as sent */
  readonly timestamp: string | undefined;
  /** header `x-slack-signature`, as sent */
  readonly signature: string | undefined;
  /** the bytes of the body, before anything decoded them */
  readonly rawBody: Uint8Array;
}
/** `stale`: rightly or wrongly signed, but not now. */
export type SignatureVerdict = "right" | "wrong" | "stale";

export function slackSignature(secret: string, timestamp: string, rawBody: Uint8Array): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:`).update(rawBody).digest("hex")}`;
}

/** Compares in constant time. A header that came twice (joined by a comma) is wrong. */
export function checkSlackSignature(secret: string, request: SignedRequest, nowSec: number): SignatureVerdict {
  const { timestamp, signature, rawBody } = request;
  if (secret === "" || timestamp === undefined || signature === undefined) return "wrong";
  if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return "wrong";
  const expected = Buffer.from(slackSignature(secret, timestamp, rawBody), "utf8");
  if (!timingSafeEqual(expected, Buffer.from(signature, "utf8"))) return "wrong";
  return Math.abs(nowSec - Number(timestamp)) <= SIGNATURE_WINDOW_SEC ? "right" : "stale";
}
