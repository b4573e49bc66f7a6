/** The context object of a turn, put together from the record: what `recall` compares with the log, and what the agent was told. */
import type { Contract } from "../contract/model.js";
import { isJsonObject } from "../run/canonical.js";
import type { RunContext } from "../run/protocol.js";
import { find, proposalOf, type RecordedRun, toolAnswerOf } from "./recorded.js";

export function contextAt(run: RecordedRun, contract: Contract, turn: number): RunContext {
  const { started, ref } = run;
  const before = Array.from({ length: turn - 1 }, (_, index) => index + 1);
  return {
    v: 1,
    run_id: ref.runId,
    workflow: ref.workflow,
    version: contract.version,
    tenant: ref.tenant,
    turn,
    input: isJsonObject(started.data.input) ? started.data.input : {},
    turns: before.flatMap((one) => turnOf(run, one)),
    budget_left_micro_usd: 0,
    steps_left: 0,
  };
}

function turnOf(run: RecordedRun, turn: number): RunContext["turns"] {
  const proposed = proposalOf(run, turn)?.proposal;
  if (proposed === undefined) return [];
  const decided = run.events.findLast((event) => event.type === "ActionDecided" && event.data.turn === turn);
  const result = toolAnswerOf(run, turn) ?? null;
  const untrusted = find(run.events, "ToolReturned", turn)?.data.untrusted ?? false;
  const decision = decided?.type === "ActionDecided" ? decided.data.decision : "invalid";
  return [{ turn, proposed, decision, reasons: [], approvals: [], result, untrusted }];
}
