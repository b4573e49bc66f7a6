/**
 * The first half of a gate step, from what the log, the ledger and the approvals say: settle the call before, read the
 * proposal or people's answer, run the gate's own checks. What then still needs evidence from outside goes on to `decide`.
 */
import { actionForms } from "./action.js";
import { assessApproval } from "./assess-approval.js";
import { cannotPay, overBudget } from "./budget.js";
import { caseOf, checked, memoryOf, missing } from "./case.js";
import { allSkipped } from "./checks.js";
import { refuse } from "./deny.js";
import { finishStep, runClosed, withEntries } from "./draft.js";
import { leakingPaths } from "./outbound.js";
import { type Parsed, type Proposed, readProposal } from "./proposal.js";
import { seal, sealedAs } from "./redact.js";
import { type Settlement, settleOpenCall } from "./settle.js";
import { foldRun, type OpenRun, type Outcome } from "./state.js";
import type { Assessment, Entry, GateCase, GateInput } from "./types.js";
import { unreachable } from "./unreachable.js";

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
      return unreachable("phase", request);
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
function afterInvalid({ contract, reserveMicroUsd }: GateInput, run: OpenRun): Outcome | undefined {
  const { limits, budget } = contract;
  if (run.invalid > limits.invalidAnswers) return { status: "escalated", reason: "invalid_answers" };
  if (run.proposals > limits.steps) return { status: "escalated", reason: "steps" };
  if (cannotPay(run, reserveMicroUsd)) return overBudget(budget.over);
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
  const { contract, hashes, request, runSecret } = input;
  const { tool, args, rationale } = parsed;
  const settled = settlement.kind === "settled" ? [settlement.entry] : [];
  const memory = memoryOf(input, before, settled);
  const leaking = leakingPaths(contract, memory, tool, args);
  const forms = actionForms(tool, args, runSecret, request.turn, leaking);
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
  const said = { tool, args, rationale, proposed, nonces: forms.action.nonces };
  const gate = caseOf(input, before, [...settled, entry], memory, said);
  if (settlement.kind === "settled" && settlement.close !== undefined) {
    const detail = "the outcome of the call before is unknown: a person has to look";
    return {
      kind: "done",
      step: refuse({ ...gate, checks: allSkipped(detail) }, [`CS-3125 ${detail}`], settlement.close),
    };
  }
  return checked(gate);
}
