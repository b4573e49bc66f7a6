import { defineWorkflow, z } from "../../lib/index.js";
import * as desk from "./tools/desk.js";

export default defineWorkflow({
  name: "my-workflow",
  version: 1,
  purpose: "Say in one sentence what this workflow decides and what it may change.",
  owner: { name: "Your team", email: "your-team@example.com" },
  input: z.strictObject({ request_id: z.string().regex(/^req_[a-z0-9]{1,32}$/), item_id: desk.itemId }),
  agent: { kind: "bedrock", model: "anthropic.claude-sonnet-4-5-20250929-v1:0", instructions: "./instructions.md" },
  tools: [desk.getItem, desk.setStatus],
  approvers: { first: ["you@example.com"] },
  reference: "request_id",
  resource: {
    type: "Item",
    id: "input.item_id",
    facts: { item_id: "input.item_id", status: "desk.get_item.status" },
  },
  // observe: every change is recorded as a recommendation and none runs. When the record convinces you, raise it
  // to approve-all (every change asks a person), then to routine.
  autonomy: "observe",
  outcomes: ["done", "escalated"],
  sandbox: { "desk.example.com": "./sandbox/desk.ts" },
});
