/** An approval view whose hash is right. */
import { actionHash, proposalStep } from "../../lib/run/hash.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { redactWithNonces } from "../../lib/run/redact.js";

const HEX = "c".repeat(64);

/** The same with a sensitive argument: who holds only a link sees less, and decides nothing. */
export const SENSITIVE = {
  nonces: { memo: "d".repeat(64) },
  sensitive_paths: ["memo"],
} satisfies Partial<ApprovalView>;

export function approvalViewOf(over: Partial<ApprovalView> = {}): ApprovalView {
  const view: ApprovalView = {
    approval_id: "ap_1",
    view_nonce: HEX,
    workflow: "billing-dispute",
    purpose: "Settle a dispute.",
    agent: "billing-dispute-v3",
    tenant: "acme",
    stage: "dev",
    run_id: "bd-dp_118-01J",
    step: "4.proposal",
    turn: 4,
    requester: "arn:aws:sts::111111111111:assumed-role/Requester/dana@example.com",
    requested_at: "2026-11-21T13:00:00.000Z",
    deadline: "2026-11-21T17:00:00.000Z",
    time_zone: "Europe/Berlin",
    title: "Refund €420.00 to cus_9",
    tool: "stripe.refund",
    tool_description: "Refund part or all of one charge.",
    tool_schema_hash: HEX,
    contract_hash: HEX,
    policy_set_hash: HEX,
    action_hash: "",
    args: { charge_id: "ch_77", amount_cents: 42_000, memo: "for Jo Doe" },
    nonces: {},
    sensitive_paths: [],
    reversibility: "irreversible",
    compensation: null,
    blast_radius: "customer",
    preview: {
      before: { charge: "ch_77", currency: "eur", refunded_cents: 0 },
      after: { charge: "ch_77", currency: "eur", refunded_cents: 42_000 },
      notes: ["this refunds the whole charge"],
    },
    because: [{ policy_id: "refund_threshold", reason: "refunds above €50 need one person", text: "permit (…);" }],
    says: "Two charges within a minute.",
    confidence_percent: 92,
    based_on: [{ tool: "zendesk.get_ticket", subject: "4411", at: "2026-11-21T12:59:00.000Z", untrusted: true }],
    exposure: { customer_day_cents: 42_000 },
    spent_micro_usd: 16_600,
    budget_micro_usd: 400_000,
    needed: 1,
    approvers: ["ana@example.com", "bo@example.com"],
    typed_confirmation: "420.00",
    round: 0,
    edited_by: null,
    original_args: null,
    edit_refused: null,
    sign_in: "code",
    remind_at: [],
    escalation: [],
    delegates: [],
    owner: { name: "Payments operations", email: "payments-ops@example.com" },
    slack_users: {},
    slack_channel: null,
    time_zones: {},
    ...over,
  };
  return over.action_hash === undefined ? { ...view, action_hash: hashOf(view) } : view;
}

function hashOf(view: ApprovalView): string {
  return actionHash({
    run_id: view.run_id,
    step: proposalStep(view.turn),
    tool: view.tool,
    tool_schema_hash: view.tool_schema_hash,
    args: redactWithNonces(view.args, view.sensitive_paths, view.nonces),
    contract_hash: view.contract_hash,
    stage: view.stage,
    expires_at: view.deadline,
  });
}
