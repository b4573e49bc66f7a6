/**
 * The first half of a gate step, from what the log, the ledger and the approvals say: settle the call before, read the
 * proposal or people's answer, run the gate's own checks. What then still needs evidence from outside goes on to `decide`.
 */
import { CountersignError } from "../errors.js";
import { actionForms } from "./action.js";
import { actionOf, askAgain, lost, toldNow } from "./answer.js";
import { resolveApproval } from "./approvals.js";
import { overBudget } from "./budget.js";
import { allSkipped, reasonOf, runOwnChecks } from "./checks.js";
import { denied, refuse } from "./deny.js";
import { finishStep, plain, runClosed, stepOf, withEntries } from "./draft.js";
import type { ApprovalDecision, NewEvent } from "./events.js";
import { countersOf } from "./exposure.js";
import { recall } from "./memory.js";
import { checkArgs, type Parsed, type Proposed, readProposal } from "./proposal.js";
import { seal, sealedAs } from "./redact.js";
import { factsOf, resourceId } from "./resource.js";
import { settleOpenCall, type Settlement } from "./settle.js";
import { foldRun, type OpenRun, type Outcome, type Pending } from "./state.js";
import type { Assessment, Entry, GateCase, GateInput, Judgement } from "./types.js";
import { parseView } from "./view.js";

/**
 * Call only after `recordedAnswer` said `none`.
 * @throws CountersignError CS-3013, CS-3014, CS-3018: what was read does not belong together, nothing may run
 */
export function assess(input: GateInput): Assessment {
  const before = foldRun(input.events);
  if (before.status !== "open") throw new TypeError("assess: the run is not open; ask recordedAnswer first");
  const settlement = settleOpenCall(input.contract, before, input.effect, input.runSecret, input.nowMs);
  if (settlement.kind === "wait") return settlement;
  const { request } = input;
  switch (request.phase) {
    case "proposal":
      return assessProposal(input, before, settlement, readProposal(input.contract, request.proposed));
    case "approval":
      return assessApproval(input, before);
    case "outcome":
      return { kind: "done", step: finishStep({ input, before, entries: settledEntries(input, before, settlement) }) };
    default:
      return unknownPhase(request);
  }
}

/** The settled call's entry; when its outcome is unknown and it may have changed something, also the run's end. */
function settledEntries(input: GateInput, before: OpenRun, settlement: Settlement): readonly Entry[] {
  if (settlement.kind !== "settled") return [];
  const { entry, close } = settlement;
  return close === undefined ? [entry] : [entry, runClosed(withEntries(input, before, [entry]), close, "gate")];
}

// ---- phase proposal ---------------------------------------------------------------------------------------------

function assessProposal(input: GateInput, before: OpenRun, settlement: Settlement, proposed: Proposed): Assessment {
  const settled = settlement.kind === "settled" ? [settlement.entry] : [];
  const close = settlement.kind === "settled" ? settlement.close : undefined;
  const { parsed } = proposed;
  if (parsed.kind === "act") return assessAction(input, before, settlement, proposed, parsed);
  const entries = [...settled, notAnAction(input, proposed, parsed)];
  const run = withEntries(input, before, entries);
  const outcome = close ?? (parsed.kind === "finish" ? finished(parsed) : afterInvalid(input, run));
  const all = outcome === undefined ? entries : [...entries, runClosed(run, outcome, "gate")];
  return { kind: "done", step: finishStep({ input, before, entries: all }) };
}

const finished = (parsed: Extract<Parsed, { kind: "finish" }>): Outcome => ({
  status: parsed.outcome,
  reason: "agent_finished",
});

/** How often an agent may answer with something that is no action, and what that may cost. */
function afterInvalid({ contract, reserveMicroUsd = 0 }: GateInput, run: OpenRun): Outcome | undefined {
  const { limits, budget } = contract;
  if (run.invalid > limits.invalidAnswers) return { status: "escalated", reason: "invalid_answers" };
  if (run.proposals > limits.steps) return { status: "escalated", reason: "steps" };
  if (run.spentMicroUsd + reserveMicroUsd > run.started.budget_micro_usd) return overBudget(budget.over);
  return undefined;
}

function notAnAction(input: GateInput, proposed: Proposed, parsed: Exclude<Parsed, { kind: "act" }>): Entry {
  const { request, runSecret } = input;
  const { usage } = proposed;
  const { turn } = request;
  if (parsed.kind === "finish") {
    const summary = parsed.summary === null ? null : seal(runSecret, turn, "summary", parsed.summary);
    const data = { turn, outcome: parsed.outcome, summary: summary?.commitment ?? null, ...usage };
    return { event: { type: "FinishProposed", data }, sealed: { ...summary?.sealed } };
  }
  const { reason, detail } = parsed;
  const excerpt = parsed.excerpt === null ? null : seal(runSecret, turn, "excerpt", parsed.excerpt);
  const data = { turn, reason, detail, excerpt: excerpt?.commitment ?? null, ...usage };
  return { event: { type: "ProposalInvalid", data }, sealed: { ...excerpt?.sealed } };
}

function assessAction(
  input: GateInput,
  before: OpenRun,
  settlement: Settlement,
  { usage }: Proposed,
  parsed: Extract<Parsed, { kind: "act" }>,
): Assessment {
  const { hashes, request, runSecret } = input;
  const { tool, args, rationale } = parsed;
  const forms = actionForms(tool, args, runSecret, request.turn);
  const words = rationale === null ? null : seal(runSecret, request.turn, "rationale", rationale);
  const schemaHash = hashes.toolSchemaHashes[tool.name];
  if (schemaHash === undefined) throw missing(`the schema hash of ${tool.name}`);
  const proposed: GateCase["proposed"] = {
    turn: request.turn,
    tool: tool.name,
    tool_schema_hash: schemaHash,
    contract_hash: hashes.contractHash,
    args: forms.redacted,
    args_hash: forms.argsHash,
    confidence_percent: parsed.confidencePercent,
    rationale: words?.commitment ?? null,
    ...usage,
  };
  const entry: Entry = {
    event: { type: "ActionProposed", data: proposed },
    sealed: { ...sealedAs("args", forms.sealed), ...words?.sealed },
  };
  const entries = settlement.kind === "settled" ? [settlement.entry, entry] : [entry];
  const gate = caseOf(input, before, entries, {
    tool,
    args,
    rationale,
    proposed,
    nonces: forms.action.nonces,
  });
  if (settlement.kind === "settled" && settlement.close !== undefined) {
    const detail = "the outcome of the call before is unknown: a person has to look";
    return {
      kind: "done",
      step: refuse({ ...gate, checks: allSkipped(detail) }, [`CS-3125 ${detail}`], settlement.close),
    };
  }
  return checked(gate);
}

type Said = Pick<GateCase, "tool" | "args" | "rationale" | "proposed" | "nonces">;

function caseOf(
  input: GateInput,
  before: OpenRun,
  entries: readonly Entry[],
  said: Said,
): Omit<GateCase, "asked"> & { readonly asked: null } {
  const { contract, context, runSecret, request } = input;
  const run = withEntries(input, before, entries);
  const memory = recall(contract, run, context, runSecret, toldNow(input));
  const id = resourceId(contract, said.tool, said.args, memory.input, request.run_id);
  const facts = factsOf(contract, memory, id, request.run_id);
  const resource = { type: contract.resource.type, id, facts };
  return { input, before, run, memory, ...said, resource, entries, checks: [], asked: null };
}

/** The gate's own checks; a proposal that passes them needs evidence. */
function checked(gate: GateCase): Assessment {
  const { input, run, memory, tool, args } = gate;
  const { contract, brake, nowMs } = input;
  const { checks, fault } = runOwnChecks({ contract, run, memory, tool, args, brake, nowMs });
  if (fault !== undefined) {
    const reasons = [reasonOf(fault.name, fault.detail)];
    return { kind: "done", step: refuse({ ...gate, checks }, reasons, fault.close) };
  }
  return judgement({ ...gate, checks });
}

function judgement(gate: GateCase): Judgement {
  const { input, tool, args, resource } = gate;
  const preview = tool.effect === "write" ? { tool: tool.name, args } : null;
  const counters = countersOf(tool, resource.id, input.nowMs, input.contract.timeZone);
  return { kind: "judge", needs: { preview, counters }, case: gate };
}

// ---- phase approval ---------------------------------------------------------------------------------------------

function assessApproval(input: GateInput, before: OpenRun): Assessment {
  const { request, contract, decisions, nowMs } = input;
  const { pending } = before;
  if (request.phase !== "approval" || pending === null) throw new TypeError("assess: nobody is being asked");
  const { proposed, requested } = pending;
  const action = actionOf(input, proposed.args_hash);
  const shown = parseView(input.shown, requested.action_hash);
  if (shown === null) throw lost("what people were shown");
  const resolution = resolveApproval(pending, decisions, before.started.requester, nowMs);
  if (resolution.kind === "waiting") return waiting(input, askAgain(input, shown, action, request.rationale));
  const tool = contract.tools.find(({ name }) => name === action.tool);
  const parsed = tool === undefined ? undefined : checkArgs(tool, action.args);
  if (tool === undefined || parsed?.ok !== true) throw missing(`the tool ${action.tool}`);
  const entries = resolution.decisions.map((decision) => decidedEntry(request.turn, decision));
  const gate = caseOf(input, before, entries, {
    tool,
    args: parsed.args,
    rationale: request.rationale,
    proposed,
    nonces: action.nonces,
  });
  if (resolution.kind === "rejected") return { kind: "done", step: rejected(gate, resolution.decisions) };
  if (resolution.kind === "expired") return { kind: "done", step: expired(gate, pending, resolution.decisions.length) };
  const approvals = resolution.decisions.length >= 2 ? 2 : 1;
  return approved({ ...gate, asked: { pending, shown, approvals } });
}

/** People approved: all is checked again, first that the contract they read about is the one that runs. */
function approved(gate: GateCase): Assessment {
  const { proposed, tool, input } = gate;
  const { contractHash, toolSchemaHashes } = input.hashes;
  if (proposed.contract_hash !== contractHash || proposed.tool_schema_hash !== toolSchemaHashes[tool.name]) {
    const why = "the contract or the tool's schema changed since; propose again";
    return { kind: "done", step: refuse({ ...gate, checks: allSkipped(why) }, [why]) };
  }
  return checked(gate);
}

function waiting(input: GateInput, answer: ReturnType<typeof askAgain>): Assessment {
  const step = { step: stepOf(input.request), events: [], sealed: [], holds: [], settled: [], released: [] };
  return { kind: "done", step: { ...step, answer, context: null, closed: false } };
}

function decidedEntry(turn: number, decision: ApprovalDecision): Entry {
  return plain({ type: "ApprovalDecided", data: { turn, ...decision } });
}

function rejected(gate: GateCase, decisions: readonly ApprovalDecision[]) {
  const reasons = decisions
    .filter(({ decision }) => decision === "reject")
    .map(({ approver, comment }) => `CS-3121 rejected by ${approver}: ${comment}`);
  return denied(
    { ...gate, checks: allSkipped("a person rejected the action") },
    reasons,
    decisions.length - reasons.length,
  );
}

function expired(gate: GateCase, { requested }: Pending, approvals: number) {
  const { approval_id, deadline, needed, turn } = requested;
  const event: NewEvent = { type: "ApprovalExpired", data: { turn, approval_id, deadline } };
  const reason = `CS-3122 expired, not rejected: ${approvals} of ${needed} approvals by ${deadline}`;
  const checks = allSkipped("nobody decided in time");
  return denied({ ...gate, checks, entries: [...gate.entries, plain(event)] }, [reason], approvals);
}

const missing = (what: string) =>
  new CountersignError(
    "CS-3019",
    `gate: ${what} is not known to this function; nothing runs. Is it deployed with the run's contract?`,
  );

function unknownPhase(request: never): never {
  throw new TypeError(`unknown phase ${JSON.stringify(request)}`);
}
