/** A recorded run as the answers of everything that the gate asked then. Pure: reads events alone. */
import type { PreviewAnswer } from "../aws/previews.js";
import type { Contract } from "../contract/model.js";
import { exposureNames } from "../policy/names.js";
import { isJsonObject, type Json } from "../run/canonical.js";
import type { EventOf, EventType, RecordedEvent } from "../run/events.js";
import { amountOf, type CounterDoc } from "../run/exposure.js";
import { MAX_VALUE_DEPTH } from "../run/json.js";
import type { RunRef } from "../run/keys.js";
import type { Proposal, ProposeAnswer } from "../run/protocol.js";

/** Stands where the log has a commitment only, in what goes through the gate again. */
export const NOT_IN_LOG = "(not in the log)";

export interface RecordedRun {
  readonly ref: RunRef;
  readonly events: readonly RecordedEvent[];
  readonly started: EventOf<"RunStarted">;
}

/** undefined for a run that was refused at the front door, whose input is not in the log. */
export function recordedRun(events: readonly RecordedEvent[]): RecordedRun | undefined {
  const [started] = events;
  if (started?.type !== "RunStarted") return undefined;
  return { ref: { workflow: started.workflow, tenant: started.tenant, runId: started.run_id }, events, started };
}

export const ofStep = ({ events }: RecordedRun, step: string): readonly RecordedEvent[] =>
  events.filter((event) => event.step === step);

export function find<T extends EventType>(
  events: readonly RecordedEvent[],
  type: T,
  turn: number,
): EventOf<T> | undefined {
  return events.find(
    (event): event is EventOf<T> => event.type === type && "turn" in event.data && event.data.turn === turn,
  );
}

/** The question that was open when the step began. */
export function askedBefore({ events }: RecordedRun, step: string): EventOf<"ApprovalRequested"> | undefined {
  const first = events.findIndex((event) => event.step === step);
  const before = first === -1 ? events : events.slice(0, first);
  const turn = Number(step.split(".")[0]);
  return before.findLast(
    (event): event is EventOf<"ApprovalRequested"> => event.type === "ApprovalRequested" && event.data.turn === turn,
  );
}

/** What was decided in a step. */
export const decidedIn = (run: RecordedRun, step: string): EventOf<"ActionDecided"> | undefined =>
  ofStep(run, step).find((event): event is EventOf<"ActionDecided"> => event.type === "ActionDecided");

/** The check of a step as it was recorded; undefined when it was skipped or nothing was decided. */
export function checkIn(run: RecordedRun, step: string, name: string) {
  const found = decidedIn(run, step)?.data.checks.find((check) => check.name === name);
  return found?.result === "skipped" ? undefined : found;
}

const PROPOSALS: ReadonlySet<string> = new Set(["ActionProposed", "FinishProposed", "ProposalInvalid"]);

/** The proposer's answer of a turn; undefined when the record has none. */
export function proposalOf(run: RecordedRun, turn: number): ProposeAnswer | undefined {
  const event = run.events.find((each) => PROPOSALS.has(each.type) && "turn" in each.data && each.data.turn === turn);
  if (event?.type !== "ActionProposed" && event?.type !== "FinishProposed" && event?.type !== "ProposalInvalid")
    return undefined;
  const { model, prompt_tokens, completion_tokens, cost_micro_usd, latency_ms, context_hash } = event.data;
  return { proposal: said(event), model, prompt_tokens, completion_tokens, cost_micro_usd, latency_ms, context_hash };
}

type Proposed = EventOf<"ActionProposed"> | EventOf<"FinishProposed"> | EventOf<"ProposalInvalid">;

function said({ type, data }: Proposed): Proposal {
  switch (type) {
    case "ActionProposed": {
      const { tool, args, confidence_percent, rationale } = data;
      const words = rationale === null ? {} : { rationale: NOT_IN_LOG };
      return { kind: "act", tool, args: isJsonObject(args) ? args : {}, confidence_percent, ...words };
    }
    case "FinishProposed":
      return { kind: "finish", outcome: data.outcome, ...(data.summary === null ? {} : { summary: NOT_IN_LOG }) };
    case "ProposalInvalid":
      return invalid(data);
  }
}

/** What was wrong with it was its text, which the log has not: something else that is wrong in the same way. */
function invalid({ reason, detail }: EventOf<"ProposalInvalid">["data"]): Proposal {
  if (reason === "unknown-outcome") return { kind: "finish", outcome: NOT_IN_LOG };
  // the gate names the tools that there are; a proposer that says so itself does not
  const byGate = reason === "unknown-tool" && !detail.endsWith("those are");
  return byGate ? { kind: "act", tool: NOT_IN_LOG, args: {} } : { kind: "invalid", reason, detail };
}

/** What the ledger said of a call; undefined when it had no row. */
export function effectOf(run: RecordedRun, turn: number) {
  const returned = find(run.events, "ToolReturned", turn);
  const permit = find(run.events, "ActionPermitted", turn);
  if (returned === undefined || permit === undefined || returned.data.attempts === 0) return undefined;
  const { args_hash, attempts, error, status, output, effect_possible, latency_ms } = returned.data;
  const claim = { args_hash, attempts, claimed_at: permit.at, deadline: permit.at };
  if (error?.code === "CS-3129") return claim; // it ended without saying how
  const base = { effect_possible, latency_ms, finished_at: returned.at };
  // an answer that did not fit its schema is not in the log: one that fits none either
  if (error?.code === "CS-3127") return { ...claim, outcome: { ...base, status: "ok" as const, output: NOT_IN_LOG } };
  const told = error === null ? {} : { error: { code: error.code, retryable: error.retryable, message: NOT_IN_LOG } };
  return { ...claim, outcome: { ...base, status, ...(status === "ok" ? { output } : {}), ...told } };
}

/** What a tool answered the state machine. */
export function toolAnswerOf(run: RecordedRun, turn: number) {
  const outcome = effectOf(run, turn);
  if (outcome === undefined || !("outcome" in outcome)) return undefined;
  const { effect_possible: _possible, latency_ms: _ms, finished_at: _at, ...answer } = outcome.outcome;
  return answer;
}

/** What a preview showed: unknown but for its hash, so one that is as different from others as that one was. */
export function previewOf(run: RecordedRun, step: string): PreviewAnswer {
  const check = checkIn(run, step, "preview");
  const failure = check?.result === "failed" ? /: the preview failed \(([^)]*)\)$/.exec(check.detail)?.[1] : undefined;
  if (failure !== undefined) return { status: "error", error: { code: failure, message: NOT_IN_LOG } };
  if (check?.result === "failed" && /: the preview has more than \d+ bytes$/.test(check.detail))
    return preview("x".repeat(128 * 1024));
  if (check?.result === "failed" && /: the preview is nested deeper than \d+ levels$/.test(check.detail))
    return preview(nested(MAX_VALUE_DEPTH));
  const asked = askedBefore(run, step)?.data.preview_hash;
  return preview(decidedIn(run, step)?.data.preview_hash ?? asked ?? NOT_IN_LOG);
}

const preview = (hash: Json): PreviewAnswer => ({
  status: "ok",
  preview: { before: {}, after: { preview_hash: hash }, notes: [] },
});
const nested = (levels: number): Json => (levels === 0 ? NOT_IN_LOG : [nested(levels - 1)]);

/** How the brake stood in a step. */
export function brakeOf(run: RecordedRun, step: string) {
  const check = checkIn(run, step, "brake");
  const told = check?.result === "failed" ? /^stopped by (.*) at (\d{4}-\S+Z): (.*)$/s.exec(check.detail) : null;
  if (told !== null) return { on: true, by: told[1] ?? "", at: told[2] ?? "", reason: told[3] ?? "" };
  const closed = ofStep(run, step).find((event) => event.type === "RunClosed");
  const stopped = closed?.type === "RunClosed" && closed.data.outcome.reason === "brake";
  return stopped ? { on: true, by: NOT_IN_LOG, at: closed.at, reason: NOT_IN_LOG } : undefined;
}

/**
 * A counter that gives the recorded sums: what others had used, when this was decided.
 * @returns undefined when the record does not say, because nothing was asked of the policies then
 */
export function counterOf(
  run: RecordedRun,
  contract: Contract,
  { step, turn, scope }: { readonly step: string; readonly turn: number; readonly scope: string },
): CounterDoc | undefined {
  const proposed = find(run.events, "ActionProposed", turn);
  const tool = contract.tools.find(({ name }) => name === proposed?.data.tool);
  const exposure = contextOf(run, step)?.exposure;
  if (proposed === undefined || tool === undefined || !isJsonObject(exposure)) return undefined;
  const name = exposureNames(contract, tool).find(({ scope: per }) => scope.startsWith(`${per}:`));
  const sum = name === undefined ? undefined : exposure[name.sum];
  const count = name === undefined ? undefined : exposure[name.count];
  if (typeof sum !== "number" || typeof count !== "number") return undefined;
  return {
    total: Math.max(0, sum - amountOf(tool, proposed.data.args)),
    count: Math.max(0, count - 1),
    holds: {},
  };
}

/** The context that the policies were asked with in a step; undefined when they were not asked. */
export function contextOf(run: RecordedRun, step: string): { readonly [key: string]: Json } | undefined {
  const context = decidedIn(run, step)?.data.policy?.context;
  return isJsonObject(context) && Object.keys(context).length > 0 ? context : undefined;
}

/** Whether a value holds a commitment anywhere. */
export function holdsCommitment(value: Json): boolean {
  if (Array.isArray(value)) return value.some((item: Json) => holdsCommitment(item));
  if (!isJsonObject(value)) return false;
  return typeof value.$commitment === "string" || Object.values(value).some(holdsCommitment);
}
