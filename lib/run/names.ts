/** Names of runs: readable in the Step Functions console, which cannot filter by input. */
import { createHash } from "node:crypto";
import type { Contract } from "../contract/model.js";
import { hashJson, type JsonObject, jcs } from "./canonical.js";
import { jsonAt } from "./redact.js";

const MAX_NAME = 80;
const MAX_REFERENCE = 40;

/** `billing-dispute`, `{dispute_id: "dp_118"}`, a ULID → `bd-dp_118-01J…`: at most 80 letters, digits, `_` and `-`. */
export function runName(contract: Pick<Contract, "name" | "reference">, input: JsonObject, suffix: string): string {
  const words = contract.name.split("-");
  const short = words.length === 1 ? contract.name.slice(0, 8) : words.map((word) => word.charAt(0)).join("");
  const value = contract.reference === undefined ? undefined : jsonAt(input, contract.reference);
  const reference = typeof value === "string" || typeof value === "number" ? [safe(String(value))] : [];
  const room = MAX_NAME - short.length - suffix.length - 2;
  return [short, ...reference.map((text) => text.slice(0, Math.min(room, MAX_REFERENCE))), suffix].join("-");
}

const safe = (text: string) => text.replace(/[^A-Za-z0-9_-]/g, "_");

/** Crockford's base 32, as in ULIDs. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The suffix of a request with an id of its own: the same request gives the same 26 characters. */
export function requestSuffix(request: {
  readonly workflow: string;
  readonly tenant: string;
  readonly requester: string;
  readonly requestId: string;
}): string {
  const { workflow, tenant, requester, requestId } = request;
  const digest = createHash("sha256")
    .update(jcs([workflow, tenant, requester, requestId]))
    .digest();
  return Array.from(digest.subarray(0, 26), (byte) => ALPHABET.charAt(byte & 31)).join("");
}

/** What of the input may be in one open run only, as a key; null when the contract names nothing. */
export function uniqueHash(contract: Pick<Contract, "unique">, input: JsonObject): string | null {
  if (contract.unique.length === 0) return null;
  return hashJson(contract.unique.map((field) => [field, jsonAt(input, field) ?? null]));
}
