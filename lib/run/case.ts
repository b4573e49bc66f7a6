/** Puts an action under judgement together, and runs the gate's own checks on it. */
import { CountersignError } from "../errors.js";
import { toldNow } from "./answer.js";
import { reasonOf, runOwnChecks } from "./checks.js";
import { refuse } from "./deny.js";
import { withEntries } from "./draft.js";
import { countersOf } from "./exposure.js";
import { type Memory, recall } from "./memory.js";
import { factsOf, resourceId } from "./resource.js";
import type { OpenRun, Outcome } from "./state.js";
import type { Assessment, Entry, GateCase, GateInput, Judgement } from "./types.js";

type Said = Pick<GateCase, "tool" | "args" | "rationale" | "proposed" | "nonces">;

/** The run's plain values as of the entries so far. */
export function memoryOf(input: GateInput, before: OpenRun, entries: readonly Entry[]): Memory {
  const { contract, context, runSecret } = input;
  return recall(contract, withEntries(input, before, entries), context, runSecret, toldNow(input));
}

export function caseOf(
  input: GateInput,
  before: OpenRun,
  entries: readonly Entry[],
  memory: Memory,
  said: Said,
): GateCase {
  const { contract, request } = input;
  const run = withEntries(input, before, entries);
  const id = resourceId(contract, said.tool, said.args, memory.input, request.run_id);
  const facts = factsOf(contract, memory, id, request.run_id);
  const resource = { type: contract.resource.type, id, facts };
  return { input, before, run, memory, ...said, resource, entries, checks: [], asked: null, again: null };
}

/** The gate's own checks; a proposal that passes them needs evidence. */
export function checked(gate: GateCase): Assessment {
  const own = ownChecks(gate);
  return own.kind === "judge" ? own : { kind: "done", step: refuse(own.case, [own.reason], own.close) };
}

export type OwnChecks =
  | Judgement
  | { readonly kind: "fault"; readonly case: GateCase; readonly reason: string; readonly close: Outcome | undefined };

export function ownChecks(gate: GateCase): OwnChecks {
  const { input, run, memory, tool, args } = gate;
  const { contract, brake, nowMs, known } = input;
  const { checks, fault } = runOwnChecks({ contract, run, memory, tool, args, brake, nowMs, known });
  if (fault === undefined) return judgement({ ...gate, checks });
  return { kind: "fault", case: { ...gate, checks }, reason: reasonOf(fault.name, fault.detail), close: fault.close };
}

function judgement(gate: GateCase): Judgement {
  const { input, tool, args, resource } = gate;
  const preview = tool.effect === "write" ? { tool: tool.name, args } : null;
  const counters = countersOf(tool, resource.id, input.nowMs, input.contract.timeZone);
  return { kind: "judge", needs: { preview, counters }, case: gate };
}

export const missing = (what: string) =>
  new CountersignError(
    "CS-3019",
    `gate: ${what} is not known to this function; nothing runs. Is it deployed with the run's contract?`,
  );
