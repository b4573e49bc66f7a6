/** What an approver is shown, whole: built once, sealed with the request, and shown again unchanged. */
import type { SignIn } from "../contract/model.js";
import { GUARDRAIL_PREFIX } from "../policy/guardrails.js";
import { agentId } from "../policy/names.js";
import type { Json } from "./canonical.js";
import { proposalStep } from "./hash.js";
import { holdsSensitive, knowsSensitive } from "./outbound.js";
import { type Panel, remindersOf } from "./panel.js";
import { exposureOf, type Ruling } from "./policy.js";
import { type ApprovalView, approvalView } from "./protocol.js";
import { noncesOf } from "./redact.js";
import { subjectOf } from "./resource.js";
import { isoTime } from "./time.js";
import { renderTitle, typedConfirmation } from "./title.js";
import type { Evidence, GateCase } from "./types.js";

export interface Asking {
  readonly approvalId: string;
  readonly actionHash: string;
  /** ISO */
  readonly deadline: string;
  readonly needed: 1 | 2;
  readonly approvers: readonly string[];
  readonly round: number;
  readonly signIn: SignIn;
  readonly escalation: Panel["escalation"];
  readonly delegates: readonly string[];
  readonly ruling: Ruling;
}

export function viewOf(gate: GateCase, evidence: Evidence, asking: Asking): ApprovalView {
  const { input, run, tool, args, resource, proposed } = gate;
  const { contract, hashes, request } = input;
  const preview = evidence.preview?.status === "ok" ? evidence.preview.preview : null;
  return {
    approval_id: asking.approvalId,
    view_nonce: noncesOf(input.runSecret, request.turn, "view")(""),
    workflow: contract.name,
    purpose: contract.purpose,
    agent: agentId(contract),
    tenant: request.tenant,
    stage: input.stage,
    run_id: request.run_id,
    step: proposalStep(request.turn),
    turn: request.turn,
    requester: run.started.requester,
    requested_at: isoTime(input.nowMs),
    deadline: asking.deadline,
    time_zone: contract.timeZone,
    title: renderTitle(tool, args, resource.id),
    tool: tool.name,
    tool_description: tool.description,
    tool_schema_hash: proposed.tool_schema_hash,
    contract_hash: proposed.contract_hash,
    policy_set_hash: hashes.policySetHash,
    action_hash: asking.actionHash,
    args,
    nonces: { ...gate.nonces },
    sensitive_paths: [...tool.sensitiveInput],
    reversibility: tool.reversibility,
    compensation: tool.compensation ?? null,
    blast_radius: tool.blastRadius,
    preview: preview === null ? null : { before: preview.before, after: preview.after, notes: [...preview.notes] },
    because: askingPolicies(asking.ruling, evidence).map((id) => ({
      policy_id: id,
      reason: evidence.policies[id]?.reason ?? "",
      text: evidence.policies[id]?.text ?? "",
    })),
    says: gate.rationale,
    confidence_percent: proposed.confidence_percent,
    based_on: gate.memory.calls
      .filter((call) => call.status === "ok")
      .map((call) => ({ tool: call.tool.name, subject: subjectOf(call), at: call.at, untrusted: call.untrusted })),
    exposure: { ...exposureOf(gate, evidence.counters) },
    spent_micro_usd: run.spentMicroUsd,
    budget_micro_usd: run.started.budget_micro_usd,
    needed: asking.needed,
    approvers: [...asking.approvers],
    typed_confirmation: typedConfirmation(tool, args, resource.id),
    round: asking.round,
    ...editOf(gate),
    sign_in: asking.signIn,
    remind_at: remindersOf(contract, input.nowMs, asking.deadline),
    escalation: [...asking.escalation],
    delegates: [...asking.delegates],
    owner: { ...contract.owner },
    slack_users: { ...contract.approvers.slack.users },
    slack_channel: contract.approvers.slack.channel ?? null,
    time_zones: { ...contract.approvers.timeZones },
    ...pageOnly(gate, evidence),
  };
}

/**
 * What a mail or a Slack message must not carry. The agent has read every sensitive value that the run knows, and its words are not
 * checked for paraphrases: as soon as there is one, they stay on the page.
 */
function pageOnly(gate: GateCase, evidence: Evidence): Pick<ApprovalView, "page_only"> {
  const { input, memory, tool, args, resource } = gate;
  const leaks = (value: unknown) => holdsSensitive(input.contract, memory, { tool, args }, value);
  const preview = evidence.preview?.status === "ok" ? evidence.preview.preview : null;
  const sensitiveTool = tool.sensitiveInput.length > 0 || tool.sensitiveOutput.length > 0;
  const parts: NonNullable<ApprovalView["page_only"]> = [
    ...(leaks(renderTitle(tool, args, resource.id)) ? (["title"] as const) : []),
    // Beside what the contract names: a value from elsewhere, in a field that should not hold it.
    ...(leaks(gate.proposed.args) ? (["args"] as const) : []),
    ...(preview !== null && (sensitiveTool || leaks(preview)) ? (["preview"] as const) : []),
    ...(gate.rationale !== null && (knowsSensitive(input.contract, memory, { tool, args }) || leaks(gate.rationale))
      ? (["says"] as const)
      : []),
  ];
  return parts.length === 0 ? {} : { page_only: parts };
}

/** Of a question that is put again: who changed what. */
function editOf({ again }: GateCase): Pick<ApprovalView, "edited_by" | "original_args" | "edit_refused"> {
  if (again === null) return { edited_by: null, original_args: null, edit_refused: null };
  const { shown } = again.question;
  const original = shown.original_args ?? (again.editedBy === null ? null : shown.args);
  return { edited_by: again.editedBy ?? shown.edited_by, original_args: original, edit_refused: again.refused };
}

/**
 * The policies that ask: permits that allow only with approvals, and forbids that stopped the tiers below. The first one gives the
 * approval its type, and a team's own policy says more than a generated guardrail.
 */
export function askingPolicies(ruling: Ruling, evidence: Pick<Evidence, "policies">): readonly string[] {
  const asks = ruling.determining.filter((id) => /\bapprovals\b/.test(evidence.policies[id]?.text ?? ""));
  const isGuardrail = (id: string) => id.startsWith(GUARDRAIL_PREFIX);
  const { deniedBy } = ruling;
  const all = [...asks, ...deniedBy.filter((id) => !isGuardrail(id)), ...deniedBy.filter(isGuardrail)];
  return all.length > 0 ? [...new Set(all)] : ruling.determining;
}

/** The sealed view as it came back from the vault; null when it is not the one that was asked about. */
export function parseView(shown: unknown, actionHash: string): ApprovalView | null {
  const parsed = approvalView.safeParse(shown);
  return parsed.success && parsed.data.action_hash === actionHash ? parsed.data : null;
}

/** As a sealed value. */
export const viewJson = (view: ApprovalView): Json => ({ ...view });
