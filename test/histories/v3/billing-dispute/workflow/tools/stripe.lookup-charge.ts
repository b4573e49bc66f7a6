import { type Handler, ToolError } from "../../../../../../lib/index.js";
import { callStripe, isoTime, stripeClient } from "./stripe.client.js";
import type { lookupCharge } from "./stripe.js";

const TIERS = ["standard", "business", "blocked"] as const;

export const handle: Handler<typeof lookupCharge> = async (input, context) => {
  const stripe = await stripeClient(context);
  const charge = await callStripe(false, () => stripe.charges.retrieve(input.charge_id, { expand: ["customer"] }));
  const customer = charge.customer;
  if (customer === null || typeof customer === "string" || customer.deleted === true)
    throw new ToolError("no_customer", `stripe: charge ${charge.id} belongs to no customer`, {
      retryable: false,
      effectPossible: false,
    });
  const tier = TIERS.find((name) => name === customer.metadata.tier) ?? "standard";
  if (charge.currency !== "eur")
    throw new ToolError("currency", `stripe: charge ${charge.id} is in ${charge.currency}; this workflow handles eur`, {
      retryable: false,
      effectPossible: false,
    });
  return {
    charge_id: charge.id,
    customer_id: customer.id,
    customer_name: customer.name ?? "",
    customer_tier: tier,
    country: customer.address?.country ?? "ZZ",
    amount_cents: charge.amount,
    refunded_cents: charge.amount_refunded,
    currency: "eur",
    description: charge.description ?? "",
    created_at: isoTime(charge.created),
  };
};
