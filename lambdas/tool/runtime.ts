/**
 * What stands between a permit and an effect. In this order: the brake, the permit in the log, the claim in the effects ledger, brake and
 * permit once more, the tool's own code, its outcome in the ledger. A refusal before the claim touches nothing and says why.
 */
import { randomBytes } from "node:crypto";
import type { CallStore } from "../../lib/aws/call-store.js";
import type { Control } from "../../lib/aws/control.js";
import type { Effect, EffectRef, Effects } from "../../lib/aws/effects.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { Tool } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { CLAIM_MARGIN_MS, REPEAT_WITHIN_MS } from "../../lib/run/claim.js";
import type { RunRef } from "../../lib/run/keys.js";
import { ERROR_NAMES, TOOL_ATTEMPTS, type ToolAnswer, type ToolRequest } from "../../lib/run/protocol.js";
import { asCode, type CallSeal, IV_BYTES, sealAnswer } from "../../lib/run/sealing.js";
import { isoTime } from "../../lib/run/time.js";
import { makeToolContext } from "../../lib/tool/context.js";
import type { LocalHosts } from "../../lib/tool/hosts.js";
import { NamedError } from "../shared/named-error.js";
import { type Attempt, attempt, type Handle } from "./attempt.js";
import { checkInTime, findPermit, type Permit } from "./permit.js";
import { takeCall } from "./put-out.js";

export interface ToolRuntime {
  readonly workflow: string;
  readonly tool: Tool;
  readonly handle: Handle;
  readonly log: Pick<RunLog, "read">;
  readonly control: Pick<Control, "readBrake">;
  readonly effects: Effects;
  readonly calls: Pick<CallStore, "read">;
  readonly secret: (name: string) => Promise<string>;
  readonly local: LocalHosts;
  readonly nowMs: () => number;
}

/** @throws CountersignError CS-32xx when it refuses, NamedError `ToolRetryable` or `ClaimOpen` */
export async function runTool(runtime: ToolRuntime, request: ToolRequest): Promise<ToolAnswer> {
  const { tool, workflow } = runtime;
  const run = { workflow, tenant: request.tenant, runId: request.run_id };
  await findBrakeOff(runtime);
  const { args, argsHash, seal } = await takeCall(runtime.calls, tool, run, request);
  const permit = findPermit(tool, request, argsHash, await readFrom(runtime, run, request));
  const ref = { run, tool: tool.name, turn: request.turn, seal };
  const claim = await claimEffect(runtime, ref, permit);
  if (claim.kind === "settled") return claim.answer;
  const startedMs = runtime.nowMs();
  if (tool.effect === "write") {
    try {
      await findBrakeOff(runtime);
      findPermit(tool, request, argsHash, await readFrom(runtime, run, request));
      checkInTime(tool, permit, claim.untilMs, runtime.nowMs());
    } catch (error) {
      if (error instanceof CountersignError) await giveUp(runtime, ref, claim, error, startedMs);
      throw error;
    }
  }
  const result = await attempt(tool, runtime.handle, args, (signal) =>
    makeToolContext({
      tool,
      runId: request.run_id,
      step: permit.step,
      tenant: request.tenant,
      idempotencyKey: permit.data.idempotency_key,
      repeated: claim.repeated,
      signal,
      local: runtime.local,
      secret: runtime.secret,
    }),
  );
  return store(runtime, ref, claim.attempts, claim.repeated ? stillPossible(result) : result, startedMs);
}

/** An attempt knows of itself alone: that it did nothing does not undo what one before it may have done. */
function stillPossible(result: Attempt): Attempt {
  if (result.kind === "retry") return { ...result, effectPossible: true };
  const { answer } = result;
  return {
    ...result,
    answer: answer.status === "error" ? { ...answer, status: "unknown" } : answer,
    effectPossible: true,
  };
}

/** The ledger's row, and what its outcome is sealed with. */
interface SealedRef extends EffectRef {
  readonly seal: CallSeal;
}

/** From the permit on. Brake and permit are asked again after the claim, by a write that was held up before it. */
const readFrom = ({ log }: ToolRuntime, run: RunRef, request: ToolRequest) =>
  log.read(run, { fromSeq: request.permit_seq });

async function findBrakeOff({ tool, workflow, control }: ToolRuntime): Promise<void> {
  const brake = await control.readBrake(workflow);
  if (brake?.on === true)
    throw new CountersignError(
      "CS-3202",
      `${tool.name}: ${workflow} is stopped since ${brake.at}; nothing acts until it is resumed`,
    );
}

type Claimed =
  | { readonly kind: "settled"; readonly answer: ToolAnswer }
  | {
      readonly kind: "claimed";
      readonly attempts: number;
      /** an earlier attempt may have had its effect */
      readonly repeated: boolean;
      /** no effect may begin after this: the gate counts on it. Epoch ms */
      readonly untilMs: number;
    };
type Claim = Extract<Claimed, { kind: "claimed" }>;

/** The claim came too late: this attempt did nothing, and no other will. */
async function giveUp(
  runtime: ToolRuntime,
  ref: SealedRef,
  { attempts, repeated }: Claim,
  { code, message }: CountersignError,
  startedMs: number,
): Promise<void> {
  const answer: ToolAnswer = { status: repeated ? "unknown" : "error", error: { code, message, retryable: false } };
  await store(runtime, ref, attempts, { kind: "outcome", answer, effectPossible: repeated }, startedMs);
}

async function claimEffect(runtime: ToolRuntime, ref: SealedRef, permit: Permit): Promise<Claimed> {
  const { tool, effects } = runtime;
  const nowMs = runtime.nowMs();
  const claim = {
    args_hash: permit.data.args_hash,
    claimed_at: isoTime(nowMs),
    deadline: isoTime(nowMs + tool.timeoutMs + CLAIM_MARGIN_MS),
  };
  const earlier = await effects.read(ref);
  if (earlier === undefined) {
    const untilMs = Date.parse(permit.data.not_after);
    checkInTime(tool, permit, untilMs, nowMs);
    if (await effects.claim(ref, claim)) return { kind: "claimed", attempts: 1, repeated: false, untilMs };
    throw claimOpen(tool);
  }
  if (earlier.args_hash !== permit.data.args_hash)
    throw new CountersignError(
      "CS-3204",
      `${tool.name}: the ledger holds other arguments for turn ${ref.turn}; propose again`,
    );
  if (earlier.outcome !== undefined) return { kind: "settled", answer: answerOf(earlier.outcome) };
  if (earlier.failed === undefined && nowMs < Date.parse(earlier.deadline)) throw claimOpen(tool);
  const repeated = tool.effect === "write" && (earlier.failed?.effect_possible ?? true);
  if (repeated && tool.idempotency === "none") return abandon(runtime, ref, earlier);
  const untilMs = repeatUntilMs(earlier);
  checkInTime(tool, permit, untilMs, nowMs);
  if (await effects.reclaim(ref, earlier.attempts, claim))
    return { kind: "claimed", attempts: earlier.attempts + 1, repeated, untilMs };
  throw claimOpen(tool);
}

/** After a failure the gate waits this long; an attempt that never ended is settled as possible whoever repeats it. */
const repeatUntilMs = ({ failed }: Effect): number =>
  failed === undefined ? Number.POSITIVE_INFINITY : Date.parse(failed.finished_at) + REPEAT_WITHIN_MS;

/** The effect may have happened, and the tool has no way to find out: a person must. */
async function abandon(runtime: ToolRuntime, ref: SealedRef, earlier: Effect): Promise<Claimed> {
  const message = `${ref.tool}: attempt ${earlier.attempts} left no outcome and the effect cannot be looked up; check it by hand`;
  const error = { code: "CS-3211", message, retryable: false };
  const result: Attempt = { kind: "outcome", answer: { status: "unknown", error }, effectPossible: true };
  return {
    kind: "settled",
    answer: await store(runtime, ref, earlier.attempts, result, Date.parse(earlier.claimed_at)),
  };
}

async function store(
  { effects, tool, nowMs }: ToolRuntime,
  ref: SealedRef,
  attempts: number,
  result: Attempt,
  startedMs: number,
): Promise<ToolAnswer> {
  const nowTime = nowMs();
  const measured = {
    effect_possible: result.effectPossible,
    latency_ms: Math.max(0, nowTime - startedMs),
    finished_at: isoTime(nowTime),
  };
  if (result.kind === "retry" && attempts < TOOL_ATTEMPTS) {
    const { error, sealed } = sealAnswer(ref.seal, randomBytes(IV_BYTES), { status: "error", error: result.error });
    await effects.storeFailure(ref, attempts, { ...result.error, ...error, ...(sealed && { sealed }), ...measured });
    throw new NamedError(
      ERROR_NAMES.toolRetryable,
      `${tool.name}: ${asCode(result.error.code)}; attempt ${attempts} may be repeated`,
    );
  }
  const answer = sealAnswer(
    ref.seal,
    randomBytes(IV_BYTES),
    result.kind === "retry" ? lastAnswer(result) : result.answer,
  );
  if (await effects.storeOutcome(ref, attempts, { ...answer, ...measured })) return answer;
  // Another attempt took over after this one's deadline: what that one stored counts.
  const settled = (await effects.read(ref))?.outcome;
  if (settled === undefined) throw claimOpen(tool);
  return answerOf(settled);
}

/** Nobody tries again: what the last attempt left open stays open. */
function lastAnswer({ effectPossible, error }: Extract<Attempt, { kind: "retry" }>): ToolAnswer {
  return { status: effectPossible ? "unknown" : "error", error };
}

/** As it lies in the ledger: sealed. */
function answerOf({ status, error, sealed }: ToolAnswer): ToolAnswer {
  return { status, ...(error === undefined ? {} : { error }), ...(sealed === undefined ? {} : { sealed }) };
}

function claimOpen(tool: Tool): NamedError {
  return new NamedError(ERROR_NAMES.claimOpen, `${tool.name}: an earlier attempt is still running`);
}
