import { defineTool, z } from "../../../lib/index.js";

export const itemId = z.string().regex(/^item_[a-z0-9]{1,32}$/);
export const status = z.enum(["open", "waiting", "closed"]);

const shared = { secrets: ["desk-token"], hosts: ["desk.example.com"], timeout: { seconds: 10 } };

export const getItem = defineTool({
  name: "desk.get_item",
  description: "Look one item up.",
  input: z.strictObject({ item_id: itemId }),
  output: z.strictObject({ item_id: itemId, status, title: z.string().max(200) }),
  effect: "read",
  dataClass: "internal",
  ...shared,
  handler: "./desk.get-item.ts",
});

export const setStatus = defineTool({
  name: "desk.set_status",
  description: "Set an item's status.",
  title: "Set {item_id} to {status}",
  input: z.strictObject({ item_id: itemId, status }),
  output: z.strictObject({ item_id: itemId, status }),
  effect: "write",
  reversibility: "reversible",
  blastRadius: "record",
  dataClass: "internal",
  errorDetectability: "immediate",
  maturity: "stable-api",
  requires: [{ tool: "desk.get_item", same: ["item_id"] }],
  // Setting the same status twice changes nothing, so a repeat is safe.
  idempotency: "key",
  ...shared,
  preview: "./desk.set-status.preview.ts",
  handler: "./desk.set-status.ts",
});
