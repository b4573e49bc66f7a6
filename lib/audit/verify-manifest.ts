/** What the manifest promises against what was in the file. */
import { type Findings, newProgress, type RunProgress } from "./findings.js";
import type { ExportManifest } from "./manifest.js";

type Entry = ExportManifest["runs"][number];

export function compareManifest(
  findings: Findings,
  runs: ReadonlyMap<string, RunProgress>,
  manifest: ExportManifest,
): void {
  // most files are whole and in order, and may hold a million runs: nothing is gathered for those
  const listed = isSameRuns(runs, manifest) ? runs : new Set(manifest.runs.map(({ run }) => run));
  for (const [key, run] of runs) {
    if (!listed.has(key))
      findings.inRun("CS-5110", run, null, "is not in the manifest (added, or its lines were edited)");
  }
  for (const entry of manifest.runs) {
    const run = runs.get(entry.run);
    compareRun(findings, run, entry);
    if (run !== undefined && !run.broken) compareCheckpoint(findings, run, entry);
  }
  if (listed !== runs) compareOrder(findings, runs, manifest, listed);
}

function isSameRuns(runs: ReadonlyMap<string, RunProgress>, manifest: ExportManifest): boolean {
  const keys = runs.keys();
  return runs.size === manifest.runs.length && manifest.runs.every(({ run }) => run === keys.next().value);
}

function compareRun(findings: Findings, run: RunProgress | undefined, { run: key, events, head }: Entry): void {
  if (run === undefined) {
    const id = key.split("#").at(-1) ?? key;
    findings.inRun("CS-5110", newProgress(id), null, `all ${events} records are missing (removed)`);
  } else if (run.lines < events && !run.broken) {
    findings.inRun("CS-5111", run, run.next, `is missing: the manifest says ${events} records (truncated)`);
  } else if (run.lines !== events) {
    findings.inRun("CS-5111", run, null, `has ${run.lines} records, the manifest says ${events}`);
  } else if (!run.broken && run.head !== head) {
    findings.inRun("CS-5104", run, run.next - 1, "is not the last record that the manifest names (replaced)");
  }
}

function compareCheckpoint(findings: Findings, run: RunProgress, { checkpoint, events }: Entry): void {
  if (checkpoint === undefined || run.lines !== events || (run.checkpoint?.hash ?? null) === checkpoint) return;
  findings.inRun("CS-5163", run, run.checkpoint?.seq ?? null, "the manifest names another last checkpoint (removed)");
}

function compareOrder(
  findings: Findings,
  runs: ReadonlyMap<string, RunProgress>,
  manifest: ExportManifest,
  listed: { has(run: string): boolean },
): void {
  const order = [...runs].filter(([key]) => listed.has(key));
  const expected = manifest.runs.filter(({ run }) => runs.has(run));
  const moved = order.find(([key], index) => key !== expected[index]?.run);
  if (moved !== undefined) findings.inRun("CS-5106", moved[1], null, "is not at the manifest's place (swapped)");
}
