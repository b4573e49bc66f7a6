/**
 * Runs a recorded run again: the front door's decision, the state machine as it is deployed, and the gate's own function, with agent, tools,
 * previews and people answering what is recorded. What comes out is compared with the record.
 */
import { gateStep } from "../../lambdas/decide/serve.js";
import { effectRow } from "../../lambdas/shared/ledger.js";
import { appendToChain } from "../audit/chain.js";
import { createSkippingClock } from "../local/clock.js";
import { type RunHandle, startRun } from "../local/states/interpreter.js";
import { payloadOf } from "../local/states/payload.js";
import { createTaskTokens, type TaskTokens } from "../local/states/tokens.js";
import { FunctionError } from "../local/types.js";
import { admit } from "../run/admission.js";
import { isJsonObject } from "../run/canonical.js";
import { closeRun } from "../run/close.js";
import type { RecordedEvent } from "../run/events.js";
import { approvalRequest, decideRequest, proposeRequest, toolRequest } from "../run/protocol.js";
import { readsFor } from "../run/read.js";
import { callSeal } from "../run/sealing.js";
import { callbackStep, stepOf } from "../run/steps.js";
import type { CloseInput } from "../run/types.js";
import { type Comparison, compareLogs } from "./compare.js";
import type { FunctionRole, RunMachineDefinition } from "./definition.js";
import { effectOf, ofStep, proposalOf, type RecordedRun, recordedRun, toolAnswerOf } from "./recorded.js";
import type { Rules } from "./rules.js";
import { SECRET, type World, worldOf } from "./world.js";

export interface Replayed {
  readonly run: string;
  readonly comparison: Comparison | { readonly identical: null; readonly why: string };
  /** of the state machine */
  readonly statesEntered: number;
  /** the rules at hand are not those that are recorded: which */
  readonly otherRules: readonly string[];
}

const ACCOUNT = "000000000000";
const ZERO_HASH = "0".repeat(64);

export async function replayRun(
  events: readonly RecordedEvent[],
  rules: Rules,
  definition: RunMachineDefinition,
): Promise<Replayed> {
  const run = recordedRun(events);
  if (run === undefined) {
    const why = "it was refused at the front door, and the input of a refused run is not in the log";
    return { run: events[0]?.run_id ?? "", comparison: { identical: null, why }, statesEntered: 0, otherRules: [] };
  }
  const world = worldOf(run, rules, recordedHashes(run, rules));
  admitAgain(run, world);
  const statesEntered = world.log[0]?.type === "RunStarted" ? await drive(run, world, definition) : 0;
  closeAgain(run, world);
  return {
    run: run.ref.runId,
    comparison: compareLogs(events, world.log),
    statesEntered,
    otherRules: otherRules(run, rules),
  };
}

/** The hashes that name the rules are the recorded ones: whether these rules decide alike is what is found out. */
export function recordedHashes({ started, events }: RecordedRun, { hashes }: Rules): Rules["hashes"] {
  const schemas = events.flatMap((event) =>
    event.type === "ActionProposed" ? [[event.data.tool, event.data.tool_schema_hash] as const] : [],
  );
  return {
    contractHash: started.data.contract_hash,
    policySetHash: started.data.policy_set_hash,
    toolSchemaHashes: { ...hashes.toolSchemaHashes, ...Object.fromEntries(schemas) },
  };
}

export function otherRules({ started: { data } }: RecordedRun, { hashes, contract }: Rules): readonly string[] {
  const short = (hash: string) => hash.slice(0, 12);
  return [
    ...(data.contract_hash === hashes.contractHash
      ? []
      : [
          `contract: recorded version ${data.contract_version} (${short(data.contract_hash)}), here version ${contract.version} (${short(hashes.contractHash)})`,
        ]),
    ...(data.policy_set_hash === hashes.policySetHash
      ? []
      : [`policies: recorded ${short(data.policy_set_hash)}, here ${short(hashes.policySetHash)}`]),
  ];
}

function admitAgain({ ref, started }: RecordedRun, world: World): void {
  const { data, at, step } = started;
  const { contract, hashes, stage } = world.deps;
  const admission = admit({
    contract,
    hashes,
    stage,
    runId: ref.runId,
    tenant: ref.tenant,
    requester: data.requester,
    input: isJsonObject(data.input) ? data.input : {},
    runSecret: SECRET,
    brake: { on: false },
    duplicateOf: null,
    dayLeftMicroUsd: contract.budget.perDayMicroUsd,
    nowMs: Date.parse(at),
  });
  world.log = [
    ...appendToChain(
      null,
      { workflow: ref.workflow, tenant: ref.tenant, run_id: ref.runId, step, at },
      admission.events,
    ),
  ];
  if (admission.kind === "started") world.contexts.set(admission.context.turn, admission.context);
}

/** The record ends here: the run is still open, or its execution was ended from outside. */
class RecordEnds extends Error {}

async function drive(run: RecordedRun, world: World, { machine, roles }: RunMachineDefinition): Promise<number> {
  const clock = createSkippingClock(Date.parse(run.started.at));
  const tokens = createTaskTokens();
  let handle: RunHandle | undefined;
  const { tenant, runId, workflow } = run.ref;
  const arn = (what: string, name: string) => `arn:aws:states:eu-west-1:${ACCOUNT}:${what}:${name}`;
  handle = startRun({
    machine,
    input: payloadOf({ tenant, turn: 1 }),
    identity: {
      executionArn: arn("execution", `${workflow}:${runId}`),
      executionName: runId,
      stateMachineArn: arn("stateMachine", workflow),
      stateMachineName: workflow,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/replay`,
      region: "eu-west-1",
      accountId: ACCOUNT,
    },
    seams: {
      clock,
      tokens,
      functions: {
        async invoke(functionArn, payload) {
          try {
            return await answer(run, world, roles.get(functionArn), payload, tokens);
          } catch (error) {
            if (!(error instanceof RecordEnds)) throw asFunctionError(error);
            setImmediate(() => handle?.stop("Replay.RecordEnds", "nothing more is recorded"));
            return new Promise<never>(() => {});
          }
        },
      },
      random: () => 0.5,
      uuid: () => "00000000-0000-4000-8000-000000000000",
      log: () => {},
    },
    onEvent: () => {},
  });
  await handle.done;
  clock.close();
  return handle.events.filter(({ type }) => type.endsWith("StateEntered")).length;
}

function asFunctionError(error: unknown): FunctionError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new FunctionError(name, message, JSON.stringify({ errorType: name, errorMessage: message }));
}

async function answer(
  run: RecordedRun,
  world: World,
  role: FunctionRole | undefined,
  payload: unknown,
  tokens: TaskTokens,
): Promise<unknown> {
  switch (role?.kind) {
    case "propose":
      return propose(run, proposeRequest.parse(payload).turn);
    case "decide": {
      const request = decideRequest.parse(payload);
      world.step = request.phase === "approval" ? wokenFor(run, world, request) : stepOf(request);
      if (ofStep(run, world.step).length === 0) throw new RecordEnds();
      return gateStep(world.deps, request);
    }
    case "ask": {
      const { task_token: token, approval } = approvalRequest.parse(payload);
      const answered = ofStep(run, wokenFor(run, world, approval));
      if (answered.length === 0) throw new RecordEnds();
      // silence: the time runs out
      if (!answered.some(({ type }) => type === "ApprovalExpired"))
        tokens.settle(token, { kind: "success", outputJson: "{}" });
      return {};
    }
    case "tool": {
      const { turn } = toolRequest.parse(payload);
      if (ofStep(run, `${turn}.outcome`).length > 0) throw new FunctionError("Failed", "", "{}");
      const told = toolAnswerOf(run, turn);
      if (told === undefined || ofStep(run, `${turn + 1}.proposal`).length === 0) throw new RecordEnds();
      return told;
    }
    case undefined:
      throw new FunctionError("Lambda.ResourceNotFoundException", "the definition names no such function", "{}");
  }
}

/** Which recorded step a question's execution is woken for: once a callback that nobody had decided before, then people's answer. */
function wokenFor(
  run: RecordedRun,
  { log }: Pick<World, "log">,
  question: { readonly turn: number; readonly round: number },
): string {
  const callback = callbackStep(question);
  const due = ofStep(run, callback).length > 0 && log.every(({ step }) => step !== callback);
  return due ? callback : stepOf({ ...question, phase: "approval" });
}

function propose(run: RecordedRun, turn: number) {
  const said = proposalOf(run, turn);
  if (said === undefined) throw new RecordEnds();
  // the machine itself says so when its proposer fails
  const failed =
    said.proposal.kind === "invalid" && said.proposal.reason === "model-error" && said.context_hash === ZERO_HASH;
  if (failed) throw new FunctionError("Failed", "", "{}");
  return said;
}

const EXECUTIONS: Readonly<Record<string, CloseInput["execution"]>> = {
  execution_stopped: "ABORTED",
  run_time: "TIMED_OUT",
  execution_failed: "FAILED",
  ended_without_outcome: "SUCCEEDED",
  never_started: null,
};

/** What close-run wrote, when the record says that it closed the run. */
function closeAgain(run: RecordedRun, world: World): void {
  const closed = ofStep(run, "close");
  const last = closed.at(-1);
  if (last?.type !== "RunClosed" || world.log.at(-1)?.type === "RunClosed") return;
  const { effect } = readsFor(world.log, null);
  const closing = closeRun({
    contract: world.deps.contract,
    events: world.log,
    runSecret: SECRET,
    effect:
      effect === null ? null : effectRow(effectOf(run, effect.turn), callSeal(SECRET, run.ref.runId, effect.turn)),
    execution: EXECUTIONS[last.data.outcome.reason] ?? "FAILED",
    nowMs: Date.parse(last.at),
  });
  if (closing.kind !== "close") return;
  const { workflow, tenant, runId: run_id } = run.ref;
  const envelope = { workflow, tenant, run_id, step: closing.step, at: last.at };
  world.log = [...world.log, ...appendToChain(world.log.at(-1) ?? null, envelope, closing.events)];
}
