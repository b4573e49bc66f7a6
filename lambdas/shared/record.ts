/** Writing a step down, in the order that a crash anywhere leaves harmless: sealed values, holds, events, settled holds. */
import { appendToChain } from "../../lib/audit/chain.js";
import type { Budgets } from "../../lib/aws/budgets.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { Vault } from "../../lib/aws/vault.js";
import { CountersignError } from "../../lib/errors.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import {
  counterDoc,
  type Hold,
  type HoldRef,
  holdExposure,
  releaseExposure,
  settleExposure,
} from "../../lib/run/exposure.js";
import type { RunRef } from "../../lib/run/keys.js";
import { ERROR_NAMES } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import type { Step } from "../../lib/run/types.js";
import { NamedError } from "./named-error.js";

export interface Recorder {
  readonly log: Pick<RunLog, "append">;
  readonly vault: Pick<Vault, "seal">;
  readonly budgets: Pick<Budgets, "updateCounter">;
}
export interface Place {
  readonly run: RunRef;
  readonly secret: Uint8Array;
  /** the log as it was read */
  readonly events: readonly RecordedEvent[];
  readonly nowMs: number;
}
export type Written = Pick<Step, "step" | "events" | "sealed"> & Partial<Pick<Step, "holds" | "settled" | "released">>;

/**
 * Answers the whole log after the step.
 * @throws NamedError `Conflict` when someone else wrote first, or used up what the policies judged by
 */
export async function record(to: Recorder, place: Place, written: Written): Promise<readonly RecordedEvent[]> {
  const { run, secret, events, nowMs } = place;
  const envelope = {
    workflow: run.workflow,
    tenant: run.tenant,
    run_id: run.runId,
    step: written.step,
    at: isoTime(nowMs),
  };
  const chained = appendToChain(events.at(-1) ?? null, envelope, written.events);
  for (const { index, values } of written.sealed) {
    const event = chained[index];
    if (event === undefined)
      throw new CountersignError("CS-3403", `step ${written.step}: sealed values of an event that is not there`);
    await to.vault.seal(run, secret, event, values);
  }
  for (const hold of written.holds ?? []) await takeHold(to, run, hold);
  if (chained.length > 0 && (await to.log.append(chained)) === "conflict")
    throw new NamedError(ERROR_NAMES.conflict, `run ${run.runId}: someone else wrote record ${chained[0]?.seq} first`);
  await moveHolds(to, run, written);
  return [...events, ...chained];
}

/** Closed holds; doing it again changes nothing. */
export async function moveHolds(
  { budgets }: Pick<Recorder, "budgets">,
  run: RunRef,
  { settled = [], released = [] }: Pick<Written, "settled" | "released">,
): Promise<void> {
  for (const hold of settled)
    await budgets.updateCounter(counterOf(run, hold), counterDoc, (doc) => settleExposure(doc, hold));
  for (const hold of released)
    await budgets.updateCounter(counterOf(run, hold), counterDoc, (doc) => releaseExposure(doc, hold));
}

export function counterOf({ tenant }: RunRef, { scope, day }: Pick<HoldRef, "scope" | "day">) {
  return { kind: "exposure", tenant, scope, day } as const;
}

async function takeHold({ budgets }: Recorder, run: RunRef, hold: Hold): Promise<void> {
  try {
    await budgets.updateCounter(counterOf(run, hold), counterDoc, (doc) => holdExposure(doc, hold));
  } catch (error) {
    if (error instanceof CountersignError && (error.code === "CS-3017" || error.code === "CS-3405"))
      throw new NamedError(ERROR_NAMES.conflict, error.toString());
    throw error;
  }
}
