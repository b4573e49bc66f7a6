/**
 * What the shells (lambdas/decide, admit, close-run) hand to the domain and get back. Data only; the functions are in
 *
 * - read.ts      `readsFor(events, request): Reads`: what to fetch before a step
 * - recorded.ts  `recordedAnswer(input): Recorded`: an idempotent repeat, or `none`
 * - assess.ts    `assess(input): Assessment`: settle, parse, ordered checks
 * - policy.ts    `nextPolicyQuestion(judgement, evidence): PolicyFacts | undefined`: what to ask the policy engine next
 * - decide.ts    `decide(judgement, evidence): Step`
 * - admission.ts `admit(input): Admission`; names.ts `runName(contract, input, suffix)`, `requestSuffix(…)`, `uniqueHash(contract, input)`
 * - close.ts     `closeRun(input): Closing`
 * - exposure.ts  `counterDoc` (zod), `holdExposure(doc, hold)`, `settleExposure`, `releaseExposure`: changes of counter documents, null = no change
 * - budget.ts    `dayDoc` (zod), `dayLeftMicroUsd`, `leaseDay`, `returnLease`: the tenant's day
 * - lib/audit/chain.ts `appendToChain(head, envelope, events): RecordedEvent[]`; the envelope's `at` = `isoTime(nowMs)` of the input
 *
 * A gate step: read events → `readsFor` → fetch → `recordedAnswer` → `assess` → (preview, counters, policy) → `decide` →
 * write sealed values, holds, events (one transaction), settled holds, context → answer.
 */
import type { Contract, Tool } from "../contract/model.js";
import type { ApprovalAct, ApprovalTold } from "./acts.js";
import type { Again } from "./assess-edit.js";
import type { JsonObject } from "./canonical.js";
import type { Closing as ApprovalClosing } from "./closing.js";
import type { ApprovalDecision, Check, NewEvent, RecordedEvent } from "./events.js";
import type { CounterDoc, Hold, HoldRef, NeededCounter } from "./exposure.js";
import type { Memory } from "./memory.js";
import type { ApprovalView, DecideAnswer, DecideRequest, RunContext, ToolAnswer } from "./protocol.js";
import type { SealedValue } from "./redact.js";
import type { OpenRun, Pending } from "./state.js";

export type { Json, JsonObject } from "./canonical.js";
export type { CounterDoc, CounterKey, Hold, HoldRef, NeededCounter } from "./exposure.js";
export type { SealedValue } from "./redact.js";

/** Hashes of what is deployed, computed once per cold start. Hex SHA-256. */
export interface DeployedHashes {
  readonly contractHash: string;
  readonly policySetHash: string;
  /** tool name → hash of its schema */
  readonly toolSchemaHashes: Readonly<Record<string, string>>;
}

/** The brake as read from the control table; absent row = `{ on: false }`. */
export type Brake =
  | { readonly on: false }
  | { readonly on: true; readonly by: string; readonly at: string; readonly reason: string };

/** What a tool stored in the effects ledger for one permit. Plain values. Times as epoch ms. */
export interface EffectRow {
  readonly args_hash: string;
  /** epoch ms of the latest claim */
  readonly claimedAtMs: number;
  /** epoch ms after which the claim's function certainly is no longer running */
  readonly deadlineMs: number;
  readonly attempts: number;
  /** how the newest attempt ended, final (`outcome`) or not (`failed`, as an `error` answer); null while the claim is open */
  readonly outcome: EffectOutcome | null;
  /** epoch ms until which another attempt may begin after one that failed; null when none may */
  readonly repeatUntilMs: number | null;
}
export interface EffectOutcome {
  readonly answer: ToolAnswer;
  /** false only when the effect certainly did not happen */
  readonly effectPossible: boolean;
  readonly latencyMs: number;
}

/** Values sealed by one event of a step: `index` is its position in `events`. Keys are `<what>|<concrete path>`. */
export interface SealedEvent {
  readonly index: number;
  readonly values: Readonly<Record<string, SealedValue>>;
}

/** What the shell has to fetch for a step, from the log alone. */
export interface Reads {
  /** `<turn>.<phase>` */
  readonly step: string;
  /** context object to read */
  readonly contextTurn: number;
  /** effects row to read: of the call whose outcome the context object does not have yet */
  readonly effect: { readonly tool: string; readonly turn: number } | null;
  /** decision rows to read */
  readonly approvalId: string | null;
  /** event whose sealed values hold the approval view (`values["approval|"].value`), to be passed as `shown` */
  readonly shown: { readonly seq: number; readonly hash: string } | null;
}

export interface GateInput {
  readonly contract: Contract;
  readonly hashes: DeployedHashes;
  readonly stage: string;
  readonly request: DecideRequest;
  readonly events: readonly RecordedEvent[];
  readonly context: RunContext;
  /** 32 bytes from the vault */
  readonly runSecret: Uint8Array;
  readonly brake: Brake;
  /** of `Reads.effect`; null when there is none */
  readonly effect: EffectRow | null;
  /** of `Reads.approvalId` */
  readonly decisions: readonly ApprovalDecision[];
  /** what else people did about `Reads.approvalId`, and the row that ended it */
  readonly acts?: readonly ApprovalAct[];
  /** whom reminders and escalations reached */
  readonly told?: readonly ApprovalTold[];
  readonly closing?: ApprovalClosing | null;
  /** of `Reads.shown`: the vault's value, not yet parsed */
  readonly shown: unknown;
  /** taken before the ledger was read */
  readonly nowMs: number;
  /**
   * replay alone: own checks whose result is taken from the record (what was wrong, null for nothing), because the values that they look at
   * are not in the log
   */
  readonly known?: ReadonlyMap<Check["name"], string | null> | undefined;
  /** kept back for the next model call, micro-USD; default: what the dearest one of the run cost */
  readonly reserveMicroUsd?: number;
}

/** A step done before: answer the same again, and write the context object if it is not there. */
export type Recorded =
  | { readonly kind: "none" }
  | ({ readonly kind: "answer" } & Pick<Step, "answer" | "context" | "settled" | "released" | "closed">);

/** What one step does to the world, in the order it must be written: sealed → holds → events → settled/released → context. */
export interface Step {
  readonly step: string;
  /** empty when nothing is to be recorded (people have not decided yet: the same question is asked again) */
  readonly events: readonly NewEvent[];
  readonly sealed: readonly SealedEvent[];
  /** to add to counters before the events are written (`holdExposure`) */
  readonly holds: readonly Hold[];
  /** permits whose effect happened or may have: the hold becomes part of the total */
  readonly settled: readonly HoldRef[];
  /** permits whose effect certainly did not happen */
  readonly released: readonly HoldRef[];
  readonly answer: DecideAnswer;
  /** the next turn's context object (`context.turn`); null when no turn follows or a decision is pending */
  readonly context: RunContext | null;
  /** the run is closed by this step: give back its lease and unique row */
  readonly closed: boolean;
}

export type Assessment =
  /** a claim is running: throw `ClaimOpen` */
  | { readonly kind: "wait"; readonly untilMs: number }
  | { readonly kind: "done"; readonly step: Step }
  /** all own checks passed: fetch `needs`, ask the policy engine, then `decide` */
  | Judgement;

/** Everything that is known about an action whose own checks passed. `case` is opaque to the shell apart from `needs`. */
export interface Judgement {
  readonly kind: "judge";
  readonly needs: Needs;
  readonly case: GateCase;
}
export interface Needs {
  /** tool to preview with these plain arguments; null: none */
  readonly preview: { readonly tool: string; readonly args: JsonObject } | null;
  /** counters to read */
  readonly counters: readonly NeededCounter[];
}
export type PreviewEvidence =
  | {
      readonly status: "ok";
      readonly preview: { readonly before: JsonObject; readonly after: JsonObject; readonly notes: readonly string[] };
    }
  | { readonly status: "error"; readonly code: string };

/** One answer of the policy engine. */
export interface PolicyVerdict {
  readonly approvals: 0 | 1 | 2;
  readonly allowed: boolean;
  /** `@id`s of determining policies: permits when allowed, forbids when denied */
  readonly determining: readonly string[];
  /** `@id`s or messages of policies that failed to evaluate; any entry denies */
  readonly errors: readonly string[];
  /** the request's context as sent; recorded without `input` */
  readonly context: Readonly<Record<string, unknown>>;
}
export interface PolicyText {
  /** `@reason` or first comment; what people read */
  readonly reason: string;
  readonly text: string;
}

export interface Evidence {
  /** null when `needs.preview` is null */
  readonly preview: PreviewEvidence | null;
  /** by `<scope>|<day>` (`counterName`); null = no document yet */
  readonly counters: Readonly<Record<string, CounterDoc | null>>;
  readonly verdicts: readonly PolicyVerdict[];
  /** by `@id`; for the page that people see */
  readonly policies: Readonly<Record<string, PolicyText>>;
}

export interface AdmissionInput {
  readonly contract: Contract;
  readonly hashes: DeployedHashes;
  readonly stage: string;
  readonly runId: string;
  readonly tenant: string;
  /** as signed, never a field of the body */
  readonly requester: string;
  readonly input: JsonObject;
  readonly runSecret: Uint8Array;
  readonly brake: Brake;
  /** run that holds the unique row of this input; null = free or held by this run */
  readonly duplicateOf: string | null;
  /** micro-USD of the tenant's day that may still be leased */
  readonly dayLeftMicroUsd: number;
  readonly nowMs: number;
}
export type Admission =
  | {
      readonly kind: "started";
      readonly step: "0.admit";
      readonly events: readonly NewEvent[];
      readonly sealed: readonly SealedEvent[];
      /** turn 1 */
      readonly context: RunContext;
      /** to be leased from the day's budget before the events are written */
      readonly leaseMicroUsd: number;
    }
  | {
      readonly kind: "refused";
      readonly step: "0.admit";
      readonly events: readonly NewEvent[];
      readonly code: string;
      readonly message: string;
    };

export interface CloseInput {
  readonly contract: Contract;
  readonly events: readonly RecordedEvent[];
  readonly runSecret: Uint8Array;
  /** of `readsFor(events, null).effect` */
  readonly effect: EffectRow | null;
  /** null: there is no such execution */
  readonly execution: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | null;
  /** taken before the ledger was read */
  readonly nowMs: number;
}
export type Closing =
  /** still running, already closed, or never started */
  | { readonly kind: "nothing" }
  | { readonly kind: "wait"; readonly untilMs: number }
  | ({ readonly kind: "close" } & Pick<Step, "events" | "sealed" | "settled" | "released"> & {
        readonly step: "close";
      });

/** An event of a step with what it seals. */
export interface Entry {
  readonly event: NewEvent;
  /** by `<what>|<concrete path>` */
  readonly sealed: Readonly<Record<string, SealedValue>>;
}

/** The thing acted on, as the policies see it. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  /** trusted facts that are known by now */
  readonly facts: JsonObject;
}

/** An action under judgement: carried from `assess` to `decide`. */
export interface GateCase {
  readonly input: GateInput;
  /** the run before this step, and with the step's entries so far */
  readonly before: OpenRun;
  readonly run: OpenRun;
  readonly memory: Memory;
  readonly tool: Tool;
  /** plain */
  readonly args: JsonObject;
  /** the proposal as recorded: redacted arguments, hashes, confidence */
  readonly proposed: NonNullable<OpenRun["proposed"]>;
  readonly nonces: Readonly<Record<string, string>>;
  readonly rationale: string | null;
  readonly resource: Resource;
  readonly entries: readonly Entry[];
  readonly checks: readonly Check[];
  /** phase approval, after an edit: the question that takes the place of the one before */
  readonly again: Again | null;
  /** phase approval: what was asked, what people were shown, and how many approved */
  readonly asked: { readonly pending: Pending; readonly shown: ApprovalView; readonly approvals: 1 | 2 } | null;
}
