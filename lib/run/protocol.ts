/**
 * What the state machine carries between functions, and what the front door and the approval desk are asked. Each
 * function parses its request with these schemas; nothing else crosses the boundary.
 */
import * as z from "zod";
import { signInRule } from "./events.js";

export const MAX_ARGS_BYTES = 64 * 1024;
export const MAX_OUTPUT_BYTES = 64 * 1024;
/** Of one proposal. Above what any model takes or costs, and so that the sums of a run and a day stay exact: a log that cannot be read is no log. */
export const MAX_TOKENS = 1_000_000_000;
export const MAX_COST_MICRO_USD = 1_000_000_000_000;
/** Attempts of one permitted call; how the last one ended is final. */
export const TOOL_ATTEMPTS = 3;

/** `error.name` of what functions throw, for Retry and Catch in the state machine. */
export const ERROR_NAMES = {
  /** no RunStarted for this execution: caught by nothing, the execution fails */
  notAdmitted: "NotAdmitted",
  /** the tool failed without effect and may be tried again */
  toolRetryable: "ToolRetryable",
  /** a claim is still running: decide again later */
  claimOpen: "ClaimOpen",
  /** the gate could not reach what it needs: decide again */
  unavailable: "Unavailable",
  /** someone else wrote at the same time: decide again */
  conflict: "Conflict",
} as const;

const runId = z.string().regex(/^[A-Za-z0-9_-]{1,80}$/);
const tenant = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const turn = z.int().min(1).max(1000);
const args = z.record(z.string(), z.json());
/** redaction path → nonce (64 hex characters) of each sensitive value in `args` */
const nonces = z.record(z.string(), hex64);

/** Body of `POST /runs/{workflow}`; the requester is the signed caller, never a field. */
export const admitRequest = z.strictObject({
  tenant: tenant.optional(),
  input: z.record(z.string(), z.json()),
  /** the same id again gives the same run */
  request_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
});
export const admitAnswer = z.strictObject({ run_id: runId, tenant, execution_arn: z.string(), repeated: z.boolean() });
/** Every HTTP error body. */
export const errorAnswer = z.looseObject({ code: z.string(), message: z.string() });

/** Input of the execution, written by admit. The run id is the execution's name. */
export const executionInput = z.strictObject({ tenant, turn });

export const toolAnswer = z.strictObject({
  status: z.enum(["ok", "error", "unknown"]),
  output: z.json().optional(),
  error: z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() }).optional(),
  /** the whole answer, sealed (sealing.ts): as it travels and is stored, with no output and no message beside it */
  sealed: z.string().optional(),
});
export type ToolAnswer = z.infer<typeof toolAnswer>;

export const proposeRequest = z.strictObject({
  /** `$states.context.Execution.Name` */
  run_id: runId,
  tenant,
  turn,
  /** what the tool of the turn before answered, sealed; the gate reads the ledger instead */
  last: toolAnswer.nullable(),
});
export type ProposeRequest = z.infer<typeof proposeRequest>;

/** What the agent wants. Its words and numbers are hostile until the gate has parsed them. */
export const proposal = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("act"),
    tool: z.string().max(64),
    args,
    rationale: z.string().max(8000).optional(),
    confidence_percent: z.int().min(0).max(100).optional(),
  }),
  z.strictObject({ kind: z.literal("finish"), outcome: z.string().max(64), summary: z.string().max(8000).optional() }),
  z.strictObject({
    kind: z.literal("invalid"),
    reason: z.enum([
      "prose",
      "unknown-tool",
      "bad-arguments",
      "several-actions",
      "empty",
      "too-large",
      "malformed",
      "model-error",
    ]),
    detail: z.string().max(500),
    excerpt: z.string().max(2000).optional(),
  }),
]);
export type Proposal = z.infer<typeof proposal>;
export const proposeAnswer = z.strictObject({
  proposal,
  model: z.string().max(200),
  prompt_tokens: z.int().min(0).max(MAX_TOKENS),
  completion_tokens: z.int().min(0).max(MAX_TOKENS),
  cost_micro_usd: z.int().min(0).max(MAX_COST_MICRO_USD),
  latency_ms: z.int().min(0),
  context_hash: hex64,
});
export type ProposeAnswer = z.infer<typeof proposeAnswer>;
/** The same as it travels: the model's words count as sensitive, so the proposal is sealed. */
export const sealedProposeAnswer = proposeAnswer.omit({ proposal: true }).extend({ sealed: z.string() });
export type SealedProposeAnswer = z.infer<typeof sealedProposeAnswer>;

/**
 * An action: plain arguments with the nonces that tie them to their redacted hash. Through the state machine it travels in its redacted form,
 * without nonces; the tool reads the plain one from the object that the gate put out for it.
 */
export const action = z.strictObject({ tool: z.string(), args, nonces });
export type Action = z.infer<typeof action>;

const sealKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);
/** What the gate puts out for the one function of the permitted tool. */
export const putOutCall = z.strictObject({
  v: z.literal(1),
  args,
  nonces,
  /** 32 bytes, base64: seals the answer */ key: sealKey,
});
export type PutOutCall = z.infer<typeof putOutCall>;
/** What lies beside a context, for the proposer that reads it. 32 bytes each, base64. */
export const contextKeys = z.strictObject({
  /** seals this turn's proposal */
  reply: sealKey,
  /** opens what the tool of the turn before answered; null when none was called */
  last: sealKey.nullable(),
});
export type ContextKeys = z.infer<typeof contextKeys>;

const decideBase = { run_id: runId, tenant, turn, execution_arn: z.string() };
export const decideRequest = z.discriminatedUnion("phase", [
  z.strictObject({ phase: z.literal("proposal"), ...decideBase, proposed: z.unknown() }),
  /** after people decided or the time ran out; what they said is read from the decision rows */
  z.strictObject({
    phase: z.literal("approval"),
    ...decideBase,
    action,
    rationale: z.string().nullable(),
    round: z.int().min(0).max(1000).default(0),
    /** somebody answered the task token; false: the time ran out, or people could not be asked */
    called_back: z.boolean().default(false),
  }),
  /** the tool's function failed, timed out or died: settle from the ledger */
  z.strictObject({ phase: z.literal("outcome"), ...decideBase }),
]);
export type DecideRequest = z.infer<typeof decideRequest>;

/** Everything an approver is shown. The desk recomputes `action_hash` from it before showing or deciding. */
export const approvalView = z.strictObject({
  approval_id: z.string(),
  /** makes the view's hash say nothing about its content */
  view_nonce: hex64,
  workflow: z.string(),
  purpose: z.string(),
  agent: z.string(),
  tenant,
  stage: z.string(),
  run_id: runId,
  step: z.string(),
  turn,
  requester: z.string(),
  requested_at: z.string(),
  deadline: z.string(),
  time_zone: z.string(),
  title: z.string(),
  tool: z.string(),
  tool_description: z.string(),
  tool_schema_hash: hex64,
  contract_hash: hex64,
  policy_set_hash: hex64,
  action_hash: hex64,
  args,
  nonces,
  sensitive_paths: z.array(z.string()),
  reversibility: z.enum(["reversible", "compensable", "irreversible"]),
  compensation: z.string().nullable(),
  blast_radius: z.string(),
  preview: z.strictObject({ before: args, after: args, notes: z.array(z.string()) }).nullable(),
  /** policies that ask, with their text */
  because: z.array(z.strictObject({ policy_id: z.string(), reason: z.string(), text: z.string() })),
  /** the agent's own words: unverified */
  says: z.string().nullable(),
  confidence_percent: z.int().min(0).max(100),
  /** what the run has read so far */
  based_on: z.array(z.strictObject({ tool: z.string(), subject: z.string(), at: z.string(), untrusted: z.boolean() })),
  exposure: z.record(z.string(), z.int()),
  spent_micro_usd: z.int().min(0),
  budget_micro_usd: z.int().min(0),
  needed: z.int().min(1).max(2),
  approvers: z.array(z.string()).min(1),
  /** what must be typed, e.g. `420.00`; null when a click is enough */
  typed_confirmation: z.string().nullable(),
  /** 0; one more for each edit before it */
  round: z.int().min(0).max(1000).default(0),
  /** who edited the arguments of this round; null: they are the agent's own */
  edited_by: z.string().nullable().default(null),
  /** what the agent proposed, when it was edited */
  original_args: args.nullable().default(null),
  /** why an edit was not taken and this is asked instead; null: it was, or there was none */
  edit_refused: z
    .strictObject({ by: z.string(), reasons: z.array(z.string()) })
    .nullable()
    .default(null),
  /** `required`: a code alone does not decide (the contract says so, or two people must) */
  sign_in: signInRule.default("code"),
  /** ISO times of reminders */
  remind_at: z.array(z.string()).default([]),
  /** who may decide too from when on, ISO */
  escalation: z.array(z.strictObject({ at: z.string(), people: z.array(z.string()) })).default([]),
  /** who, besides, a decision may be handed to */
  delegates: z.array(z.string()).default([]),
  /** who answers questions about the run */
  owner: z.strictObject({ name: z.string(), email: z.string() }).nullable().default(null),
  /** approver → Slack member id */
  slack_users: z.record(z.string(), z.string()).default({}),
  slack_channel: z.string().nullable().default(null),
  /** approver → IANA time zone */
  time_zones: z.record(z.string(), z.string()).default({}),
  /** parts that hold, or may hold, sensitive values: on the page alone, in no mail and no Slack message; absent: none */
  page_only: z.array(z.enum(["title", "args", "preview", "says"])).exactOptional(),
  /**
   * In the form that travels and lies in the approvals table: what is sensitive is left out (withheld.ts), and this is the hash of the whole.
   * Only the desk opens the whole.
   */
  withheld: z.strictObject({ view_hash: hex64 }).exactOptional(),
});
export type ApprovalView = z.infer<typeof approvalView>;

export const decideAnswer = z.discriminatedUnion("decision", [
  /** run this tool */
  z.strictObject({ decision: z.literal("permit"), turn, action, permit_seq: z.int().positive() }),
  /** ask people; `wait_seconds` is what is left until the deadline */
  z.strictObject({
    decision: z.literal("ask"),
    turn,
    action,
    rationale: z.string().nullable(),
    approval: approvalView,
    /** of the question: more than 0 when an edit came before it */
    round: z.int().min(0).max(1000).default(0),
    wait_seconds: z.int().min(1),
  }),
  /** nothing runs; the agent proposes again in `turn` */
  z.strictObject({ decision: z.literal("deny"), turn }),
  z.strictObject({
    decision: z.literal("finish"),
    turn,
    outcome: z.strictObject({ status: z.string(), reason: z.string() }),
  }),
]);
export type DecideAnswer = z.infer<typeof decideAnswer>;

export const toolRequest = z.strictObject({ run_id: runId, tenant, turn, action, permit_seq: z.int().positive() });
export type ToolRequest = z.infer<typeof toolRequest>;

/** From the gate to `preview-<tool>`. */
export const previewRequest = z.strictObject({ run_id: runId, tenant, step: z.string(), args });
export const previewAnswer = z.discriminatedUnion("status", [
  z.strictObject({
    status: z.literal("ok"),
    preview: z.strictObject({ before: args, after: args, notes: z.array(z.string().max(500)).max(20) }),
  }),
  z.strictObject({ status: z.literal("error"), error: z.strictObject({ code: z.string(), message: z.string() }) }),
]);

export const approvalRequest = z.strictObject({ task_token: z.string().min(1).max(2048), approval: approvalView });
export type ApprovalRequest = z.infer<typeof approvalRequest>;

/** Body of `POST /approvals/{link}` (form or JSON), besides the fields `edit.…` of an edit. */
export const decisionForm = z.strictObject({
  /** of the session, where somebody is signed in */
  csrf: z.string().max(64).default(""),
  /** `code`: have a fresh code sent */
  decision: z.enum(["approve", "reject", "ask", "answer", "delegate", "edit", "code"]),
  code: z.string().max(64).default(""),
  confirmation: z.string().max(200).default(""),
  comment: z.string().max(2000).default(""),
  /** `viewHash` of what was on the page */
  shown: hex64.optional(),
  /** when the page was opened: how long people look is measured, nothing is decided by it */
  opened: z.iso.datetime({ precision: 3 }).optional(),
  /** who the decision is handed to */
  to: z.string().max(320).default(""),
  /** which question is answered */
  question: z.string().max(64).default(""),
});

/** What the proposer reads: written by admit (turn 1) and by the gate (each later turn), plain values, encrypted at rest. */
export const runContext = z.strictObject({
  v: z.literal(1),
  run_id: runId,
  workflow: z.string(),
  version: z.int().positive(),
  tenant,
  turn,
  input: args,
  turns: z.array(
    z.strictObject({
      turn,
      proposed: proposal,
      /** what came of it */
      decision: z.enum(["permit", "ask", "deny", "recommend", "invalid", "finish"]),
      reasons: z.array(z.string()),
      /** how people answered, when they were asked */
      approvals: z.array(
        z.strictObject({
          approver: z.string(),
          decision: z.enum(["approve", "reject", "expired"]),
          comment: z.string(),
        }),
      ),
      result: toolAnswer.nullable(),
      untrusted: z.boolean(),
    }),
  ),
  budget_left_micro_usd: z.int().min(0),
  steps_left: z.int().min(0),
});
export type RunContext = z.infer<typeof runContext>;
