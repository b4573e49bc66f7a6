/** The gate's shell: reads what the domain needs, lets it decide, writes down what it decided, answers. Every step may be repeated. */
import type { Budgets } from "../../lib/aws/budgets.js";
import type { ContextStore } from "../../lib/aws/context-store.js";
import type { Control } from "../../lib/aws/control.js";
import type { Effects } from "../../lib/aws/effects.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { Vault } from "../../lib/aws/vault.js";
import { CountersignError } from "../../lib/errors.js";
import { assess } from "../../lib/run/assess.js";
import { originalInstead } from "../../lib/run/assess-edit.js";
import { decide } from "../../lib/run/decide.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { type DecideAnswer, type DecideRequest, decideRequest, ERROR_NAMES } from "../../lib/run/protocol.js";
import { readsFor } from "../../lib/run/read.js";
import { recordedAnswer } from "../../lib/run/recorded.js";
import { callSeal, keysBeside } from "../../lib/run/sealing.js";
import { stepOf } from "../../lib/run/steps.js";
import { isoTime } from "../../lib/run/time.js";
import type { DeployedHashes, GateInput, Judgement, Step } from "../../lib/run/types.js";
import { brakeState } from "../shared/brake.js";
import { giveBack } from "../shared/give-back.js";
import { effectRow } from "../shared/ledger.js";
import { logLine } from "../shared/log.js";
import { NamedError } from "../shared/named-error.js";
import { moveHolds, type Place, record } from "../shared/record.js";
import { tellOutcomes } from "../shared/tell-outcomes.js";
import { answersOf, type GateApprovals } from "./answers.js";
import { type EvidenceSources, gather, leftOver } from "./evidence.js";
import { openRequest, type PutOutDeps, putOut } from "./travel.js";

export interface GateDeps extends EvidenceSources, PutOutDeps {
  readonly stage: string;
  readonly hashes: DeployedHashes;
  readonly log: RunLog;
  readonly vault: Pick<Vault, "readSecret" | "open" | "seal">;
  readonly control: Pick<Control, "readBrake">;
  readonly contexts: ContextStore;
  readonly effects: Pick<Effects, "read">;
  readonly approvals: GateApprovals;
  readonly budgets: Budgets;
  readonly nowMs: () => number;
  /** replay alone: `GateInput.known` */
  readonly known?: () => GateInput["known"];
}

export function createHandler(deps: GateDeps) {
  return async (event: unknown): Promise<DecideAnswer> => {
    const request = decideRequest.parse(event);
    try {
      const answer = await gateStep(deps, request);
      logLine("info", "decided", {
        workflow: deps.contract.name,
        run_id: request.run_id,
        turn: request.turn,
        phase: request.phase,
        decision: answer.decision,
      });
      return answer;
    } catch (error) {
      throw isServiceError(error)
        ? new NamedError(ERROR_NAMES.unavailable, `run ${request.run_id}: ${error.name}; nothing is decided yet`)
        : error;
    }
  };
}

/** What an SDK client throws when it has tried often enough: an AWS service's error, or none reached it. */
function isServiceError(error: unknown): error is Error {
  return error instanceof Error && "$metadata" in error;
}

/** One step of a run: what is decided, once it is written down. */
export async function gateStep(deps: GateDeps, request: DecideRequest): Promise<DecideAnswer> {
  const run = { workflow: deps.contract.name, tenant: request.tenant, runId: request.run_id };
  const events = await admitted(deps, run, request);
  const input = await inputOf(deps, run, request, events);
  const place = { run, secret: input.runSecret, events, nowMs: input.nowMs };
  return step(deps, input, place);
}

/** An execution that admission did not start has no log, or not this name. */
async function admitted(deps: GateDeps, run: RunRef, request: DecideRequest): Promise<readonly RecordedEvent[]> {
  const events = await deps.log.read(run);
  if (events[0]?.type !== "RunStarted" || request.execution_arn.split(":").at(-1) !== run.runId)
    throw new NamedError(
      ERROR_NAMES.notAdmitted,
      `run ${run.runId} was not admitted under this execution's name; nothing is decided`,
    );
  return events;
}

async function inputOf(
  deps: GateDeps,
  run: RunRef,
  request: DecideRequest,
  events: readonly RecordedEvent[],
): Promise<GateInput> {
  const reads = readsFor(events, request);
  // Before the ledger is read: a claim that is not there then cannot have begun by this time.
  const nowMs = deps.nowMs();
  const secret = await deps.vault.readSecret(run);
  if (secret === undefined)
    throw new CountersignError("CS-3404", `vault: the key of run ${run.runId} is gone; the run cannot go on`);
  const { effect, approvalId, shown } = reads;
  const [brake, context, effectFound, answers, sealed] = await Promise.all([
    deps.control.readBrake(run.workflow),
    deps.contexts.read(run, reads.contextTurn),
    effect === null ? undefined : deps.effects.read({ run, ...effect }),
    approvalId === null
      ? null
      : answersOf(deps.approvals, { workflow: run.workflow, approvalId }, request, events, nowMs),
    shown === null ? undefined : deps.vault.open(run, secret, shown),
  ]);
  if (context === undefined)
    throw new CountersignError(
      "CS-3402",
      `context of run ${run.runId}, turn ${reads.contextTurn}: it is not there; the run cannot go on`,
    );
  const seen = sealed?.["approval|"]?.value;
  return {
    contract: deps.contract,
    hashes: deps.hashes,
    stage: deps.stage,
    request: openRequest(request, secret, seen),
    events,
    context: context.context,
    runSecret: secret,
    brake: brakeState(brake),
    effect: effectRow(effectFound, callSeal(secret, run.runId, effect?.turn ?? 0)),
    decisions: [],
    ...answers,
    shown: seen,
    nowMs,
    ...(deps.known === undefined ? {} : { known: deps.known() }),
  };
}

async function step(deps: GateDeps, input: GateInput, place: Place): Promise<DecideAnswer> {
  const recorded = recordedAnswer(input);
  if (recorded.kind === "answer") {
    await moveHolds(deps, place.run, recorded);
    return finish(deps, place, input, recorded, place.events);
  }
  const assessment = assess(input);
  switch (assessment.kind) {
    case "wait":
      throw new NamedError(
        ERROR_NAMES.claimOpen,
        `run ${place.run.runId}: a call may still be running until ${isoTime(assessment.untilMs)}`,
      );
    case "done":
      return finish(deps, place, input, assessment.step, await record(deps, place, assessment.step));
    case "judge": {
      const judged = await judge(deps, input, place, assessment);
      return finish(deps, place, input, judged, await record(deps, place, judged));
    }
  }
}

async function judge(deps: GateDeps, input: GateInput, place: Place, judgement: Judgement): Promise<Step> {
  const { turn } = input.request;
  const evidence = await gather(deps, place.run, turn, judgement);
  const decided = decide(judgement, evidence);
  const instead = originalInstead(judgement, decided);
  if (instead?.kind === "judge") return judge(deps, input, place, instead);
  if (instead?.kind === "done") return instead.step;
  const unused = decided.holds.length === 0 ? leftOver(place.run, turn, judgement, evidence) : [];
  return { ...decided, released: [...decided.released, ...unused] };
}

/** After the log: the call for the tool, the next turn's context, and what a closed run gives back. A crash before this is made up for by the repeat. */
async function finish(
  deps: GateDeps,
  place: Place,
  { request, runSecret }: GateInput,
  { context, closed, answer }: Pick<Step, "context" | "closed" | "answer">,
  events: readonly RecordedEvent[],
): Promise<DecideAnswer> {
  const [travels] = await Promise.all([
    putOut(deps, place.run, runSecret, answer),
    context === null ? undefined : deps.contexts.write(context, keysBeside(runSecret, context)),
  ]);
  if (closed) await giveBack(deps.budgets, place.run, events);
  await tellOutcomes(deps.approvals, place.run, stepOf(request), events, deps.nowMs());
  return travels;
}
