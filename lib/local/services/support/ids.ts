/**
 * Ids of created resources. They follow from stack and logical id, so that local data still belongs to its resource
 * after a restart; to a reader they are as opaque as on AWS.
 */
import { createHash, randomInt } from "node:crypto";
import type { ResourceRequest } from "../../types.js";

const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

function digest(request: ResourceRequest, purpose: string): Buffer {
  return createHash("sha256").update(`${request.stackName}\n${request.logicalId}\n${purpose}`).digest();
}

/** UUID-shaped, as KMS names keys. */
export function stableUuid(request: ResourceRequest): string {
  const hex = digest(request, "uuid").toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

/** `length` (at most 32) letters and digits. */
export function stableToken(request: ResourceRequest, length: number, purpose = "token"): string {
  return [...digest(request, purpose).subarray(0, length)]
    .map((byte) => LETTERS.charAt(byte % LETTERS.length))
    .join("");
}

/** As `stableToken`, for what a call creates and no template names. */
export function randomToken(length: number): string {
  return Array.from({ length }, () => LETTERS.charAt(randomInt(LETTERS.length))).join("");
}
