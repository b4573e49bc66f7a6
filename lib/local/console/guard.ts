/** What lets only the console's own pages make the console do something: a page of another site knows no token and has another origin. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";

export interface FormGuard {
  /** for a hidden field `token` */
  readonly token: string;
  /** whether the request comes from a form of ours */
  isOurs(context: Context, token: unknown): boolean;
}

export function formGuard(): FormGuard {
  const token = randomBytes(24).toString("base64url");
  return {
    token,
    isOurs(context, given) {
      const origin = context.req.header("origin");
      const site = context.req.header("sec-fetch-site");
      if (site !== undefined && site !== "same-origin") return false;
      if (origin !== undefined && origin !== "null" && new URL(origin).host !== context.req.header("host"))
        return false;
      if (typeof given !== "string" || given.length !== token.length) return false;
      return timingSafeEqual(Buffer.from(given), Buffer.from(token));
    },
  };
}
