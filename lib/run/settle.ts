/** The outcome of a permitted call, from the effects ledger: recorded before anything else is decided. */
import type { Contract, Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { hashJson, isJson, isJsonObject, jsonSizeBytes } from "./canonical.js";
import { settlesAtMs } from "./claim.js";
import type { EventOf } from "./events.js";
import { countersOf, holderOf } from "./exposure.js";
import { isDeeper, MAX_VALUE_DEPTH } from "./json.js";
import { faultText } from "./proposal.js";
import { MAX_OUTPUT_BYTES, type ToolAnswer } from "./protocol.js";
import { noncesOf, redact, seal, sealedAs } from "./redact.js";
import { resourceId } from "./resource.js";
import { asCode } from "./sealing.js";
import { type Call, foldRun, type OpenRun, type Outcome, openCall, type Stamped } from "./state.js";
import { msOf } from "./time.js";
import type { EffectRow, Entry, Step } from "./types.js";

export type Settlement =
  | { readonly kind: "none" }
  /** the claim's function may still be running, or a function may still claim */
  | { readonly kind: "wait"; readonly untilMs: number }
  | {
      readonly kind: "settled";
      readonly call: Call;
      /** plain, for the agent */
      readonly answer: ToolAnswer;
      readonly entry: Entry;
      readonly effectPossible: boolean;
      /** a write whose outcome nobody knows ends the run: a person has to look */
      readonly close: Outcome | undefined;
    };

export function settleOpenCall(
  contract: Contract,
  run: OpenRun,
  effect: EffectRow | null,
  runSecret: Uint8Array,
  nowMs: number,
): Settlement {
  const call = openCall(run);
  if (call === undefined) return { kind: "none" };
  const tool = contract.tools.find(({ name }) => name === call.tool);
  const untilMs = settlesAtMs(call, tool, effect);
  if (untilMs !== undefined && nowMs < untilMs) return { kind: "wait", untilMs };
  const { answer, effectPossible } = outcomeOf(call, tool, effect);
  const entry = returned(call, tool, effect, answer, effectPossible, runSecret);
  const unknownWrite = answer.status === "unknown" && tool?.effect !== "read";
  const close = unknownWrite ? { status: "escalated", reason: "outcome_unknown" } : undefined;
  return { kind: "settled", call, answer, entry, effectPossible, close };
}

interface Ended {
  readonly answer: ToolAnswer;
  readonly effectPossible: boolean;
}

/** What the ledger says, with output that does not fit its schema taken as no output. */
export function outcomeOf(
  call: Pick<Call, "argsHash" | "tool">,
  tool: Tool | undefined,
  effect: EffectRow | null,
): Ended {
  const mayHaveHappened = tool?.effect !== "read";
  if (effect === null) {
    const message = `CS-3128 ${call.tool}: the function ended before it began; nothing happened`;
    return { answer: failure("error", "CS-3128", message, true), effectPossible: false };
  }
  if (effect.args_hash !== call.argsHash) {
    throw new CountersignError(
      "CS-3018",
      `ledger: the row of ${call.tool} is for other arguments than its permit; nothing is settled`,
    );
  }
  if (effect.outcome === null) {
    const status = mayHaveHappened ? "unknown" : "error";
    const message = `CS-3129 ${call.tool}: the function ended without saying how`;
    return { answer: failure(status, "CS-3129", message, false), effectPossible: mayHaveHappened };
  }
  const { answer, effectPossible } = effect.outcome;
  if (answer.status !== "ok") {
    const status = answer.status === "unknown" && !mayHaveHappened ? "error" : answer.status;
    return {
      answer: { ...answer, status },
      effectPossible: mayHaveHappened && (effectPossible || status === "unknown"),
    };
  }
  const fault = tool === undefined ? "the contract has no such tool any more" : outputFault(tool, answer.output);
  if (fault === undefined) return { answer, effectPossible: mayHaveHappened };
  const status = mayHaveHappened ? "unknown" : "error";
  return {
    answer: failure(
      status,
      "CS-3127",
      `CS-3127 ${call.tool}: the answer does not fit the tool's output schema: ${fault}`,
      false,
    ),
    effectPossible: mayHaveHappened,
  };
}

function failure(status: "error" | "unknown", code: string, message: string, retryable: boolean): ToolAnswer {
  return { status, error: { code, message, retryable } };
}

function outputFault(tool: Tool, output: unknown): string | undefined {
  if (!isJson(output) || !isJsonObject(output)) return "it is not a JSON object";
  if (jsonSizeBytes(output) > MAX_OUTPUT_BYTES) return `it has more than ${MAX_OUTPUT_BYTES} bytes`;
  if (isDeeper(output, MAX_VALUE_DEPTH)) return `it is nested deeper than ${MAX_VALUE_DEPTH} levels`;
  const parsed = tool.output.safeParse(output);
  return parsed.success ? undefined : faultText(parsed.error);
}

function returned(
  call: Call,
  tool: Tool | undefined,
  effect: EffectRow | null,
  answer: ToolAnswer,
  effectPossible: boolean,
  runSecret: Uint8Array,
): Entry {
  const output = answer.output;
  const kept =
    answer.status === "ok" && isJson(output)
      ? redact(output, tool?.sensitiveOutput ?? [], noncesOf(runSecret, call.turn, "output"))
      : undefined;
  const message = answer.error === undefined ? undefined : seal(runSecret, call.turn, "error", answer.error.message);
  const data: EventOf<"ToolReturned">["data"] = {
    turn: call.turn,
    tool: call.tool,
    args_hash: call.argsHash,
    status: answer.status,
    output: kept === undefined ? null : kept.redacted,
    output_hash: kept === undefined ? null : hashJson(kept.redacted),
    error:
      answer.error === undefined
        ? null
        : {
            code: asCode(answer.error.code),
            retryable: answer.error.retryable,
            message: message?.commitment ?? null,
          },
    effect_possible: effectPossible,
    // also an error's message can be an outsider's text
    untrusted: tool?.untrusted === true && effect?.outcome !== null && effect !== null,
    latency_ms: effect?.outcome?.latencyMs ?? 0,
    attempts: effect?.attempts ?? 0,
  };
  return {
    event: { type: "ToolReturned", data },
    sealed: { ...sealedAs("output", kept?.sealed ?? {}), ...message?.sealed },
  };
}

/**
 * The holds of a settled call: part of the total when its effect may have happened, else free again. Amounts and resource ids are never
 * sensitive (CS-1010), so the redacted arguments have them.
 */
export function movedHolds(
  contract: Contract,
  run: Pick<OpenRun, "started">,
  runId: string,
  call: Call,
  effectPossible: boolean,
): Pick<Step, "settled" | "released"> {
  const tool = contract.tools.find(({ name }) => name === call.tool);
  const { args } = call;
  const { input } = run.started;
  if (tool === undefined || !isJsonObject(args) || !isJsonObject(input)) return { settled: [], released: [] };
  const resource = resourceId(contract, tool, args, input, runId);
  const holder = holderOf(runId, call.turn);
  const counters = countersOf(tool, resource, msOf(call.permittedAt), contract.timeZone);
  const holds = counters.map(({ scope, day }) => ({ scope, day, holder }));
  return effectPossible ? { settled: holds, released: [] } : { settled: [], released: holds };
}

/** The holds of all settled calls of a run, for whoever cannot know how far an earlier step came after it was written down. */
export function holdsOfSettled(
  contract: Contract,
  events: readonly Stamped[],
  runId: string,
): Pick<Step, "settled" | "released"> {
  const run = foldRun(events);
  if (run.status !== "open" && run.status !== "closed") return { settled: [], released: [] };
  const moved = run.calls.flatMap((call) =>
    call.returned === null ? [] : [movedHolds(contract, run, runId, call, call.returned.effect_possible)],
  );
  return {
    settled: moved.flatMap(({ settled }) => settled),
    released: moved.flatMap(({ released }) => released),
  };
}
