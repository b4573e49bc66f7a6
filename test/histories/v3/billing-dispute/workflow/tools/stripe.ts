import { defineTool, z } from "../../../../../../lib/index.js";

export const chargeId = z.string().regex(/^ch_[A-Za-z0-9]{1,32}$/);
export const customerId = z.string().regex(/^cus_[A-Za-z0-9]{1,32}$/);

const shared = { secrets: ["stripe-api-key"], hosts: ["api.stripe.com"], timeout: { seconds: 20 } };

export const lookupCharge = defineTool({
  name: "stripe.lookup_charge",
  description: "Look up one charge: its amount, what was refunded of it, and whose it is.",
  input: z.strictObject({ charge_id: chargeId }),
  output: z.strictObject({
    charge_id: chargeId,
    customer_id: customerId,
    customer_name: z.string().max(200),
    customer_tier: z.enum(["standard", "business", "blocked"]),
    country: z.string().length(2),
    amount_cents: z.int().min(0),
    refunded_cents: z.int().min(0),
    currency: z.literal("eur"),
    description: z.string().max(500),
    created_at: z.iso.datetime(),
  }),
  effect: "read",
  sensitive: { output: ["customer_name"] },
  dataClass: "financial",
  ...shared,
  handler: "./stripe.lookup-charge.ts",
});

export const listRefunds = defineTool({
  name: "stripe.list_refunds",
  description: "List the refunds a customer has had, newest first, at most 100.",
  input: z.strictObject({ customer_id: customerId }),
  output: z.strictObject({
    refunds: z
      .array(
        z.strictObject({
          refund_id: z.string().max(64),
          charge_id: chargeId,
          amount_cents: z.int().min(0),
          status: z.string().max(40),
          created_at: z.iso.datetime(),
        }),
      )
      .max(100),
    total_cents: z.int().min(0),
  }),
  effect: "read",
  dataClass: "financial",
  ...shared,
  handler: "./stripe.list-refunds.ts",
});

export const refund = defineTool({
  name: "stripe.refund",
  description: "Refund part or all of one charge.",
  title: "Refund {amount_cents:EUR} to {resource}",
  input: z.strictObject({
    charge_id: chargeId,
    amount_cents: z.int().min(1).max(10_000_000),
    reason: z.enum(["duplicate", "fraudulent", "requested_by_customer"]),
  }),
  output: z.strictObject({ refund_id: z.string().max(64), status: z.enum(["pending", "succeeded"]) }),
  effect: "write",
  reversibility: "irreversible",
  blastRadius: "customer",
  dataClass: "financial",
  errorDetectability: "immediate",
  maturity: "stable-api",
  requires: [{ tool: "stripe.lookup_charge", same: ["charge_id"] }],
  exposure: { amount: "amount_cents", per: ["run", "resource-day", "workflow-day"] },
  idempotency: "key",
  ...shared,
  preview: "./stripe.refund.preview.ts",
  handler: "./stripe.refund.ts",
});
