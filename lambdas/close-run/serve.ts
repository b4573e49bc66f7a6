/**
 * Closes runs whose execution ended without closing them, and gives back what abandoned admissions took. Woken by the end of an
 * execution (best effort) and by a schedule; may run twice, late, or beside itself.
 */
import * as z from "zod";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { Budgets, OpenRun } from "../../lib/aws/budgets.js";
import type { Effects } from "../../lib/aws/effects.js";
import type { Executions } from "../../lib/aws/executions.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { Vault } from "../../lib/aws/vault.js";
import type { Contract } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { closeRun, START_GRACE_MS } from "../../lib/run/close.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { readsFor } from "../../lib/run/read.js";
import { callSeal } from "../../lib/run/sealing.js";
import { holdsOfSettled } from "../../lib/run/settle.js";
import { abandon, giveBack } from "../shared/give-back.js";
import { effectRow } from "../shared/ledger.js";
import { logLine } from "../shared/log.js";
import { NamedError } from "../shared/named-error.js";
import { moveHolds, record } from "../shared/record.js";
import { tellOutcomes } from "../shared/tell-outcomes.js";

export interface CloseRunDeps {
  readonly contract: Contract;
  readonly log: RunLog;
  readonly vault: Pick<Vault, "readSecret" | "seal">;
  readonly effects: Pick<Effects, "read">;
  readonly approvals: Pick<Approvals, "insertOutcome">;
  readonly budgets: Budgets;
  readonly executions: Pick<Executions, "status">;
  readonly nowMs: () => number;
}
export type Settled = "closed" | "given back" | "abandoned" | "waiting";

/** Younger runs are left to the sweep after: their admission may still be at work. */
const SWEEP_AGE_MS = 60_000;
const closeEvent = z.union([
  z.strictObject({ sweep: z.literal(true) }),
  z.object({ detail: z.object({ executionArn: z.string() }) }),
]);

export function createHandler(deps: CloseRunDeps) {
  return async (event: unknown): Promise<{ readonly settled: Readonly<Record<string, Settled>> }> => {
    const asked = closeEvent.parse(event);
    const open = await deps.budgets.readOpen();
    const wanted =
      "sweep" in asked
        ? open.filter((run) => deps.nowMs() - Date.parse(run.admitted_at) >= SWEEP_AGE_MS)
        : open.filter((run) => run.execution_arn === asked.detail.executionArn);
    const settled: Record<string, Settled> = {};
    const failed: string[] = [];
    for (const run of wanted) {
      try {
        settled[run.run_id] = await settle(deps, run);
      } catch (error) {
        // One damaged run must not keep the others open.
        failed.push(run.run_id);
        const named =
          error instanceof CountersignError ? error.toString() : error instanceof Error ? error.name : "unknown";
        logLine("error", "run not settled", { workflow: deps.contract.name, run_id: run.run_id, error: named });
      }
    }
    logLine("info", "swept", {
      workflow: deps.contract.name,
      open: open.length,
      seen: wanted.length,
      failed: failed.length,
    });
    if (failed.length > 0)
      throw new CountersignError(
        "CS-3408",
        `close-run: ${failed.length} of ${wanted.length} runs could not be settled: ${failed.slice(0, 5).join(", ")}`,
      );
    return { settled };
  };
}

async function settle(deps: CloseRunDeps, open: OpenRun): Promise<Settled> {
  const run = { workflow: deps.contract.name, tenant: open.tenant, runId: open.run_id };
  const events = await deps.log.read(run);
  if (events[0]?.type !== "RunStarted") {
    if (deps.nowMs() < Date.parse(open.admitted_at) + START_GRACE_MS) return "waiting";
    if (!(await deps.budgets.abandonOpen(open))) return "waiting";
    await abandon(deps.budgets, open);
    return "abandoned";
  }
  if (events.some(({ type }) => type === "RunClosed")) {
    await settleAccounts(deps, run, events);
    return "given back";
  }
  return close(deps, run, open, events);
}

/**
 * A step may have died between its record and what follows: every settled call is counted now, those that were already stay as they are, and
 * whoever was being asked is told. The open row goes last: as long as it is there, the sweep comes back.
 */
async function settleAccounts(deps: CloseRunDeps, run: RunRef, events: readonly RecordedEvent[]): Promise<void> {
  await moveHolds(deps, run, holdsOfSettled(deps.contract, events, run.runId));
  await tellOutcomes(deps.approvals, run, events.at(-1)?.step ?? "", events, deps.nowMs());
  await giveBack(deps.budgets, run, events);
}

async function close(
  deps: CloseRunDeps,
  run: RunRef,
  open: OpenRun,
  events: readonly RecordedEvent[],
): Promise<Settled> {
  const { effect } = readsFor(events, null);
  const execution = await deps.executions.status(open.execution_arn);
  // After the execution's end, so that nothing it did is missed; and the time before the ledger, so that a claim that is not there cannot
  // have begun by then.
  const nowMs = deps.nowMs();
  const found = effect === null ? undefined : await deps.effects.read({ run, ...effect });
  const secret = await deps.vault.readSecret(run);
  if (secret === undefined)
    throw new CountersignError("CS-3404", `vault: the key of run ${run.runId} is gone; close it by hand`);
  const closing = closeRun({
    contract: deps.contract,
    events,
    runSecret: secret,
    effect: effectRow(found, callSeal(secret, run.runId, effect?.turn ?? 0)),
    execution,
    nowMs,
  });
  if (closing.kind !== "close") return "waiting";
  try {
    await settleAccounts(deps, run, await record(deps, { run, secret, events, nowMs }, closing));
    return "closed";
  } catch (error) {
    if (error instanceof NamedError && error.name === "Conflict") return "waiting";
    throw error;
  }
}
