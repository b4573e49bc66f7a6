import { AwsFault } from "../types.js";

export interface PageRequest {
  /** 0 and undefined mean the default */
  readonly maxResults?: number | undefined;
  readonly nextToken?: string | undefined;
}
const DEFAULT_RESULTS = 100;

/** One page of a list; `nextToken` is there when more follow. Throws `AwsFault` InvalidToken. */
export function page<T>(
  all: readonly T[],
  request: PageRequest,
): { readonly items: readonly T[]; readonly nextToken?: string } {
  const start = request.nextToken === undefined ? 0 : offsetOf(request.nextToken);
  const end = start + (request.maxResults || DEFAULT_RESULTS);
  const items = all.slice(start, end);
  return end < all.length ? { items, nextToken: tokenOf(end) } : { items };
}

const PREFIX = "page:";

function tokenOf(offset: number): string {
  return Buffer.from(`${PREFIX}${offset}`).toString("base64url");
}

function offsetOf(token: string): number {
  const text = Buffer.from(token, "base64url").toString();
  const digits = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : "";
  if (!/^\d{1,9}$/.test(digits)) throw new AwsFault("InvalidToken", "Invalid Token: 'Invalid token'");
  return Number(digits);
}
