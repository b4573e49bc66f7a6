import { type Preview, ToolError } from "../../../../../../lib/index.js";
import { callStripe, idOf, stripeClient } from "./stripe.client.js";
import type { refund } from "./stripe.js";

export const preview: Preview<typeof refund> = async (input, context) => {
  const stripe = await stripeClient(context);
  const charge = await callStripe(false, () => stripe.charges.retrieve(input.charge_id));
  const refundable = charge.amount - charge.amount_refunded;
  if (input.amount_cents > refundable)
    throw new ToolError(
      "amount_too_large",
      `stripe: ${refundable} cents of charge ${charge.id} can still be refunded, not ${input.amount_cents}`,
      { retryable: false, effectPossible: false },
    );
  const fixed = {
    charge: charge.id,
    customer: idOf(charge.customer, "customer"),
    charged_cents: charge.amount,
    currency: charge.currency,
  };
  return {
    before: { ...fixed, refunded_cents: charge.amount_refunded, refundable_cents: refundable },
    after: {
      ...fixed,
      refunded_cents: charge.amount_refunded + input.amount_cents,
      refundable_cents: refundable - input.amount_cents,
    },
    notes: input.amount_cents === charge.amount ? ["this refunds the whole charge"] : [],
  };
};
