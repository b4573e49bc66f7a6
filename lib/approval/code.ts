/** The code that is in the mail and not in the link: what a mail scanner that opens links and presses buttons does not have. */
import { randomInt, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** No I, L, O, 0, 1: nothing that is read as something else. */
const ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const LENGTH = 8;
/** These lock an issue of codes, never the person: a fresh one can be sent. */
export const MAX_WRONG_CODES = 5;
/** A code that was asked for is read at once. */
export const FRESH_CODE_MS = 30 * 60_000;
/** The first one lies in a mail that is read when its reader comes to it: as long as the question is open, but no longer than a day. */
const FIRST_CODE_MS = 24 * 3_600_000;

export const firstCodeUntilMs = (askedMs: number, deadlineMs: number): number =>
  Math.min(deadlineMs, askedMs + FIRST_CODE_MS);

/** Eight characters, 39 bits. `random(n)` is uniform in 0 … n-1. */
export function newCode(random: (below: number) => number = randomInt): string {
  return Array.from({ length: LENGTH }, () => ALPHABET.charAt(random(ALPHABET.length))).join("");
}

/** `ABCD-EFGH`: as the mail shows it. */
export function showCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/** What was typed, without case, blanks and dashes; undefined when it cannot be a code. */
export function readCode(typed: string): string | undefined {
  const code = typed
    .normalize("NFKC")
    .replace(/[\s\p{Dash}]/gu, "")
    .toUpperCase();
  return code.length === LENGTH && [...code].every((character) => ALPHABET.includes(character)) ? code : undefined;
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);

/** Slow on purpose: who reads the table must not find 39 bits by trying. `saltHex`: 16 random bytes. */
export async function hashCode(code: string, saltHex: string): Promise<string> {
  return (await derive(code, Buffer.from(saltHex, "hex"), 32)).toString("hex");
}

/** Compares in constant time. */
export async function isCode(code: string, saltHex: string, hashHex: string): Promise<boolean> {
  const expected = Buffer.from(hashHex, "hex");
  const given = Buffer.from(await hashCode(code, saltHex), "hex");
  return expected.length === given.length && timingSafeEqual(expected, given);
}
