/** Cookies and times of sign-ins. */
import { randomBytes, timingSafeEqual } from "node:crypto";

/** To find the way to the issuer and back. */
export const SIGN_IN_MS = 10 * 60_000;
/** A working day; nobody approves with last week's sign-in. */
export const SESSION_MS = 8 * 3_600_000;

export const PENDING_COOKIE = "__Host-countersign-sign-in";
export const SESSION_COOKIE = "__Host-countersign";

/** 256 bits. */
export const newId = (): string => randomBytes(32).toString("base64url");

/** `__Host-`: only this site, only https (and loopback), no other path; not readable by scripts, not sent with another site's forms. */
export function setCookie(name: string, value: string, maxAgeSec: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSec}; HttpOnly; Secure; SameSite=Lax`;
}
export const dropCookie = (name: string): string => setCookie(name, "", 0);

/** The cookie's value when it has the form of an id; undefined also when the name comes twice. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const found = (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  const [value] = found;
  return found.length === 1 && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
}

/** Where to go on to: a page of this desk that a person may open, or the inbox. */
export function ownPath(to: string | undefined): string {
  return to !== undefined && /^\/(inbox|inbox\/[A-Za-z0-9-]{1,64}\/[A-Za-z0-9_-]{1,64})$/.test(to) ? to : "/inbox";
}

export function isSameToken(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected, "utf8"), Buffer.from(given, "utf8")];
  return left.length === right.length && timingSafeEqual(left, right);
}
