/**
 * The run log's events: the product's memory. One discriminated union on `type`; the format is final from the first
 * record on (fields may be added, none renamed or removed). Everything here is the *redacted* form: a sensitive value is
 * a `Commitment`, its nonce and value are in the vault.
 */
import * as z from "zod";
import { isRecordedJson, type Json } from "./json.js";

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const isoTime = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);
const microUsd = z.int().min(0);
/** Not `z.json()`: that one has no end on nested values, and a schema that contains itself cannot be compiled. What was read is put in objects of ours, so it may lie deeper here. */
const json = z.custom<Json>((value) => isRecordedJson(value));

/** SHA-256(nonce ‖ JCS(value)), nonce = 32 bytes. */
export const commitment = z.strictObject({ $commitment: hex64 });
export type Commitment = z.infer<typeof commitment>;

/** DESIGN.md, "Checks, in this order". */
export const CHECK_NAMES = [
  "brake",
  "schema",
  "duplicate",
  "limits",
  "freshness",
  "cross-references",
  "dependencies",
  "plan",
  "outbound",
  "preview",
  "budget",
  "policy",
] as const;
export const check = z.strictObject({
  name: z.enum(CHECK_NAMES),
  result: z.enum(["passed", "failed", "skipped"]),
  /** ours, never the model's or a tool's words; no sensitive values */
  detail: z.string().max(500),
});
export type Check = z.infer<typeof check>;

/** the strictest data class of the contract's tools: says how long the run's records are kept. Older records have none. */
const dataClass = { data_class: z.enum(["public", "internal", "personal", "financial"]).optional() };

const modelCall = {
  /** model id, `plan` or `lambda` */
  model: z.string(),
  prompt_tokens: count,
  completion_tokens: count,
  cost_micro_usd: microUsd,
  latency_ms: count,
  /** SHA-256 of the context object the proposal was made from */
  context_hash: hex64,
};

/** Where a person acted. */
export const approvalChannel = z.enum(["page", "cli", "slack"]);
export type ApprovalChannel = z.infer<typeof approvalChannel>;
/** How a person showed who they are. `code` is the weak one: a forwarded mail carries its code along. */
export const approvalMethod = z.enum(["code", "oidc", "slack", "iam"]);
export type ApprovalMethod = z.infer<typeof approvalMethod>;
export const signInRule = z.enum(["code", "required"]);

const approvalDecision = z.strictObject({
  approval_id: z.string(),
  approver: z.string(),
  decision: z.enum(["approve", "reject"]),
  channel: approvalChannel,
  /** absent in rows of before there was more than the code; optional and not defaulted, as hashes are over what was recorded */
  method: approvalMethod.optional(),
  /** who the method says they are: link id's hash, `sub` of the issuer, Slack user, ARN */
  subject: z.string().max(2048).optional(),
  comment: z.string().max(2000),
  decided_at: isoTime,
  /** when the page with the form was opened, as the form that came back says; absent where there is no page */
  opened_at: isoTime.optional(),
  action_hash: hex64,
  policy_set_hash: hex64,
  /** SHA-256(JCS) of everything that was shown; must be the one of the request */
  view_hash: hex64,
});
export type ApprovalDecision = z.infer<typeof approvalDecision>;
export const approvalDecisionSchema = approvalDecision;

const payloads = {
  RunStarted: z.strictObject({
    requester: z.string(),
    agent: z.string(),
    model: z.string(),
    contract_version: z.int().positive(),
    contract_hash: hex64,
    policy_set_hash: hex64,
    stage: z.string(),
    autonomy: z.enum(["observe", "approve-all", "routine", "bounded"]),
    reference: z.string().nullable(),
    input: json,
    input_hash: hex64,
    budget_micro_usd: microUsd,
    expires_at: isoTime,
    checks: z.array(check),
    ...dataClass,
  }),
  /** the whole log of a run that was not admitted */
  RunRefused: z.strictObject({
    requester: z.string(),
    code: z.string(),
    reason: z.string(),
    checks: z.array(check),
    ...dataClass,
  }),
  ActionProposed: z.strictObject({
    turn: count,
    tool: z.string(),
    tool_schema_hash: hex64,
    /** of the contract that judged it: a part of action_hash */
    contract_hash: hex64,
    args: json,
    /** SHA-256(JCS(args)) of the redacted form */
    args_hash: hex64,
    confidence_percent: z.int().min(0).max(100),
    rationale: commitment.nullable(),
    ...modelCall,
  }),
  FinishProposed: z.strictObject({ turn: count, outcome: z.string(), summary: commitment.nullable(), ...modelCall }),
  ProposalInvalid: z.strictObject({
    turn: count,
    reason: z.enum([
      "prose",
      "unknown-tool",
      "bad-arguments",
      "several-actions",
      "empty",
      "too-large",
      "unknown-outcome",
      "malformed",
      "model-error",
    ]),
    detail: z.string().max(500),
    excerpt: commitment.nullable(),
    ...modelCall,
  }),
  ActionDecided: z.strictObject({
    turn: count,
    tool: z.string(),
    args_hash: hex64,
    /** `recommend`: the autonomy level is observe, so the effect is recorded and does not run */
    decision: z.enum(["permit", "ask", "deny", "recommend"]),
    /** people the policies want: the first allowed number of approvals; null = denied at every tier */
    tier: z.int().min(0).max(2).nullable(),
    /** people who had approved when this was decided */
    approvals: z.int().min(0).max(2),
    checks: z.array(check),
    policy: z
      .strictObject({
        set_hash: hex64,
        /** `@id`s that allowed at `tier` */
        determining: z.array(z.string()),
        /** `@id`s of the forbids that denied below (or at every) tier */
        denied_by: z.array(z.string()),
        errors: z.array(z.string()),
        /** the request, so that the decision can be made again: context without `input`, and the resource */
        context: json,
        resource: json,
      })
      .nullable(),
    preview_hash: hex64.nullable(),
    /** what it showed, redacted; absent without one, where it is what people were asked about, and in records of before */
    preview: z.strictObject({ before: json, after: json, notes: json }).optional(),
    /** why not, for the agent and for people; ours */
    reasons: z.array(z.string()),
  }),
  ApprovalRequested: z.strictObject({
    turn: count,
    approval_id: z.string(),
    /** `@id` of the policy that asked */
    type: z.string(),
    policies: z.array(z.string()),
    action_hash: hex64,
    /** SHA-256(JCS) of the approval view: title, preview, reasons, approvers, deadline, all of it */
    view_hash: hex64,
    needed: z.int().min(1).max(2),
    approvers: z.array(z.string()),
    typed_confirmation: z.boolean(),
    deadline: isoTime,
    preview_hash: hex64.nullable(),
    sign_in: signInRule.optional(),
    /** 0, then one more for each time the question is put again after an edit */
    round: z.int().min(1).max(1000).optional(),
    escalation: z.array(z.strictObject({ at: isoTime, people: z.array(z.string()) })).optional(),
    delegates: z.array(z.string()).optional(),
  }),
  ApprovalDecided: approvalDecision.extend({ turn: count }),
  ApprovalExpired: z.strictObject({ turn: count, approval_id: z.string(), deadline: isoTime }),
  /** a person changed the arguments before approving: a new action, judged afresh and asked about again */
  ActionEdited: z.strictObject({
    turn: count,
    /** of the question that follows */
    round: z.int().min(1),
    /** of the question that was open */
    approval_id: z.string(),
    editor: z.string(),
    channel: approvalChannel,
    method: approvalMethod,
    edited_at: isoTime,
    /** redacted, as in ActionProposed */
    args: json,
    args_hash: hex64,
  }),
  /** what else people and the clock did while a question was open, in the order of their rows */
  ApprovalNoted: z.strictObject({
    turn: count,
    approval_id: z.string(),
    kind: z.enum(["question", "answer", "delegation", "reminder", "escalation", "refusal", "code"]),
    by: z.string(),
    to: z.string().nullable(),
    at: isoTime,
    channel: approvalChannel.nullable(),
    /** what was written */
    text: commitment.nullable(),
    /** of a refusal */
    code: z.string().nullable(),
  }),
  /** decided by people, but what they saw no longer holds */
  ApprovalVoided: z.strictObject({ turn: count, approval_id: z.string(), reason: z.string() }),
  /** the permit: the only thing a tool acts on */
  ActionPermitted: z.strictObject({
    turn: count,
    tool: z.string(),
    args_hash: hex64,
    action_hash: hex64,
    idempotency_key: z.string(),
    /** no claim may begin after this */
    not_after: isoTime,
  }),
  ToolReturned: z.strictObject({
    turn: count,
    tool: z.string(),
    args_hash: hex64,
    status: z.enum(["ok", "error", "unknown"]),
    output: json,
    output_hash: hex64.nullable(),
    error: z.strictObject({ code: z.string(), retryable: z.boolean(), message: commitment.nullable() }).nullable(),
    /** false only when the effect certainly did not happen */
    effect_possible: z.boolean(),
    untrusted: z.boolean(),
    latency_ms: count,
    attempts: count,
  }),
  RunClosed: z.strictObject({
    outcome: z.strictObject({ status: z.string(), reason: z.string() }),
    closed_by: z.enum(["gate", "close-run"]),
    turns: count,
    tool_calls: count,
    spent_micro_usd: microUsd,
  }),
} as const;
export type EventType = keyof typeof payloads;
export const EVENT_TYPES = Object.keys(payloads);

const envelope = {
  v: z.literal(1),
  workflow: z.string(),
  tenant: z.string(),
  run_id: z.string(),
  /** 1, 2, 3 … without gaps */
  seq: z.int().positive(),
  at: isoTime,
  /** which invocation wrote it: `0.admit`, `3.proposal`, `3.approval`, `3.approval.1` (after an edit), `3.outcome`, `close`; a repeat finds its own events by it */
  step: z.string(),
};
const chained = { ...envelope, prev: hex64, hash: hex64 };

function events<E extends z.ZodRawShape>(shape: E) {
  const of = <T extends EventType>(type: T) =>
    z.strictObject({ ...shape, type: z.literal(type), data: payloads[type] });
  return z.discriminatedUnion("type", [
    of("RunStarted"),
    of("RunRefused"),
    of("ActionProposed"),
    of("FinishProposed"),
    of("ProposalInvalid"),
    of("ActionDecided"),
    of("ApprovalRequested"),
    of("ApprovalDecided"),
    of("ApprovalExpired"),
    of("ApprovalVoided"),
    of("ActionEdited"),
    of("ApprovalNoted"),
    of("ActionPermitted"),
    of("ToolReturned"),
    of("RunClosed"),
  ]);
}
/** As stored and exported: with its place in the chain. `hash` = SHA-256(prev ‖ JCS(the event without prev and hash)), `prev` as 64 hex characters, 64 zeros for the first. */
export const recordedEvent = events(chained);
export type RecordedEvent = z.infer<typeof recordedEvent>;
/** What `decide` answers: the shell adds the envelope, the chain adds prev and hash. */
export const newEvent = events({});
export type NewEvent = z.infer<typeof newEvent>;
export type EventOf<T extends EventType> = Extract<RecordedEvent, { type: T }>;
