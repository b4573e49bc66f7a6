import type { Handler } from "../../../../../../lib/index.js";
import { callStripe, isoTime, stripeClient } from "./stripe.client.js";
import type { listRefunds } from "./stripe.js";

/** Stripe lists refunds by charge, so the customer's charges come first. */
export const handle: Handler<typeof listRefunds> = async (input, context) => {
  const stripe = await stripeClient(context);
  const charges = await callStripe(false, () =>
    stripe.charges.list({ customer: input.customer_id, limit: 100, expand: ["data.refunds"] }),
  );
  const refunds = charges.data
    .flatMap((charge) => (charge.refunds?.data ?? []).map((refund) => ({ charge, refund })))
    .sort((a, b) => b.refund.created - a.refund.created)
    .slice(0, 100)
    .map(({ charge, refund }) => ({
      refund_id: refund.id,
      charge_id: charge.id,
      amount_cents: refund.amount,
      status: refund.status ?? "unknown",
      created_at: isoTime(refund.created),
    }));
  return { refunds, total_cents: refunds.reduce((sum, refund) => sum + refund.amount_cents, 0) };
};
