/**
 * The gate's decision: may this action run?
 *
 *   its own checks passed (assess)
 *   → the preview shows what would happen, and it is what people were shown
 *   → the run can pay for it
 *   → the policies allow it, with 0, 1 or 2 people
 *   → and that many people have said yes
 *
 * Only then is there an ActionPermitted, and only that makes a tool act. Otherwise people are asked, or the agent is told why not. Pure:
 * the same case and evidence give the same events.
 */
import { CountersignError } from "../errors.js";
import { panelAgain } from "./assess-edit.js";
import { cannotPay, overBudget } from "./budget.js";
import { type Json, jsonSizeBytes } from "./canonical.js";
import { AFTER_FAILURE, failed, LATER_CHECKS, passed, reasonOf, skipped } from "./checks.js";
import { PERMIT_VALID_MS } from "./claim.js";
import { type DecidedParts, decidedEntry, policyRecord, refuse } from "./deny.js";
import { finishStep, plain } from "./draft.js";
import { amountOf, counterIn, countersOf, type Hold, holderOf, othersCount, othersSum } from "./exposure.js";
import { actionHash, approvalId, idempotencyKey, previewHash, proposalStep, viewHash } from "./hash.js";
import { isDeeper, MAX_VALUE_DEPTH } from "./json.js";
import { panelOf, signInFor } from "./panel.js";
import { type Ruling, rule } from "./policy.js";
import { redactPreview } from "./previewed.js";
import { MAX_OUTPUT_BYTES } from "./protocol.js";
import { noncesOf, seal } from "./redact.js";
import type { Outcome } from "./state.js";
import { isoTime, msOf } from "./time.js";
import { typedConfirmation } from "./title.js";
import type { Entry, Evidence, GateCase, Judgement, SealedValue, Step } from "./types.js";
import { askingPolicies, viewJson, viewOf } from "./view.js";

/** @throws CountersignError CS-3019 when the shell did not fetch what `needs` names */
export function decide({ case: gate, needs }: Judgement, evidence: Evidence): Step {
  const preview = previewCheck(gate, needs.preview !== null, evidence);
  if (preview.fault !== undefined) return fail(gate, "preview", preview.fault, preview);
  const afterPreview = { ...gate, checks: [...gate.checks, passed("preview", preview.note)] };

  const budget = budgetFault(gate);
  if (budget !== undefined) {
    return fail(afterPreview, "budget", budget, preview, overBudget(gate.input.contract.budget.over));
  }
  const afterBudget = { ...afterPreview, checks: [...afterPreview.checks, passed("budget")] };

  const ruling = rule(evidence.verdicts);
  const policy = policyRecord(gate, evidence.verdicts, ruling);
  const known = { policy, tier: ruling.tier, previewHash: preview.previewHash, preview: preview.preview };
  if (ruling.tier === null) return fail(afterBudget, "policy", deniedBy(ruling, evidence), known);
  const judged = { ...afterBudget, checks: [...afterBudget.checks, passed("policy", needText(ruling.tier))] };

  if (gate.input.contract.autonomy === "observe" && gate.tool.effect === "write")
    return recommend(judged, ruling.tier, known);
  const approvals = gate.asked?.approvals ?? 0;
  if (gate.again === null && approvals >= ruling.tier)
    return permit(judged, evidence, approvals, { ...known, sealed: preview.sealed });
  if (gate.asked !== null) {
    return refuse(judged, [`the policies now want ${ruling.tier} people, and ${approvals} approved`], undefined, known);
  }
  return ask(judged, evidence, { ...known, ruling, needed: ruling.tier === 2 ? 2 : 1, sealed: preview.sealed });
}

type Known = Pick<DecidedParts, "policy" | "tier" | "previewHash" | "preview">;

function fail(
  gate: GateCase,
  name: (typeof LATER_CHECKS)[number],
  detail: string,
  known: Known,
  close?: Outcome,
): Step {
  const rest = LATER_CHECKS.slice(LATER_CHECKS.indexOf(name) + 1);
  const checks = [...gate.checks, failed(name, detail), ...skipped(rest, AFTER_FAILURE)];
  const { policy = null, tier = null, previewHash = null, preview } = known;
  return refuse({ ...gate, checks }, [reasonOf(name, detail)], close, { policy, tier, previewHash, preview });
}

// ---- evidence ---------------------------------------------------------------------------------------------------

interface PreviewFinding extends Pick<DecidedParts, "preview"> {
  readonly previewHash: string | null;
  readonly note: string;
  readonly fault?: string;
  readonly sealed: Readonly<Record<string, SealedValue>>;
}

function previewCheck(gate: GateCase, needed: boolean, { preview }: Evidence): PreviewFinding {
  const { asked, input, tool } = gate;
  const none = { previewHash: null, note: "reads have none", sealed: {} };
  if (!needed) return none;
  if (preview === null)
    throw new CountersignError("CS-3019", `gate: no preview of ${tool.name} was made; nothing runs`);
  if (preview.status === "error") return { ...none, fault: `${tool.name}: the preview failed (${preview.code})` };
  const { before, after, notes } = preview.preview;
  const value: Json = { before, after, notes: [...notes] };
  if (jsonSizeBytes(value) > MAX_OUTPUT_BYTES)
    return { ...none, fault: `${tool.name}: the preview has more than ${MAX_OUTPUT_BYTES} bytes` };
  if (isDeeper(value, MAX_VALUE_DEPTH))
    return { ...none, fault: `${tool.name}: the preview is nested deeper than ${MAX_VALUE_DEPTH} levels` };
  const { turn } = input.request;
  const hash = previewHash(input.runSecret, turn, value);
  const sealed = { "preview|": { nonce: noncesOf(input.runSecret, turn, "preview")(""), value } };
  const shown = asked?.pending.requested.preview_hash;
  // what people were asked about is on record with the question
  if (shown === hash) return { previewHash: hash, note: "", sealed };
  const found = { previewHash: hash, note: "", sealed, preview: redactPreview(gate, preview.preview) };
  if (shown === undefined) return found;
  return { ...found, fault: "what would happen is no longer what people were shown" };
}

function budgetFault({ input, run }: GateCase): string | undefined {
  const { reserveMicroUsd = run.dearestMicroUsd } = input;
  if (!cannotPay(run, reserveMicroUsd)) return undefined;
  return `${run.spentMicroUsd} micro-USD of ${run.started.budget_micro_usd} are spent, and the next model call may cost ${reserveMicroUsd}`;
}

function deniedBy(ruling: Ruling, { policies }: Evidence): string {
  if (ruling.errors.length > 0) return `a policy could not be evaluated, which denies: ${ruling.errors.join("; ")}`;
  if (ruling.deniedBy.length === 0) return "no policy permits this with any number of approvals";
  const named = ruling.deniedBy.map((id) => `${id}${policies[id] === undefined ? "" : ` (${policies[id].reason})`}`);
  return `denied with any number of approvals by ${named.join(", ")}`;
}

const needText = (tier: 0 | 1 | 2) => (tier === 0 ? "nobody is asked" : `${tier} ${tier === 1 ? "person" : "people"}`);

// ---- the four ways on -------------------------------------------------------------------------------------------

function recommend(gate: GateCase, tier: 0 | 1 | 2, known: Known): Step {
  if (gate.asked !== null) return refuse(gate, ["the autonomy level is observe now: no write runs"], undefined, known);
  const reason = `CS-3124 the autonomy level is observe: recorded as a recommendation (${needText(tier)} at a higher level); nothing ran`;
  const decided = decidedEntry(gate, {
    ...known,
    decision: "recommend",
    reasons: [reason],
    approvals: 0,
    checks: gate.checks,
  });
  return finishStep({ input: gate.input, before: gate.before, entries: [...gate.entries, decided] });
}

type KnownSealed = Known & { readonly sealed: Readonly<Record<string, SealedValue>> };

function permit(gate: GateCase, evidence: Evidence, approvals: 0 | 1 | 2, known: KnownSealed): Step {
  const { input, before, run, proposed } = gate;
  const { turn, run_id: runId } = input.request;
  const notAfter = isoTime(Math.min(input.nowMs + PERMIT_VALID_MS, msOf(run.started.expires_at)));
  const decided = decidedEntry(gate, { ...known, decision: "permit", reasons: [], approvals, checks: gate.checks });
  const permitted = plain({
    type: "ActionPermitted",
    data: {
      turn,
      tool: proposed.tool,
      args_hash: proposed.args_hash,
      // with people it is the hash they saw; alone it expires with the permit
      action_hash: gate.asked?.pending.requested.action_hash ?? hashOf(gate, notAfter),
      idempotency_key: idempotencyKey(runId, turn, proposed.args_hash),
      not_after: notAfter,
    },
  });
  const entries = [...gate.entries, decided, permitted];
  return finishStep({ input, before, entries, holds: holdsOf(gate, evidence) });
}

function ask(
  gate: GateCase,
  evidence: Evidence,
  { ruling, needed, ...known }: KnownSealed & { readonly ruling: Ruling; readonly needed: 1 | 2 },
): Step {
  const { input, before, run, tool, args, resource } = gate;
  const { contract, request, nowMs, runSecret } = input;
  const { requester } = run.started;
  const until = isoTime(Math.min(nowMs + contract.approvers.timeLimitMs, msOf(run.started.expires_at)));
  const panel =
    gate.again === null ? { ...panelOf(contract, requester, nowMs, until), deadline: until } : panelAgain(gate.again);
  const { approvers, escalation, delegates, deadline } = panel;
  const round = roundOf(gate);
  if (approvers.length < needed) {
    const reason = `CS-3126 the policies want ${needText(needed)} and ${approvers.length} may approve; ${requester} asked for the run and does not count`;
    return refuse(gate, [reason], undefined, known);
  }
  const signIn = signInFor(contract, needed);
  const hash = hashOf(gate, deadline);
  const id = approvalId(request.run_id, request.turn, hash, round);
  const asking = { ...panel, approvalId: id, actionHash: hash, round, needed, signIn, ruling };
  const view = viewOf(gate, evidence, asking);
  const policies = [...askingPolicies(ruling, evidence)];
  const decided = decidedEntry(gate, { ...known, decision: "ask", reasons: [], approvals: 0, checks: gate.checks });
  const requested: Entry = {
    event: {
      type: "ApprovalRequested",
      data: {
        turn: request.turn,
        approval_id: id,
        type: policies[0] ?? "policy",
        policies,
        action_hash: hash,
        view_hash: viewHash(view),
        needed,
        approvers: [...approvers],
        typed_confirmation: typedConfirmation(tool, args, resource.id) !== null,
        deadline,
        preview_hash: known.previewHash ?? null,
        sign_in: signIn,
        ...(round === 0 ? {} : { round }),
        ...(escalation.length === 0 ? {} : { escalation: [...escalation] }),
        ...(delegates.length === 0 ? {} : { delegates: [...delegates] }),
      },
    },
    sealed: seal(runSecret, request.turn, "approval", viewJson(view)).sealed,
  };
  return finishStep({ input, before, entries: [...gate.entries, decided, requested], view });
}

const roundOf = ({ again }: GateCase): number =>
  again === null ? 0 : (again.question.pending.requested.round ?? 0) + 1;

function hashOf({ input, proposed }: GateCase, expiresAt: string): string {
  return actionHash({
    run_id: input.request.run_id,
    step: proposalStep(proposed.turn),
    tool: proposed.tool,
    tool_schema_hash: proposed.tool_schema_hash,
    args: proposed.args,
    contract_hash: proposed.contract_hash,
    stage: input.stage,
    expires_at: expiresAt,
  });
}

/** What the permit takes of the day's exposure, tied to the sums that the policies judged. */
function holdsOf({ input, tool, args, resource }: GateCase, { counters }: Evidence): readonly Hold[] {
  const holder = holderOf(input.request.run_id, input.request.turn);
  return countersOf(tool, resource.id, input.nowMs, input.contract.timeZone).map((counter) => {
    const doc = counterIn(counters, counter);
    return {
      scope: counter.scope,
      day: counter.day,
      holder,
      amount: amountOf(tool, args),
      others: othersSum(doc, holder),
      othersCount: othersCount(doc, holder),
    };
  });
}
