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

/** @param leaking more paths to redact: texts that will not pass the outbound check, so that no tool ever gets them */
export function actionForms(
  tool: Tool,
  args: JsonObject,
  runSecret: Uint8Array,
  turn: number,
  leaking: readonly string[] = [],
): TwoForms {
  const paths = [...tool.sensitiveInput, ...leaking];
  const { redacted, sealed } = redact(args, paths, noncesOf(runSecret, turn, "args"));
  return {
    action: { tool: tool.name, args, nonces: nonceMap(sealed) },
    redacted,
    argsHash: hashJson(redacted),
    sealed,
  };
}
