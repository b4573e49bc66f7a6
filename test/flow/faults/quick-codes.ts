/** Hashes of approval codes without the work that makes guessing slow. */
import { createHash } from "node:crypto";

const hashCode = async (code: string, saltHex: string): Promise<string> =>
  createHash("sha256").update(saltHex).update(code).digest("hex");

export const quickCodes = {
  hashCode,
  isCode: async (code: string, saltHex: string, hashHex: string) => (await hashCode(code, saltHex)) === hashHex,
};
