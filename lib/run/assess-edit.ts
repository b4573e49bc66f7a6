/**
 * A person changed the arguments before approving. That is another action: it is judged from the start, and people are always asked about
 * it again, with the new preview. What may not be (schema, a check, a policy) is not taken, and the question before is put again, with the
 * reason. The agent's own proposal stays on record either way.
 */
import type { Tool } from "../contract/model.js";
import { actionForms } from "./action.js";
import type { ActOf } from "./acts.js";
import { askedIn } from "./approvals.js";
import { jsonFault, jsonSizeBytes, sameJson } from "./canonical.js";
import { caseOf, memoryOf, ownChecks } from "./case.js";
import { allSkipped, reasonOf } from "./checks.js";
import { delegationsOf } from "./closing.js";
import { refuse } from "./deny.js";
import { plain } from "./draft.js";
import { notedEntries, refusedEdit } from "./notes.js";
import { leakingPaths } from "./outbound.js";
import { decidersOf, type Panel } from "./panel.js";
import { checkArgs } from "./proposal.js";
import { type Action, type ApprovalView, MAX_ARGS_BYTES } from "./protocol.js";
import { sealedAs } from "./redact.js";
import type { OpenRun, Pending } from "./state.js";
import { isoTime } from "./time.js";
import type { Assessment, Entry, GateInput, Judgement, Step } from "./types.js";

/** A question that was answered with an edit. */
export interface EditedQuestion {
  readonly input: GateInput;
  readonly before: OpenRun;
  readonly pending: Pending;
  /** what people had before them */
  readonly shown: ApprovalView;
  /** the action they were asked about */
  readonly action: Action;
  readonly tool: Tool;
  readonly rationale: string | null;
  readonly edit: ActOf<"edit">;
}

/** The question that takes the place of one that was answered with an edit. */
export interface Again {
  readonly question: EditedQuestion;
  /** null: the edit was not taken */
  readonly editedBy: string | null;
  readonly refused: ApprovalView["edit_refused"];
}

export function assessEdit(question: EditedQuestion): Assessment {
  const { input, before, pending, tool, edit, rationale } = question;
  const { contract, hashes, runSecret, request } = input;
  if (
    pending.proposed.contract_hash !== hashes.contractHash ||
    pending.proposed.tool_schema_hash !== hashes.toolSchemaHashes[tool.name]
  )
    return changed(question);
  const fault = formFault(question);
  if (fault !== undefined) return insteadOf(question, [fault]);
  const checkedArgs = checkArgs(tool, edit.args);
  if (!checkedArgs.ok) return insteadOf(question, [reasonOf("schema", `${tool.name}: ${checkedArgs.fault}`)]);
  const { args } = checkedArgs;
  const noted = notedEntries(input, pending);
  const leaking = leakingPaths(contract, memoryOf(input, before, noted), tool, args);
  const forms = actionForms(tool, args, runSecret, request.turn, leaking);
  const proposed = { ...pending.proposed, args: forms.redacted, args_hash: forms.argsHash };
  const entries = [...noted, editedEntry(question, forms), voided(question, `edited by ${edit.by}`)];
  const said = { tool, args, rationale, proposed, nonces: forms.action.nonces };
  const gate = caseOf(input, before, entries, memoryOf(input, before, entries), said);
  const again: Again = { question, editedBy: edit.by, refused: null };
  const own = ownChecks({ ...gate, again });
  if (own.kind === "judge") return own;
  return insteadOf(question, [own.reason]);
}

/** After `decide`: an edited action that may not be is not taken. Null when the step stands. */
export function originalInstead({ case: gate }: Judgement, step: Step): Assessment | null {
  if (gate.again === null || gate.again.editedBy === null || step.answer.decision === "ask") return null;
  const decided = step.events.findLast((event) => event.type === "ActionDecided");
  return insteadOf(gate.again.question, decided?.type === "ActionDecided" ? decided.data.reasons : []);
}

/** Who may decide about the question that follows, and until when: the clock goes on. */
export function panelAgain({ question }: Again): Panel & { readonly deadline: string } {
  const { pending, before, input } = question;
  const asked = askedIn(pending, before.started.requester);
  const approvers = decidersOf(asked, delegationsOf(input.acts ?? []), isoTime(input.nowMs));
  const { escalation, delegates, deadline } = asked;
  return { approvers, escalation, delegates, deadline };
}

/** @returns what is wrong before the schema is asked */
function formFault({ edit, action }: EditedQuestion): string | undefined {
  if (jsonFault(edit.args) !== undefined) return reasonOf("schema", "the edited arguments are nested too deep");
  if (jsonSizeBytes(edit.args) > MAX_ARGS_BYTES)
    return reasonOf("schema", `the edited arguments have more than ${MAX_ARGS_BYTES} bytes`);
  return sameJson(edit.args, action.args) ? reasonOf("schema", "nothing was changed") : undefined;
}

/** The question before, put again as it was, with the reason. */
function insteadOf(question: EditedQuestion, reasons: readonly string[]): Assessment {
  const { input, before, pending, action, tool, rationale, edit } = question;
  const refused = { by: edit.by, reasons: [...reasons] };
  const entries = [
    ...notedEntries(input, pending),
    refusedEdit(input, pending, edit),
    voided(question, `CS-3130 the edit by ${edit.by} was not taken: ${reasons.join("; ")}`),
  ];
  const { args, nonces } = action;
  const said = { tool, args, rationale, proposed: pending.proposed, nonces };
  const gate = caseOf(input, before, entries, memoryOf(input, before, entries), said);
  const own = ownChecks({ ...gate, again: { question, editedBy: null, refused } });
  return own.kind === "judge" ? own : { kind: "done", step: refuse(own.case, [own.reason], own.close) };
}

/** The contract that people read about is not the one that runs: neither the edit nor the question stands. */
function changed(question: EditedQuestion): Assessment {
  const { input, before, pending, action, tool, rationale } = question;
  const why = "the contract or the tool's schema changed since; propose again";
  const entries = [...notedEntries(input, pending), voided(question, why)];
  const { args, nonces } = action;
  const said = { tool, args, rationale, proposed: pending.proposed, nonces };
  const gate = caseOf(input, before, entries, memoryOf(input, before, entries), said);
  return { kind: "done", step: refuse({ ...gate, checks: allSkipped(why) }, [`CS-3123 ${why}`]) };
}

function editedEntry(
  { edit, pending }: EditedQuestion,
  { redacted, argsHash, sealed }: ReturnType<typeof actionForms>,
): Entry {
  const { requested } = pending;
  return {
    event: {
      type: "ActionEdited",
      data: {
        turn: requested.turn,
        round: (requested.round ?? 0) + 1,
        approval_id: requested.approval_id,
        editor: edit.by,
        channel: edit.channel,
        method: edit.method,
        edited_at: edit.at,
        args: redacted,
        args_hash: argsHash,
      },
    },
    sealed: sealedAs("args", sealed),
  };
}

function voided({ pending }: EditedQuestion, reason: string): Entry {
  const { turn, approval_id } = pending.requested;
  return plain({ type: "ApprovalVoided", data: { turn, approval_id, reason } });
}
