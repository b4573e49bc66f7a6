/** The run record: one JSON object per run with the field names of DESIGN.md. Fields may be added, none renamed. */
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import { usdOf } from "../run/money.js";

export interface RunRecord {
  readonly run_id: string;
  readonly agent: string | null;
  readonly tenant_id: string;
  readonly model: string | null;
  readonly budget_usd: number | null;
  readonly tool_calls: readonly ToolCallRecord[];
  readonly approvals: readonly ApprovalRecord[];
  /** nulls while the run is open */
  readonly outcome: { readonly status: string | null; readonly reason: string | null };
  readonly cost: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly usd: number };
  // added to DESIGN.md's fields
  readonly workflow: string;
  readonly requester: string;
  readonly started_at: string;
  readonly closed_at: string | null;
  readonly records: number;
  /** hash of the newest event: ties the record to its events */
  readonly head: string;
}
export interface ToolCallRecord {
  readonly tool: string;
  /** hash of the redacted arguments */
  readonly input_hash: string;
  /** null while the outcome is not recorded */
  readonly status: "ok" | "error" | "unknown" | null;
  readonly latency_ms: number | null;
}
export interface ApprovalRecord {
  /** `@id` of the policy that asked */
  readonly type: string;
  readonly required: true;
  /** null while people are being asked */
  readonly approved: boolean | null;
  readonly status: "approved" | "rejected" | "expired" | "voided" | "pending";
  readonly approvers: readonly string[];
}

/**
 * @param events one run's, in order
 * @throws CountersignError CS-5130 without events
 */
export function runRecord(events: readonly RecordedEvent[]): RunRecord {
  const first = events[0];
  const last = events.at(-1);
  if (first === undefined || last === undefined) {
    throw new CountersignError("CS-5130", "record: there are no events; export a run that was admitted or refused");
  }
  const started = first.type === "RunStarted" ? first.data : null;
  return {
    run_id: first.run_id,
    agent: started?.agent ?? null,
    tenant_id: first.tenant,
    model: started?.model ?? null,
    budget_usd: started === null ? null : usdOf(started.budget_micro_usd),
    tool_calls: toolCalls(events),
    approvals: approvals(events),
    outcome: outcome(last),
    cost: cost(events),
    workflow: first.workflow,
    requester: first.type === "RunStarted" || first.type === "RunRefused" ? first.data.requester : "",
    started_at: first.at,
    closed_at: last.type === "RunClosed" || last.type === "RunRefused" ? last.at : null,
    records: events.length,
    head: last.hash,
  };
}

function outcome(last: RecordedEvent): RunRecord["outcome"] {
  if (last.type === "RunClosed") return { ...last.data.outcome };
  if (last.type === "RunRefused") return { status: "refused", reason: last.data.code };
  return { status: null, reason: null };
}

function cost(events: readonly RecordedEvent[]): RunRecord["cost"] {
  let prompt = 0;
  let completion = 0;
  let microUsd = 0;
  for (const event of events) {
    if (event.type !== "ActionProposed" && event.type !== "FinishProposed" && event.type !== "ProposalInvalid")
      continue;
    prompt += event.data.prompt_tokens;
    completion += event.data.completion_tokens;
    microUsd += event.data.cost_micro_usd;
  }
  return { prompt_tokens: prompt, completion_tokens: completion, usd: usdOf(microUsd) };
}

function toolCalls(events: readonly RecordedEvent[]): readonly ToolCallRecord[] {
  return events.flatMap((event) => {
    if (event.type !== "ActionPermitted") return [];
    const { turn, tool, args_hash: input_hash } = event.data;
    const returned = events.find((later) => later.type === "ToolReturned" && later.data.turn === turn);
    const result = returned?.type === "ToolReturned" ? returned.data : null;
    return [{ tool, input_hash, status: result?.status ?? null, latency_ms: result?.latency_ms ?? null }];
  });
}

function approvals(events: readonly RecordedEvent[]): readonly ApprovalRecord[] {
  return events.flatMap((event) => {
    if (event.type !== "ApprovalRequested") return [];
    const ofTurn = events.filter((other) => "turn" in other.data && other.data.turn === event.data.turn);
    const status = approvalStatus(ofTurn);
    const approvers = ofTurn.flatMap((other) => (other.type === "ApprovalDecided" ? [other.data.approver] : []));
    const approved = status === "pending" ? null : status === "approved";
    return [{ type: event.data.type, required: true, approved, status, approvers } as const];
  });
}

function approvalStatus(ofTurn: readonly RecordedEvent[]): ApprovalRecord["status"] {
  const has = (type: RecordedEvent["type"]) => ofTurn.some((event) => event.type === type);
  if (ofTurn.some((event) => event.type === "ApprovalDecided" && event.data.decision === "reject")) return "rejected";
  if (has("ApprovalExpired")) return "expired";
  if (has("ApprovalVoided")) return "voided";
  return has("ActionPermitted") ? "approved" : "pending";
}
