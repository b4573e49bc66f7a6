/** The first line a person reads: the tool's title with its placeholders filled, and what must be typed to confirm. */

import type { Tool } from "../contract/model.js";
import { valuesAt } from "../contract/schema-paths.js";
import type { JsonObject } from "./canonical.js";
import { amountText, moneyText } from "./money.js";

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.[\]]*)(?::([A-Z]{3}))?\}/g;

/** `Refund {amount_cents:EUR} to {resource}` → `Refund €420.00 to cus_9`. Hostile characters come out visible; nothing is cut. */
export function renderTitle(tool: Pick<Tool, "title">, args: JsonObject, resourceId: string): string {
  return tool.title.replace(PLACEHOLDER, (_, field: string, currency: string | undefined) => {
    if (field === "resource") return visible(resourceId);
    const value = valuesAt(args, field)[0];
    if (currency !== undefined && typeof value === "number") return moneyText(value, currency);
    if (value === undefined) return "(none)";
    return visible(typeof value === "string" ? value : JSON.stringify(value));
  });
}

/** For irreversible actions: the amount of the title (`420.00`), else the resource's id; null when a click is enough. */
export function typedConfirmation(
  tool: Pick<Tool, "title" | "reversibility">,
  args: JsonObject,
  resourceId: string,
): string | null {
  if (tool.reversibility !== "irreversible") return null;
  for (const [, field, currency] of tool.title.matchAll(PLACEHOLDER)) {
    const value = field === undefined ? undefined : valuesAt(args, field)[0];
    if (currency !== undefined && typeof value === "number") return amountText(value, currency);
  }
  return resourceId;
}

/** Characters that reorder, hide or break a line are written as escapes, so that what is read is what is there. */
export const visible = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
