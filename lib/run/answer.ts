/**
 * From what a step recorded to what it answers. A first run and an idempotent repeat both come through here, so they cannot
 * answer differently.
 */
import { CountersignError } from "../errors.js";
import { actionForms } from "./action.js";
import { nextContext } from "./context.js";
import { callToTell } from "./history.js";
import { checkArgs, readProposal } from "./proposal.js";
import type { Action, ApprovalView, DecideAnswer, Proposal, ToolAnswer } from "./protocol.js";
import { movedHolds, outcomeOf } from "./settle.js";
import { evolve, type OpenRun, openCall, type RunState, type Stamped } from "./state.js";
import { msOf } from "./time.js";
import type { GateInput, Step } from "./types.js";
import { unreachable } from "./unreachable.js";

export interface Recording {
  readonly input: GateInput;
  /** the run before the step */
  readonly before: OpenRun;
  /** what the step recorded; not empty */
  readonly events: readonly Stamped[];
  /** needed when the step asks */
  readonly view: ApprovalView | null;
}

export function answerOf(recording: Recording): Pick<Step, "answer" | "context" | "settled" | "released" | "closed"> {
  const { input, before, events } = recording;
  const after = events.reduce<RunState>(evolve, before);
  const moved = holdsMoved(recording);
  if (after.status === "closed") return { ...moved, answer: finish(input, after.outcome), context: null, closed: true };
  if (after.status !== "open") throw new TypeError("an open run became neither open nor closed");
  if (after.pending !== null) return { ...moved, answer: ask(recording), context: null, closed: false };
  const context = nextContext({
    context: input.context,
    after,
    events,
    told: toldNow(input),
    said: saidIn(input, before),
    stepLimit: input.contract.limits.steps,
    editors: input.events.flatMap((event) =>
      event.type === "ActionEdited" && event.data.turn === input.request.turn ? [event.data.editor] : [],
    ),
  });
  const permit = events.find((event) => event.type === "ActionPermitted");
  if (permit === undefined)
    return { ...moved, answer: { decision: "deny", turn: context.turn }, context, closed: false };
  const { turn } = input.request;
  const action = actionOf(input, permit.data.args_hash);
  return { ...moved, answer: { decision: "permit", turn, action, permit_seq: permit.seq }, context, closed: false };
}

export const finish = (
  input: Pick<GateInput, "request">,
  outcome: { readonly status: string; readonly reason: string },
): DecideAnswer => ({ decision: "finish", turn: input.request.turn, outcome: { ...outcome } });

function ask(recording: Recording): DecideAnswer {
  const { input, view } = recording;
  if (view === null) throw lost(`what people were shown in turn ${input.request.turn}`);
  const action: Action = { tool: view.tool, args: view.args, nonces: view.nonces };
  return askAgain(input, view, action, view.says);
}

/** The question with the time that is left; at least a second, as a state's time limit cannot be less. */
export function askAgain(
  input: Pick<GateInput, "request" | "nowMs">,
  approval: ApprovalView,
  action: Action,
  rationale: string | null,
): DecideAnswer {
  const waitSeconds = Math.max(1, Math.ceil((msOf(approval.deadline) - input.nowMs) / 1000));
  const { turn } = input.request;
  return { decision: "ask", turn, action, rationale, approval, round: approval.round, wait_seconds: waitSeconds };
}

/**
 * The action of this request in its plain form.
 * @throws CountersignError CS-3013 when it is not the one that was recorded
 */
export function actionOf(input: GateInput, recordedArgsHash: string): Action {
  const { contract, request, runSecret } = input;
  const proposal = proposalOf(input);
  const tool = proposal?.kind === "act" ? contract.tools.find(({ name }) => name === proposal.tool) : undefined;
  if (proposal?.kind !== "act" || tool === undefined) throw changed(input);
  const checked = checkArgs(tool, proposal.args);
  if (!checked.ok) throw changed(input);
  const { action, argsHash } = actionForms(tool, checked.args, runSecret, request.turn);
  if (argsHash !== recordedArgsHash) throw changed(input);
  return action;
}

const changed = ({ request }: GateInput) =>
  new CountersignError(
    "CS-3013",
    `${request.turn}.${request.phase}: the action is not the one that was recorded for turn ${request.turn}; nothing runs`,
  );
export const lost = (what: string) =>
  new CountersignError("CS-3014", `vault: ${what} is missing or is not what the log recorded; nothing runs`);

/** This turn's proposal in plain form: of the request, or put together again from the action that people decided. */
function proposalOf({ contract, request }: GateInput): Proposal | null {
  switch (request.phase) {
    case "proposal":
      return readProposal(contract, request.proposed).said;
    case "approval": {
      const { tool, args } = request.action;
      return { kind: "act", tool, args, ...(request.rationale === null ? {} : { rationale: request.rationale }) };
    }
    case "outcome":
      return null;
    default:
      return unreachable("phase", request);
  }
}

function saidIn(input: GateInput, before: OpenRun): { readonly turn: number; readonly proposal: Proposal } | null {
  const proposal = proposalOf(input);
  if (proposal === null) return null;
  const confidence = before.pending?.proposed.confidence_percent;
  const told =
    proposal.kind === "act" && confidence !== undefined ? { ...proposal, confidence_percent: confidence } : proposal;
  return { turn: input.request.turn, proposal: told };
}

/** The outcome that the context object does not have yet, from the ledger; what the log says of it is checked by `recall`. */
export function toldNow(input: GateInput): { readonly turn: number; readonly answer: ToolAnswer } | null {
  const call = callToTell(input.events, input.request);
  if (call === undefined) return null;
  const tool = input.contract.tools.find(({ name }) => name === call.tool);
  return { turn: call.turn, answer: outcomeOf(call, tool, input.effect).answer };
}

function holdsMoved({ input, before, events }: Recording): Pick<Step, "settled" | "released"> {
  const call = openCall(before);
  const returned = events.find((event) => event.type === "ToolReturned");
  if (call === undefined || returned === undefined) return { settled: [], released: [] };
  return movedHolds(input.contract, before, input.request.run_id, call, returned.data.effect_possible);
}
