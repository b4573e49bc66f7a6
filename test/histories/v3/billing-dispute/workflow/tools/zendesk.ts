import { defineTool, z } from "../../../../../../lib/index.js";

export const ticketId = z.string().regex(/^[0-9]{1,12}$/);

const shared = { secrets: ["zendesk-api-token"], hosts: ["acme.zendesk.com"], timeout: { seconds: 20 } };

export const getTicket = defineTool({
  name: "zendesk.get_ticket",
  description: "Read one support ticket and its conversation.",
  input: z.strictObject({ ticket_id: ticketId }),
  output: z.strictObject({
    ticket_id: ticketId,
    status: z.string().max(40),
    subject: z.string().max(500),
    comments: z
      .array(z.strictObject({ author: z.string().max(200), public: z.boolean(), body: z.string().max(10_000) }))
      .max(50),
  }),
  effect: "read",
  sensitive: { output: ["subject", "comments[].author", "comments[].body"] },
  dataClass: "personal",
  untrusted: true,
  ...shared,
  handler: "./zendesk.get-ticket.ts",
});

export const reply = defineTool({
  name: "zendesk.reply",
  description: "Answer the customer on the ticket with one of the templates; `note` adds a sentence of free text.",
  title: "Answer ticket {ticket_id} with {template}",
  input: z.strictObject({
    ticket_id: ticketId,
    template: z.enum(["refund-confirmed", "explained", "handed-over", "correction"]),
    amount_cents: z.int().min(1).optional(),
    note: z.string().max(1000).optional(),
  }),
  output: z.strictObject({ ticket_id: ticketId, comment_id: z.string().max(40) }),
  effect: "write",
  destination: "ticket_id",
  outbound: ["note"],
  reversibility: "compensable",
  // A sent answer cannot be taken back; the template `correction` sets it right.
  compensation: "zendesk.reply",
  blastRadius: "record",
  dataClass: "personal",
  errorDetectability: "immediate",
  maturity: "stable-api",
  idempotency: "read-back",
  ...shared,
  preview: "./zendesk.reply.preview.ts",
  handler: "./zendesk.reply.ts",
});
