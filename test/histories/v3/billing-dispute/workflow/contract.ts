import { defineWorkflow, z } from "../../../../../lib/index.js";
import * as stripe from "./tools/stripe.js";
import * as zendesk from "./tools/zendesk.js";

export default defineWorkflow({
  name: "billing-dispute",
  version: 3,
  purpose: "Settle a customer's dispute about one charge: refund it, explain it, or hand it over.",
  owner: { name: "Payments operations", email: "payments-ops@example.com" },
  input: z.strictObject({
    dispute_id: z.string().regex(/^dp_[A-Za-z0-9]{1,32}$/),
    charge_id: stripe.chargeId,
    customer_id: stripe.customerId,
    ticket_id: zendesk.ticketId,
    opened_at: z.iso.datetime(),
    claim: z.string().max(2000),
  }),
  agent: { kind: "bedrock", model: "anthropic.claude-sonnet-4-5-20250929-v1:0", instructions: "./instructions.md" },
  tools: [stripe.lookupCharge, stripe.listRefunds, stripe.refund, zendesk.getTicket, zendesk.reply],
  approvers: {
    first: ["ana@example.com", "group:billing-leads"],
    groups: { "billing-leads": ["bo@example.com", "chris@example.com"], "finance-leads": ["erin@example.com"] },
    timeLimit: { hours: 4 },
    remindAt: [25, 90],
    escalate: [{ after: { hours: 2 }, to: ["group:finance-leads"] }],
    delegates: ["farid@example.com"],
    slack: {
      users: {
        "ana@example.com": "U012ANA3CD",
        "bo@example.com": "U012BO4EF",
        "erin@example.com": "U012ERI5GH",
        "farid@example.com": "U012FAR6IJ",
      },
      channel: "C012BILLING",
    },
  },
  // Everything below has a default.
  tenants: ["acme"],
  timeZone: "Europe/Berlin",
  sensitive: ["claim"],
  untrusted: ["claim"],
  reference: "dispute_id",
  unique: ["dispute_id"],
  resource: {
    type: "Customer",
    id: "input.customer_id",
    facts: {
      customer_id: "input.customer_id",
      charge_id: "input.charge_id",
      ticket_id: "input.ticket_id",
      tier: "stripe.lookup_charge.customer_tier",
      country: "stripe.lookup_charge.country",
    },
  },
  freshness: { opened_at: { days: 60 } },
  crossReferences: { customer_id: "stripe.lookup_charge.customer_id" },
  autonomy: "routine",
  budget: { perRunUsd: 0.4, perDayUsd: 50, over: "escalate" },
  limits: { steps: 20, toolCalls: 12, runTime: { hours: 24 } },
  outcomes: ["refunded", "explained", "escalated"],
  sandbox: { "api.stripe.com": "./sandbox/stripe.ts", "acme.zendesk.com": "./sandbox/zendesk.ts" },
});
