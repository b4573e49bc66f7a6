/** An export: one canonical JSON line per event, run after run, and the manifest as the last line. */
import { jcs } from "../run/canonical.js";
import type { RecordedEvent } from "../run/events.js";
import { logKey } from "../run/keys.js";
import { type ExportManifest, manifestOf } from "./manifest.js";
import { runRecord } from "./record.js";
import type { Checkpoint, Digest } from "./statement.js";

/** `<workflow>#<tenant>#<run id>`: what a run is called in manifest and verification. */
export const runKeyOf = (event: Pick<RecordedEvent, "workflow" | "tenant" | "run_id">): string =>
  logKey.pk({ workflow: event.workflow, tenant: event.tenant, runId: event.run_id });

/** Runs from wherever they are kept (the log, the archive, files): each item is one run's events in order. */
export type RunSource = AsyncIterable<readonly RecordedEvent[]> | Iterable<readonly RecordedEvent[]>;

/** What the notary signed about the exported runs. */
export interface Evidence {
  /** the run's checkpoints, in order */
  checkpointsOf(events: readonly RecordedEvent[]): Promise<readonly Checkpoint[]>;
  /** in order of `n`, without gaps; asked for after the last run */
  digests(): AsyncIterable<Digest>;
  /** every run that the digests list is exported */
  readonly complete: boolean;
}

/**
 * Lines without line ends. Runs without events are left out.
 * @param written runs that the file holds already, when a cut-off export goes on
 */
export async function* exportLines(
  runs: RunSource,
  written: ExportManifest["runs"] = [],
  evidence?: Evidence,
): AsyncGenerator<string> {
  const listed = [...written];
  for await (const events of runs) {
    const last = events.at(-1);
    if (last === undefined) continue;
    const run = { run: runKeyOf(last), events: events.length, head: last.hash };
    if (evidence === undefined) {
      for (const event of events) yield jcs(event);
      listed.push(run);
      continue;
    }
    const checkpoints = new Map((await evidence.checkpointsOf(events)).map((each) => [each.seq, each]));
    let newest: Checkpoint | undefined;
    for (const event of events) {
      yield jcs(event);
      const made = checkpoints.get(event.seq);
      if (made === undefined) continue;
      yield jcs(made);
      newest = made;
    }
    listed.push({ ...run, checkpoint: newest?.hash ?? null });
  }
  if (evidence === undefined) {
    yield jcs(manifestOf(listed));
    return;
  }
  let digests = 0;
  for await (const digest of evidence.digests()) {
    digests += 1;
    yield jcs(digest);
  }
  yield jcs(manifestOf(listed, { digests, complete: evidence.complete }));
}

/** One run record per line, for `--records`. */
export const recordLine = (events: readonly RecordedEvent[]): string => JSON.stringify(runRecord(events));

export async function* recordLines(runs: RunSource): AsyncGenerator<string> {
  for await (const events of runs) if (events.length > 0) yield recordLine(events);
}
