import { type Handler, ToolError } from "../../../../../../lib/index.js";
import { callStripe, stripeClient } from "./stripe.client.js";
import type { refund } from "./stripe.js";

export const handle: Handler<typeof refund> = async (input, context) => {
  const stripe = await stripeClient(context);
  const created = await callStripe(true, () =>
    stripe.refunds.create(
      {
        charge: input.charge_id,
        amount: input.amount_cents,
        reason: input.reason,
        metadata: { countersign_run: context.runId, countersign_step: context.step },
      },
      { idempotencyKey: context.idempotencyKey },
    ),
  );
  if (created.status !== "succeeded" && created.status !== "pending")
    throw new ToolError("refund_not_made", `stripe: the refund is ${created.status ?? "unknown"}`, {
      retryable: false,
      effectPossible: false,
    });
  return { refund_id: created.id, status: created.status };
};
