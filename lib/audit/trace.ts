/**
 * Tool calls that were logged elsewhere, in the form of the run record, as the events of a run: so that a team can try a contract and its policies
 * on its past before it deploys anything. What was done is taken as permitted; nothing of it says that it was approved.
 */
import * as z from "zod";
import type { Contract } from "../contract/model.js";
import { agentId } from "../policy/names.js";
import { hashJson, isJsonObject, type Json } from "../run/canonical.js";
import type { NewEvent, RecordedEvent } from "../run/events.js";
import { actionHash, idempotencyKey, proposalStep } from "../run/hash.js";
import { noncesOf, redact } from "../run/redact.js";
import type { DeployedHashes } from "../run/types.js";
import { appendToChain } from "./chain.js";

const object = z.record(z.string(), z.json());
/** One line: the run record's fields, with what the calls were given and answered. More fields are passed over. */
export const traceRecord = z.object({
  run_id: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/),
  tenant_id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/),
  model: z.string().max(200).default("unknown"),
  started_at: z.iso.datetime(),
  /** of the run, as the contract's input schema has it; what is not known may be left out */
  input: object.default({}),
  tool_calls: z.array(
    z.object({
      tool: z.string().max(64),
      /** the run record has the hash of it only; a contract judges the arguments themselves */
      input: object,
      output: object.nullable().default(null),
      status: z.enum(["ok", "error", "unknown"]).default("ok"),
      latency_ms: z.int().min(0).default(0),
      /** default: a second after the one before */
      at: z.iso.datetime().optional(),
    }),
  ),
  outcome: z.object({ status: z.string(), reason: z.string() }).default({ status: "imported", reason: "trace" }),
});
export type TraceRecord = z.output<typeof traceRecord>;

/** `stage` of imported runs, so that nobody takes them for governed ones. */
export const IMPORTED = "imported";
const NEVER = "0".repeat(64);

/** @param secret 32 bytes: sensitive fields of the contract become commitments by it, and are gone with it */
export function eventsOfTrace(
  trace: TraceRecord,
  contract: Contract,
  hashes: DeployedHashes,
  secret: Uint8Array,
): readonly RecordedEvent[] {
  const run = { workflow: contract.name, tenant: trace.tenant_id, run_id: trace.run_id };
  let events: readonly RecordedEvent[] = [];
  let nowMs = Date.parse(trace.started_at);
  const add = (step: string, ...more: readonly NewEvent[]) => {
    const at = new Date(nowMs).toISOString();
    events = [...events, ...appendToChain(events.at(-1) ?? null, { ...run, step, at }, more)];
  };
  add("0.admit", started(trace, contract, hashes, secret, nowMs));
  let settled: readonly NewEvent[] = [];
  for (const [index, call] of trace.tool_calls.entries()) {
    nowMs = call.at === undefined ? nowMs + 1000 : Math.max(nowMs, Date.parse(call.at));
    const turn = index + 1;
    const made = callEvents({ trace, contract, hashes, secret, call, turn, nowMs });
    add(`${turn}.proposal`, ...settled, ...made.permitted);
    settled = [made.returned];
  }
  nowMs += 1000;
  const last = trace.tool_calls.length + 1;
  add(`${last}.proposal`, ...settled, ...closed(trace, last));
  return events;
}

function started(
  { input, model }: TraceRecord,
  contract: Contract,
  hashes: DeployedHashes,
  secret: Uint8Array,
  nowMs: number,
): NewEvent {
  const { redacted } = redact(input, contract.sensitive, noncesOf(secret, 0, "input"));
  return {
    type: "RunStarted",
    data: {
      requester: IMPORTED,
      agent: agentId(contract),
      model,
      contract_version: contract.version,
      contract_hash: hashes.contractHash,
      policy_set_hash: hashes.policySetHash,
      stage: IMPORTED,
      autonomy: contract.autonomy,
      reference: null,
      input: redacted,
      input_hash: hashJson(redacted),
      budget_micro_usd: contract.budget.perRunMicroUsd,
      expires_at: new Date(nowMs + contract.limits.runTimeMs).toISOString(),
      checks: [],
    },
  };
}

interface Called {
  readonly trace: TraceRecord;
  readonly contract: Contract;
  readonly hashes: DeployedHashes;
  readonly secret: Uint8Array;
  readonly call: TraceRecord["tool_calls"][number];
  readonly turn: number;
  readonly nowMs: number;
}

function callEvents({ trace, contract, hashes, secret, call, turn, nowMs }: Called) {
  const tool = contract.tools.find(({ name }) => name === call.tool);
  const { redacted: args } = redact(
    call.input,
    [...(tool?.sensitiveInput ?? []), ...(tool?.outbound ?? [])],
    noncesOf(secret, turn, "args"),
  );
  const args_hash = hashJson(args);
  const schemaHash = hashes.toolSchemaHashes[call.tool] ?? NEVER;
  const about = { turn, tool: call.tool, args_hash };
  const not_after = new Date(nowMs + 120_000).toISOString();
  const action_hash = actionHash({
    run_id: trace.run_id,
    step: proposalStep(turn),
    tool: call.tool,
    tool_schema_hash: schemaHash,
    args,
    contract_hash: hashes.contractHash,
    stage: IMPORTED,
    expires_at: not_after,
  });
  const usage = {
    model: trace.model,
    prompt_tokens: 0,
    completion_tokens: 0,
    cost_micro_usd: 0,
    latency_ms: 0,
    context_hash: NEVER,
  };
  const permitted: readonly NewEvent[] = [
    {
      type: "ActionProposed",
      data: {
        ...about,
        tool_schema_hash: schemaHash,
        contract_hash: hashes.contractHash,
        args,
        confidence_percent: 100,
        rationale: null,
        ...usage,
      },
    },
    {
      type: "ActionDecided",
      data: {
        ...about,
        decision: "permit",
        tier: 0,
        approvals: 0,
        checks: [],
        policy: { set_hash: NEVER, determining: [IMPORTED], denied_by: [], errors: [], context: {}, resource: {} },
        preview_hash: null,
        reasons: [],
      },
    },
    {
      type: "ActionPermitted",
      data: { ...about, action_hash, idempotency_key: idempotencyKey(trace.run_id, turn, args_hash), not_after },
    },
  ];
  return { permitted, returned: returnedEvent(call, tool, secret, about) };
}

function returnedEvent(
  { status, output, latency_ms }: Called["call"],
  tool: Contract["tools"][number] | undefined,
  secret: Uint8Array,
  about: { readonly turn: number; readonly tool: string; readonly args_hash: string },
): NewEvent {
  const plain: Json = status === "ok" && isJsonObject(output) ? output : null;
  const kept =
    plain === null ? null : redact(plain, tool?.sensitiveOutput ?? [], noncesOf(secret, about.turn, "output")).redacted;
  const error = status === "ok" ? null : { code: IMPORTED, retryable: false, message: null };
  return {
    type: "ToolReturned",
    data: {
      ...about,
      // without its answer a call has not succeeded as far as a later check can see
      status: status === "ok" && kept === null ? "error" : status,
      output: kept,
      output_hash: kept === null ? null : hashJson(kept),
      error: status === "ok" && kept === null ? { code: "not_recorded", retryable: false, message: null } : error,
      effect_possible: tool?.effect !== "read" && status !== "error",
      untrusted: tool?.untrusted === true,
      latency_ms,
      attempts: 1,
    },
  };
}

function closed({ outcome, model, tool_calls }: TraceRecord, turn: number): readonly NewEvent[] {
  const usage = {
    model,
    prompt_tokens: 0,
    completion_tokens: 0,
    cost_micro_usd: 0,
    latency_ms: 0,
    context_hash: NEVER,
  };
  return [
    { type: "FinishProposed", data: { turn, outcome: outcome.status, summary: null, ...usage } },
    {
      type: "RunClosed",
      data: { outcome, closed_by: "gate", turns: turn, tool_calls: tool_calls.length, spent_micro_usd: 0 },
    },
  ];
}
