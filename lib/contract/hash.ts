import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { CountersignError } from "../errors.js";
import { contractDescription, toolSchemas } from "./describe.js";
import type { Contract, Tool } from "./model.js";

/**
 * Hex SHA-256 of the RFC 8785 canonical form.
 * @throws CountersignError CS-1025 for what has no canonical form
 */
export function sha256Jcs(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined)
    throw new CountersignError("CS-1025", `hash: ${typeof value} is not JSON; hash JSON values only`);
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** Changes with anything a contract says, and only then. */
export function contractHash(contract: Contract): string {
  return sha256Jcs(contractDescription(contract));
}

/** Of each tool, by its name. */
export function toolSchemaHashes({ tools }: Contract): Readonly<Record<string, string>> {
  return Object.fromEntries(tools.map((tool) => [tool.name, toolSchemaHash(tool)]));
}

/** Changes when calls of the tool mean something else: its name, effect, schemas and what of them is sensitive. */
export function toolSchemaHash(tool: Tool): string {
  const { name, effect, sensitiveInput, sensitiveOutput } = tool;
  return sha256Jcs({ name, effect, sensitiveInput, sensitiveOutput, ...toolSchemas(tool) });
}
