/** A shell without a cloud: keeps log, ledger, counters and context in memory and drives the domain as the gate's function does. */

import { createHash } from "node:crypto";
import * as z from "zod";
import { appendToChain } from "../../lib/audit/chain.js";
import type { Contract, Tool } from "../../lib/contract/model.js";
import type { PolicyFacts } from "../../lib/policy/request.js";
import type { ActOf, ApprovalAct, ApprovalTold } from "../../lib/run/acts.js";
import { originalInstead } from "../../lib/run/assess-edit.js";
import type { Closing as ApprovalClosing } from "../../lib/run/closing.js";
import type { ApprovalDecision, EventOf, NewEvent, RecordedEvent } from "../../lib/run/events.js";
import { counterName, holdExposure, releaseExposure, settleExposure } from "../../lib/run/exposure.js";
import { viewHash } from "../../lib/run/hash.js";
import { admit, assess, closeRun, decide, nextPolicyQuestion, readsFor, recordedAnswer } from "../../lib/run/index.js";
import type { DecideAnswer, DecideRequest, Proposal, RunContext, ToolAnswer } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import type {
  AdmissionInput,
  Brake,
  CloseInput,
  Closing,
  CounterDoc,
  EffectRow,
  Evidence,
  GateInput,
  JsonObject,
  Judgement,
  PolicyVerdict,
  PreviewEvidence,
  SealedEvent,
  SealedValue,
  Step,
} from "../../lib/run/types.js";

export const hex = (text: string): string => createHash("sha256").update(text).digest("hex");
export const NOON = Date.parse("2026-11-21T12:00:00.000Z");
export const RUN_ID = "bd-dp_118-01J0000000000000000000000A";
export const SECRET = new Uint8Array(32).fill(7);
const MINUTE = 60_000;

const toolDefaults = {
  title: "",
  sensitiveInput: [],
  sensitiveOutput: [],
  reversibility: "reversible",
  blastRadius: "record",
  dataClass: "internal",
  errorDetectability: "immediate",
  maturity: "stable-api",
  untrusted: false,
  requires: [],
  idempotency: "key",
  outbound: [],
  timeoutMs: 20_000,
  secrets: [],
  awsActions: [],
  hosts: [],
  handler: "/h.ts",
  file: "/t.ts",
} satisfies Partial<Tool>;

export const lookup: Tool = {
  ...toolDefaults,
  name: "stripe.lookup_charge",
  description: "Look up a charge.",
  input: z.strictObject({ charge_id: z.string() }),
  output: z.strictObject({
    charge_id: z.string(),
    customer_id: z.string(),
    customer_name: z.string(),
    tier: z.string(),
  }),
  effect: "read",
  sensitiveOutput: ["customer_name"],
};
export const ticket: Tool = {
  ...toolDefaults,
  name: "zendesk.get_ticket",
  description: "Read a ticket.",
  input: z.strictObject({ ticket_id: z.string() }),
  output: z.strictObject({ text: z.string() }),
  effect: "read",
  untrusted: true,
};
export const refund: Tool = {
  ...toolDefaults,
  name: "stripe.refund",
  description: "Refund a charge.",
  title: "Refund {amount_cents:EUR} to {resource}",
  input: z.strictObject({ charge_id: z.string(), amount_cents: z.int().positive(), memo: z.string().optional() }),
  output: z.strictObject({ refund_id: z.string() }),
  effect: "write",
  sensitiveInput: ["memo"],
  reversibility: "irreversible",
  blastRadius: "customer",
  dataClass: "financial",
  requires: [{ tool: "stripe.lookup_charge", same: ["charge_id"] }],
  exposure: { amount: "amount_cents", per: ["run", "resource-day", "workflow-day"] },
  preview: "/p.ts",
};
export const reply: Tool = {
  ...toolDefaults,
  name: "zendesk.reply",
  description: "Answer a ticket.",
  title: "Reply to {ticket_id}",
  input: z.strictObject({ ticket_id: z.string(), text: z.string() }),
  output: z.strictObject({ message_id: z.string() }),
  effect: "write",
  destination: "ticket_id",
  outbound: ["text"],
  preview: "/p.ts",
};

export const contract: Contract = {
  name: "billing-dispute",
  version: 3,
  purpose: "Settle a dispute.",
  owner: { name: "Payments", email: "payments@example.com" },
  input: z.strictObject({
    dispute_id: z.string(),
    charge_id: z.string(),
    customer_id: z.string(),
    ticket_id: z.string(),
    opened_at: z.iso.datetime(),
    claim: z.string(),
  }),
  agent: {
    kind: "bedrock",
    model: "a-model",
    instructions: "/i.md",
    maxTokens: 1000,
    temperature: 0,
    price: { inputPerMillionUsd: 3, outputPerMillionUsd: 15 },
  },
  tools: [lookup, ticket, refund, reply],
  approvers: {
    first: ["ana@example.com", "bo@example.com", "dana@example.com"],
    timeLimitMs: 240 * MINUTE,
    signIn: "code",
    remindAtPercent: [50, 90],
    escalate: [{ afterMs: 120 * MINUTE, to: ["lee@example.com"] }],
    delegates: ["max@example.com"],
    slack: { users: { "ana@example.com": "U012AB3CD" } },
    timeZones: {},
  },
  tenants: ["acme"],
  timeZone: "Europe/Berlin",
  untrusted: [],
  sensitive: ["claim"],
  reference: "dispute_id",
  unique: ["dispute_id"],
  resource: {
    type: "Customer",
    id: "input.customer_id",
    facts: { charge_id: "input.charge_id", tier: "stripe.lookup_charge.tier" },
  },
  freshnessMs: { opened_at: 60 * 24 * 60 * MINUTE },
  crossReferences: { customer_id: "stripe.lookup_charge.customer_id" },
  outcomes: ["refunded", "explained", "escalated"],
  autonomy: "routine",
  budget: { perRunMicroUsd: 400_000, perDayMicroUsd: 50_000_000, over: "escalate" },
  limits: { steps: 20, toolCalls: 12, callsPerMinute: 60, invalidAnswers: 2, runTimeMs: 24 * 60 * MINUTE },
  lowConfidencePercent: 70,
  sandbox: {},
  file: "/contract.ts",
};

export const runInput: JsonObject = {
  dispute_id: "dp_118",
  charge_id: "ch_77",
  customer_id: "cus_9",
  ticket_id: "4411",
  opened_at: "2026-11-01T09:00:00Z",
  claim: "I was charged twice, call 0151 2345678",
};
export const LOOKED_UP = { charge_id: "ch_77", customer_id: "cus_9", customer_name: "Acme BV", tier: "standard" };

export type Policy = (facts: PolicyFacts) => Omit<PolicyVerdict, "approvals" | "context">;
const allow = (...determining: string[]) => ({ allowed: true, determining, errors: [] });
const deny = (...determining: string[]) => ({ allowed: false, determining, errors: [] });
/** Reads run; refunds up to 500 need one person, up to 2000 two, more is denied; replies run. */
export const usualPolicy: Policy = ({ tool, approvals, exposure }) => {
  if (tool.name !== "stripe.refund") return allow("small-reads");
  if (approvals === 0) return deny("guardrail:irreversible");
  const sum = exposure.customer_day_cents ?? 0;
  if (sum <= 50_000) return allow("refund_threshold");
  if (sum <= 200_000 && approvals >= 2) return allow("large_refunds");
  return deny();
};
const POLICY_TEXTS = {
  refund_threshold: { reason: "refunds need one person", text: "permit … context.approvals >= 1" },
  large_refunds: { reason: "large refunds need two people", text: "permit … context.approvals >= 2" },
  "guardrail:irreversible": { reason: "cannot be undone", text: "forbid … unless { context.approvals >= 1 }" },
};

export const usage = (cost = 1000) => ({
  model: "a-model",
  prompt_tokens: 100,
  completion_tokens: 20,
  cost_micro_usd: cost,
  latency_ms: 5,
  context_hash: hex("context"),
});
export const act = (
  tool: string,
  args: JsonObject,
  more: Partial<Extract<Proposal, { kind: "act" }>> = {},
): Proposal => ({
  kind: "act",
  tool,
  args,
  confidence_percent: 90,
  ...more,
});
export const okRow = (argsHash: string, output: JsonObject): EffectRow => row(argsHash, { status: "ok", output }, true);
export function row(argsHash: string, answer: ToolAnswer | null, effectPossible = false): EffectRow {
  const outcome = answer === null ? null : { answer, effectPossible, latencyMs: 12 };
  return {
    args_hash: argsHash,
    claimedAtMs: NOON,
    deadlineMs: NOON + 30_000,
    attempts: 1,
    outcome,
    repeatUntilMs: null,
  };
}

export class World {
  contract: Contract;
  policy: Policy = usualPolicy;
  events: RecordedEvent[] = [];
  now = NOON;
  brake: Brake = { on: false };
  effects = new Map<number, EffectRow>();
  contexts = new Map<number, RunContext>();
  decisions: ApprovalDecision[] = [];
  acts: ApprovalAct[] = [];
  told: ApprovalTold[] = [];
  closing: ApprovalClosing | null = null;
  counters: Record<string, CounterDoc> = {};
  vault = new Map<string, Record<string, SealedValue>>();
  preview: PreviewEvidence = {
    status: "ok",
    preview: { before: { refunded: 0 }, after: { refunded: 42_000 }, notes: [] },
  };
  hashes = {
    contractHash: hex("contract"),
    policySetHash: hex("policies"),
    toolSchemaHashes: {} as Record<string, string>,
  };
  requester = "dana@example.com";
  reserveMicroUsd: number | undefined;
  /** questions asked of the policy engine */
  asked: PolicyFacts[] = [];
  turn = 1;

  constructor(change: Partial<Contract> = {}) {
    this.contract = { ...contract, ...change };
    for (const { name } of this.contract.tools) this.hashes.toolSchemaHashes[name] = hex(name);
  }

  admission(change: Partial<AdmissionInput> = {}): AdmissionInput {
    return {
      contract: this.contract,
      hashes: this.hashes,
      stage: "dev",
      runId: RUN_ID,
      tenant: "acme",
      requester: this.requester,
      input: runInput,
      runSecret: SECRET,
      brake: this.brake,
      duplicateOf: null,
      dayLeftMicroUsd: 50_000_000,
      nowMs: this.now,
      ...change,
    };
  }

  start(change: Partial<AdmissionInput> = {}): this {
    const admission = admit(this.admission(change));
    this.append(admission.step, admission.events, admission.kind === "started" ? admission.sealed : []);
    if (admission.kind === "started") this.contexts.set(1, admission.context);
    return this;
  }

  request(phase: "proposal", proposal: unknown): DecideRequest;
  request(phase: "approval" | "outcome"): DecideRequest;
  request(phase: DecideRequest["phase"], proposed?: unknown): DecideRequest {
    const base = { run_id: RUN_ID, tenant: "acme", turn: this.turn, execution_arn: "arn" };
    if (phase === "proposal") return { phase, ...base, proposed };
    if (phase === "outcome") return { phase, ...base };
    const { action, rationale } = this.lastAsk();
    return { phase, ...base, action, rationale, round: this.lastAsk().round, called_back: false };
  }

  last: DecideAnswer | null = null;
  lastAsk(): Extract<DecideAnswer, { decision: "ask" }> {
    if (this.last?.decision !== "ask") throw new Error(`the last answer is ${this.last?.decision}`);
    return this.last;
  }

  input(request: DecideRequest): GateInput {
    const reads = readsFor(this.events, request);
    const context = this.contexts.get(reads.contextTurn);
    if (context === undefined) throw new Error(`no context of turn ${reads.contextTurn}`);
    const shown =
      reads.shown === null ? null : this.vault.get(`${reads.shown.seq}-${reads.shown.hash}`)?.["approval|"]?.value;
    return {
      contract: this.contract,
      hashes: this.hashes,
      stage: "dev",
      request,
      events: this.events,
      context,
      runSecret: SECRET,
      brake: this.brake,
      effect: reads.effect === null ? null : (this.effects.get(reads.effect.turn) ?? null),
      decisions: reads.approvalId === null ? [] : this.decisions,
      acts: reads.approvalId === null ? [] : this.acts,
      told: reads.approvalId === null ? [] : this.told,
      closing: this.closing,
      shown: shown ?? null,
      nowMs: this.now,
      ...(this.reserveMicroUsd === undefined ? {} : { reserveMicroUsd: this.reserveMicroUsd }),
    };
  }

  /** One step without writing anything. */
  step(request: DecideRequest): Step | "wait" {
    const assessment = assess(this.input(request));
    if (assessment.kind === "wait") return "wait";
    if (assessment.kind === "done") return assessment.step;
    return this.judged(assessment);
  }

  judged(assessment: Judgement): Step | "wait" {
    const counters = Object.fromEntries(
      assessment.needs.counters.map((key) => [counterName(key), this.counters[counterName(key)] ?? null]),
    );
    const verdicts: PolicyVerdict[] = [];
    for (;;) {
      const facts = nextPolicyQuestion(assessment, { counters, verdicts });
      if (facts === undefined) break;
      this.asked.push(facts);
      verdicts.push({
        approvals: facts.approvals,
        ...this.policy(facts),
        context: { input: facts.args, approvals: facts.approvals },
      });
    }
    const evidence: Evidence = {
      preview: assessment.needs.preview === null ? null : this.preview,
      counters,
      verdicts,
      policies: POLICY_TEXTS,
    };
    const step = decide(assessment, evidence);
    const instead = originalInstead(assessment, step);
    if (instead === null) return step;
    return instead.kind === "judge" ? this.judged(instead) : instead.kind === "done" ? instead.step : "wait";
  }

  /** A whole step: repeat, decide, write. */
  run(request: DecideRequest): DecideAnswer | "wait" {
    const recorded = recordedAnswer(this.input(request));
    if (recorded.kind === "answer") {
      this.last = recorded.answer;
      if (recorded.context !== null) this.contexts.set(recorded.context.turn, recorded.context);
      return recorded.answer;
    }
    const step = this.step(request);
    if (step === "wait") return "wait";
    this.write(step);
    return step.answer;
  }

  write(step: Step): void {
    for (const hold of step.holds) this.change(hold, (doc) => holdExposure(doc, hold));
    this.append(step.step, step.events, step.sealed);
    for (const hold of step.settled) this.change(hold, (doc) => settleExposure(doc, hold));
    for (const hold of step.released) this.change(hold, (doc) => releaseExposure(doc, hold));
    if (step.context !== null) this.contexts.set(step.context.turn, step.context);
    this.last = step.answer;
  }

  change(key: { scope: string; day: string }, change: (doc: CounterDoc | null) => CounterDoc | null): void {
    const name = counterName(key);
    const changed = change(this.counters[name] ?? null);
    if (changed !== null) this.counters[name] = changed;
  }

  append(step: string, events: readonly NewEvent[], sealed: readonly SealedEvent[]): void {
    const envelope = { workflow: this.contract.name, tenant: "acme", run_id: RUN_ID, step, at: isoTime(this.now) };
    const chained = appendToChain(this.events.at(-1) ?? null, envelope, events);
    for (const { index, values } of sealed) {
      const event = chained[index];
      if (event !== undefined) this.vault.set(`${event.seq}-${event.hash}`, { ...values });
    }
    this.events.push(...chained);
  }

  propose(proposal: Proposal, cost?: number): DecideAnswer | "wait" {
    const answer = this.run(this.request("proposal", { proposal, ...usage(cost) }));
    if (answer !== "wait" && answer.decision === "deny") this.turn = answer.turn;
    return answer;
  }

  /** Proposes and lets the tool answer with `output`. */
  call(tool: string, args: JsonObject, output: JsonObject): DecideAnswer | "wait" {
    const answer = this.propose(act(tool, args));
    this.returns({ status: "ok", output }, true);
    return answer;
  }

  /** The ledger's row of the permit just given; the next proposal is the next turn's. */
  returns(answer: ToolAnswer | null, effectPossible = false): void {
    const permit = this.events.findLast((event) => event.type === "ActionPermitted");
    if (permit?.type !== "ActionPermitted") throw new Error("no permit");
    this.effects.set(permit.data.turn, row(permit.data.args_hash, answer, effectPossible));
    this.turn = permit.data.turn + 1;
  }

  decides(approver: string, decision: "approve" | "reject" = "approve", change: Partial<ApprovalDecision> = {}): this {
    const { approval } = this.lastAsk();
    this.decisions.push({
      approval_id: approval.approval_id,
      approver,
      decision,
      channel: "page",
      method: "oidc",
      comment: decision === "reject" ? "looks wrong" : "",
      decided_at: isoTime(this.now),
      action_hash: approval.action_hash,
      policy_set_hash: approval.policy_set_hash,
      view_hash: viewHash(approval),
      ...change,
    });
    return this;
  }

  edits(by: string, args: JsonObject, change: Partial<ActOf<"edit">> = {}): this {
    const { approval } = this.lastAsk();
    this.acts = [
      ...this.acts.filter(({ kind }) => kind !== "edit"),
      {
        kind: "edit",
        n: 1,
        by,
        channel: "page",
        method: "oidc",
        at: isoTime(this.now),
        args,
        action_hash: approval.action_hash,
        view_hash: viewHash(approval),
        ...change,
      },
    ];
    return this;
  }

  /** @param calledBack somebody answered the task token; otherwise the state failed or its time ran out */
  approval({ calledBack = false } = {}): DecideAnswer | "wait" {
    const request = this.request("approval");
    const answer = this.run(request.phase === "approval" ? { ...request, called_back: calledBack } : request);
    if (answer !== "wait" && answer.decision === "deny") this.turn = answer.turn;
    return answer;
  }

  close(execution: CloseInput["execution"]): Closing {
    const reads = readsFor(this.events, null);
    const effect = reads.effect === null ? null : (this.effects.get(reads.effect.turn) ?? null);
    const { contract, events, now } = this;
    const closing = closeRun({ contract, events, runSecret: SECRET, effect, execution, nowMs: now });
    if (closing.kind === "close") this.append(closing.step, closing.events, closing.sealed);
    return closing;
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }
  /** The newest event of a type. */
  data<T extends RecordedEvent["type"]>(type: T): EventOf<T>["data"] {
    const event = this.events.findLast((candidate) => candidate.type === type);
    if (event === undefined) throw new Error(`no ${type} in ${this.types().join(" ")}`);
    return event.data as EventOf<T>["data"];
  }
}

/** A run that has looked the charge up, with turn 2 next. */
export function lookedUp(change: Partial<Contract> = {}, before?: (world: World) => void): World {
  const world = new World(change);
  before?.(world);
  world.start();
  world.call("stripe.lookup_charge", { charge_id: "ch_77" }, LOOKED_UP);
  return world;
}
export const REFUND = { charge_id: "ch_77", amount_cents: 42_000 };

/** The reference run: lookup, refund with one person, reply, finish. */
export function wholeRun(): World {
  const world = lookedUp();
  world.propose(act("stripe.refund", { ...REFUND, memo: "charged twice" }, { rationale: "the charge is double" }));
  world.now += 72_000;
  world.decides("ana@example.com", "approve", { comment: "customer was charged twice" });
  world.approval();
  world.returns({ status: "ok", output: { refund_id: "re_1" } }, true);
  world.call("zendesk.reply", { ticket_id: "4411", text: "Refunded." }, { message_id: "m1" });
  world.propose({ kind: "finish", outcome: "refunded", summary: "done" });
  return world;
}
