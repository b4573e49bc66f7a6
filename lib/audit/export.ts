/** An export: one canonical JSON line per event, run after run, and the manifest as the last line. */
import { jcs } from "../run/canonical.js";
import type { RecordedEvent } from "../run/events.js";
import { logKey } from "../run/keys.js";
import { type ExportManifest, manifestOf } from "./manifest.js";
import { runRecord } from "./record.js";

/** `<workflow>#<tenant>#<run id>`: what a run is called in manifest and verification. */
export const runKeyOf = (event: Pick<RecordedEvent, "workflow" | "tenant" | "run_id">): string =>
  logKey.pk({ workflow: event.workflow, tenant: event.tenant, runId: event.run_id });

/** Runs from wherever they are kept (the log, the archive, files): each item is one run's events in order. */
export type RunSource = AsyncIterable<readonly RecordedEvent[]> | Iterable<readonly RecordedEvent[]>;

/**
 * Lines without line ends. Runs without events are left out.
 * @param written runs that the file holds already, when a cut-off export goes on
 */
export async function* exportLines(runs: RunSource, written: ExportManifest["runs"] = []): AsyncGenerator<string> {
  const listed = [...written];
  for await (const events of runs) {
    const last = events.at(-1);
    if (last === undefined) continue;
    for (const event of events) yield jcs(event);
    listed.push({ run: runKeyOf(last), events: events.length, head: last.hash });
  }
  yield jcs(manifestOf(listed));
}

/** One run record per line, for `--records`. */
export const recordLine = (events: readonly RecordedEvent[]): string => JSON.stringify(runRecord(events));

export async function* recordLines(runs: RunSource): AsyncGenerator<string> {
  for await (const events of runs) if (events.length > 0) yield recordLine(events);
}
