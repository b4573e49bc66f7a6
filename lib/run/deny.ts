/** The ways an action goes no further: recorded with every check and every reason, and told to the agent. */

import { asJson } from "./canonical.js";
import { finishStep, plain, runClosed, withEntries } from "./draft.js";
import type { Check, NewEvent } from "./events.js";
import type { Ruling } from "./policy.js";
import type { RedactedPreview } from "./previewed.js";
import type { Outcome } from "./state.js";
import type { Entry, GateCase, PolicyVerdict, Step } from "./types.js";

type Decided = Extract<NewEvent, { type: "ActionDecided" }>["data"];

export interface DecidedParts {
  readonly decision: Decided["decision"];
  readonly reasons: readonly string[];
  /** people who had approved */
  readonly approvals: number;
  readonly checks: readonly Check[];
  readonly policy?: Decided["policy"];
  readonly tier?: Decided["tier"];
  readonly previewHash?: string | null;
  readonly preview?: RedactedPreview | undefined;
  /** beside what the preview has of it */
  readonly sealed?: Entry["sealed"];
}

/** ActionDecided, whatever the decision. */
export function decidedEntry(gate: GateCase, parts: DecidedParts): Entry {
  const { proposed } = gate;
  const { preview, sealed } = parts;
  const event: Entry["event"] = {
    type: "ActionDecided",
    data: {
      turn: proposed.turn,
      tool: proposed.tool,
      args_hash: proposed.args_hash,
      decision: parts.decision,
      tier: parts.tier ?? null,
      approvals: Math.min(2, parts.approvals),
      checks: [...parts.checks],
      policy: parts.policy ?? null,
      preview_hash: parts.previewHash ?? null,
      ...(preview === undefined ? {} : { preview: preview.record }),
      reasons: [...parts.reasons],
    },
  };
  return { event, sealed: { ...sealed, ...preview?.sealed } };
}

/** What the policy engine was asked and answered, as it is recorded: the last answer's context, without the model's input. */
export function policyRecord(gate: GateCase, verdicts: readonly PolicyVerdict[], ruling: Ruling): Decided["policy"] {
  const { input: _input, ...context } = verdicts.at(-1)?.context ?? {};
  const { type, id, facts } = gate.resource;
  return {
    set_hash: gate.input.hashes.policySetHash,
    determining: [...ruling.determining],
    denied_by: [...ruling.deniedBy],
    errors: [...ruling.errors],
    context: asJson(context) ?? null,
    resource: { type, id, facts },
  };
}

/** Denied by people, or for want of them, and the agent goes on. The tier that they were asked for stays in the record. */
export function denied(gate: GateCase, reasons: readonly string[], approvals: number): Step {
  const { input, before, entries, checks } = gate;
  const tier = before.pending?.decided.tier ?? null;
  const decided = decidedEntry(gate, { tier, decision: "deny", reasons, approvals, checks });
  return finishStep({ input, before, entries: [...entries, decided] });
}

/** Denied by a check: an approval that people gave is void with it, and with `close` the run ends. */
export function refuse(
  gate: GateCase,
  reasons: readonly string[],
  close?: Outcome,
  known: Pick<DecidedParts, "policy" | "tier" | "previewHash" | "preview"> = {},
): Step {
  const { input, before, asked, checks } = gate;
  const voided = asked === null ? [] : [voidedEntry(asked.pending.requested, reasons)];
  const all = asked === null ? reasons : [`CS-3123 the approval no longer holds`, ...reasons];
  const decided = decidedEntry(gate, {
    ...known,
    decision: "deny",
    reasons: all,
    approvals: asked?.approvals ?? 0,
    checks,
  });
  const entries = [...gate.entries, ...voided, decided];
  if (close === undefined) return finishStep({ input, before, entries });
  return finishStep({
    input,
    before,
    entries: [...entries, runClosed(withEntries(input, before, entries), close, "gate")],
  });
}

function voidedEntry(
  { turn, approval_id }: { readonly turn: number; readonly approval_id: string },
  reasons: readonly string[],
): Entry {
  return plain({ type: "ApprovalVoided", data: { turn, approval_id, reason: reasons.join("; ") } });
}
