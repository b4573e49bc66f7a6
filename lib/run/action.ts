/** An action in its two forms: plain with nonces, as it travels, and redacted with its hash, as it is recorded. */
import type { Tool } from "../contract/model.js";
import { hashJson, type Json, type JsonObject } from "./canonical.js";
import type { Action } from "./protocol.js";
import { nonceMap, noncesOf, redact, type SealedValue } from "./redact.js";

export interface TwoForms {
  readonly action: Action;
  readonly redacted: Json;
  /** SHA-256(JCS(redacted)) */
  readonly argsHash: string;
  readonly sealed: Readonly<Record<string, SealedValue>>;
}

export function actionForms(tool: Tool, args: JsonObject, runSecret: Uint8Array, turn: number): TwoForms {
  const { redacted, sealed } = redact(args, tool.sensitiveInput, noncesOf(runSecret, turn, "args"));
  return {
    action: { tool: tool.name, args, nonces: nonceMap(sealed) },
    redacted,
    argsHash: hashJson(redacted),
    sealed,
  };
}
