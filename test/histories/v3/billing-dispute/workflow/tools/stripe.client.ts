import Stripe from "stripe";
import { type ToolContext, ToolError } from "../../../../../../lib/index.js";

/** Stripe's SDK, pointed at `api.stripe.com` or, in local mode, at the sandbox. It retries nothing: the ledger decides about repeats. */
export async function stripeClient(context: ToolContext): Promise<Stripe> {
  const base = new URL(context.baseUrl("api.stripe.com"));
  const protocol = base.protocol === "http:" ? "http" : "https";
  return new Stripe(await context.secret("stripe-api-key"), {
    protocol,
    host: base.hostname,
    port: base.port === "" ? (protocol === "http" ? 80 : 443) : base.port,
    maxNetworkRetries: 0,
    timeout: 15_000,
    telemetry: false,
  });
}

/** Runs one call and turns Stripe's errors into tool errors. `write`: whether a lost answer may hide an effect. */
export async function callStripe<T>(write: boolean, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const code = error.code ?? error.type;
    const message = `stripe: ${error.message}`;
    if (error instanceof Stripe.errors.StripeConnectionError || error instanceof Stripe.errors.StripeAPIError)
      throw new ToolError(code, message, { retryable: true, effectPossible: write });
    if (error instanceof Stripe.errors.StripeRateLimitError)
      throw new ToolError(code, message, { retryable: true, effectPossible: false });
    throw new ToolError(code, message, { retryable: false, effectPossible: false });
  }
}

/** Stripe's epoch seconds as UTC ISO. */
export function isoTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString();
}

/** The id behind a field that Stripe gives as an id or, expanded, as an object. */
export function idOf(field: string | { readonly id: string } | null | undefined, name: string): string {
  if (field === null || field === undefined)
    throw new ToolError("missing_field", `stripe: the answer has no ${name}`, {
      retryable: false,
      effectPossible: false,
    });
  return typeof field === "string" ? field : field.id;
}
