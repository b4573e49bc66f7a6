import { ToolError, type z } from "../../../../../../lib/index.js";
import type { reply } from "./zendesk.js";

type ReplyInput = z.output<(typeof reply)["definition"]["input"]>;

function euros(amountCents: number): string {
  return new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" }).format(amountCents / 100);
}

/** The text the customer reads: a template, the amount where it has one, then the note. */
export function replyText(input: ReplyInput): string {
  if (input.template === "refund-confirmed" && input.amount_cents === undefined)
    throw new ToolError(
      "amount_missing",
      "template refund-confirmed: amount_cents is missing; give the refunded amount in cents",
      { retryable: false, effectPossible: false },
    );
  const amount = input.amount_cents === undefined ? "" : euros(input.amount_cents);
  const templates: Record<ReplyInput["template"], string> = {
    "refund-confirmed": `We have refunded ${amount} to your original payment method. It can take five to ten days to show on your statement.`,
    explained: "We have checked the charge you asked about and it is correct. The details are on your invoice.",
    "handed-over": "A colleague will look into your dispute and answer you here.",
    correction: "Our previous answer was wrong. Please disregard it; a colleague will answer you here.",
  };
  const text = templates[input.template];
  return input.note === undefined ? text : `${text}\n\n${input.note}`;
}
