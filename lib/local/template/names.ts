import { createHash } from "node:crypto";

/** The physical name of a resource whose template names none: `<stack>-<logicalId>-<hash>`, at most 64 characters, the same in every start. */
export function defaultName(stack: string, logicalId: string): string {
  const digest = createHash("sha256").update(`${stack}/${logicalId}`).digest();
  const hash = [...digest.subarray(0, 12)].map((byte) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte % 32]).join("");
  const room = 64 - hash.length - 2;
  const shortStack = stack.slice(0, Math.max(Math.floor(room / 2), room - logicalId.length));
  return `${shortStack}-${logicalId.slice(0, room - shortStack.length)}-${hash}`;
}

/** A stack's id; its last part is derived from the name, so that it is the same in every start. */
export function stackId(stack: string, accountId: string, region: string): string {
  const hex = createHash("sha256").update(`stack/${stack}`).digest("hex");
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
  return `arn:aws:cloudformation:${region}:${accountId}:stack/${stack}/${uuid}`;
}
