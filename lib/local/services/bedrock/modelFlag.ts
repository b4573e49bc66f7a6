/** The value of `--model`: where model answers come from. */
import { CountersignError } from "../../../errors.js";
import type { ConverseModel } from "./converse.js";
import { openAiModel } from "./openai.js";
import { bedrockProxy } from "./proxy.js";

export type ModelChoice =
  | { readonly kind: "bedrock"; readonly region?: string }
  | { readonly kind: "openai"; readonly baseUrl: string; readonly model?: string };

const FORMS = "bedrock, bedrock:<region>, openai:<base-url> or openai:<base-url>#<model>";

/** @throws CountersignError CS-4041 */
export function parseModelFlag(value: string): ModelChoice {
  if (value === "bedrock") return { kind: "bedrock" };
  const region = /^bedrock:([a-z]{2}(?:-[a-z]+)+-\d)$/.exec(value)?.[1];
  if (region !== undefined) return { kind: "bedrock", region };
  if (value.startsWith("openai:")) return openAiChoice(value, value.slice("openai:".length));
  throw wrong(value, "is no kind of model");
}

/** @param defaultRegion for `bedrock` without a region; @param apiKey for `openai` endpoints that want one */
export function modelOf(choice: ModelChoice, defaultRegion: string, apiKey?: string): ConverseModel {
  if (choice.kind === "bedrock") return bedrockProxy(choice.region ?? defaultRegion);
  return openAiModel(choice.baseUrl, apiKey, choice.model === undefined ? {} : { model: choice.model });
}

function openAiChoice(value: string, address: string): ModelChoice {
  if (!URL.canParse(address)) throw wrong(value, "has no base URL");
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw wrong(value, `has a ${url.protocol} URL`);
  if (url.username !== "" || url.password !== "" || url.search !== "")
    throw wrong(value, "has credentials or a query in its URL, which would show in the process list");
  const model = decodeURIComponent(url.hash.slice(1));
  const baseUrl = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  return model === "" ? { kind: "openai", baseUrl } : { kind: "openai", baseUrl, model };
}

function wrong(value: string, reason: string): CountersignError {
  const shown = value.replace(/\/\/[^/@]*@/, "//***@").replace(/\?[^#]*/, "?***");
  return new CountersignError("CS-4041", `--model ${shown}: ${reason}; use ${FORMS}`, { allowed: FORMS });
}
