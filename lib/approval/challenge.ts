/** Whether a typed code is one that was mailed with this link. */
import type { Approvals, LinkCode } from "../aws/approvals.js";
import { isCode, MAX_WRONG_CODES, readCode } from "./code.js";

export type CodeAnswer =
  | { readonly kind: "right" }
  /** nothing that could be a code was typed: that is no try */
  | { readonly kind: "no-code" }
  | { readonly kind: "wrong"; readonly triesLeft: number }
  /** every code that is still good is locked by wrong tries */
  | { readonly kind: "locked" }
  /** none is good any more, or none was sent */
  | { readonly kind: "expired" };

type Store = Pick<Approvals, "readCodes" | "takeTry" | "returnTry" | "readTries">;

/**
 * Compares with every code of the link that is still good. Each issue of codes has `MAX_WRONG_CODES` tries, taken before the code is
 * compared, so that many at once do not get more.
 */
export async function checkCode(store: Store, linkId: string, typed: string, nowMs: number): Promise<CodeAnswer> {
  const good = (await store.readCodes(linkId)).filter(({ expires_at: until }) => nowMs < Date.parse(until));
  if (good.length === 0) return { kind: "expired" };
  const issues = [...new Set(good.map(({ issue }) => issue))];
  const code = readCode(typed);
  if (code === undefined) {
    const tries = await Promise.all(issues.map((issue) => store.readTries(linkId, issue)));
    return { kind: tries.every((used) => used >= MAX_WRONG_CODES) ? "locked" : "no-code" };
  }
  const taken = await Promise.all(
    issues.map(async (issue) => ({ issue, used: await store.takeTry(linkId, issue, MAX_WRONG_CODES) })),
  );
  const open = taken.flatMap(({ issue, used }) => (used === "locked" ? [] : [{ issue, used }]));
  if (open.length === 0) return { kind: "locked" };
  if (await isOneOf(good, new Set(open.map(({ issue }) => issue)), code)) {
    await Promise.all(open.map(({ issue }) => store.returnTry(linkId, issue)));
    return { kind: "right" };
  }
  const triesLeft = Math.max(...open.map(({ used }) => MAX_WRONG_CODES - used));
  return triesLeft > 0 ? { kind: "wrong", triesLeft } : { kind: "locked" };
}

async function isOneOf(codes: readonly LinkCode[], issues: ReadonlySet<number>, code: string): Promise<boolean> {
  for (const { issue, salt, code_hash: hash } of codes) {
    if (issues.has(issue) && (await isCode(code, salt, hash))) return true;
  }
  return false;
}
