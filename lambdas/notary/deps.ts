import type { Archive } from "../../lib/aws/archive.js";
import type { ListedRun } from "../../lib/aws/run-index.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { Signer } from "../../lib/aws/signer.js";
import type { DataClass } from "../../lib/contract/model.js";
import type { RunRef } from "../../lib/run/keys.js";

export interface NotaryDeps {
  readonly stage: string;
  /** workflows of the stage; those of earlier deployments are in the last digest */
  readonly workflows: readonly string[];
  readonly log: Pick<RunLog, "read">;
  /** runs of a workflow that started then or later, oldest first */
  readonly runsSince: (workflow: string, since: string) => AsyncIterable<ListedRun>;
  readonly archive: Archive;
  readonly signer: Signer;
  readonly retentionDays: Readonly<Record<DataClass, number>>;
  /** what one sweep takes on of a workflow: a notary that was away for long catches up digest by digest */
  readonly runsPerSweep: number;
  readonly nowMs: () => number;
}

export const nameOf = ({ workflow, tenant, runId }: RunRef): string => `${workflow}#${tenant}#${runId}`;

const DAY_MS = 86_400_000;
/** Records that do not say what they hold are kept as long as any. */
export function retainUntilMs(deps: NotaryDeps, dataClass?: DataClass): number {
  const days = dataClass === undefined ? Math.max(...Object.values(deps.retentionDays)) : deps.retentionDays[dataClass];
  return deps.nowMs() + days * DAY_MS;
}
