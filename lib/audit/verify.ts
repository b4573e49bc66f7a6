/**
 * Verifies an export line by line, without the cloud and without trust in who wrote it: canonical form, schema, hash chain, order, rules, and
 * the manifest at the end. Every line that was changed, removed, swapped, repeated or cut off is named.
 */
import * as z from "zod";
import { recordedEvent } from "../run/events.js";
import { runKeyOf } from "./export.js";
import { Findings, newProgress, type RunProgress, type VerifyFault } from "./findings.js";
import { parseLine } from "./line.js";
import { type ExportManifest, manifestOfLine } from "./manifest.js";
import { compareManifest } from "./verify-manifest.js";
import { verifyRecord } from "./verify-record.js";

/** The same schema as code: what it accepts takes a tenth of the time, what it refuses is told by the schema itself. */
const compiledEvent = z.compile(recordedEvent, { strict: true });

export interface VerifyReport {
  readonly ok: boolean;
  readonly runs: number;
  readonly validRuns: number;
  readonly records: number;
  readonly validRecords: number;
  /** run ids without RunClosed or RunRefused: nothing wrong, but they go on */
  readonly open: readonly string[];
  /** in order of the file */
  readonly faults: readonly VerifyFault[];
}
export interface Verifier {
  /** one line, without its line end */
  add(line: string): void;
  /** after the last line */
  finish(): VerifyReport;
}

export function createVerifier(): Verifier {
  const findings = new Findings();
  const runs = new Map<string, RunProgress>();
  let current: string | undefined;
  let manifest: ExportManifest | undefined;
  let ended = false;

  const addManifest = (line: string, value: unknown) => {
    ended = true;
    manifest = manifestOfLine(line, value);
    if (manifest === undefined) findings.atLine("CS-5109", "the manifest's hash differs from its content (edited)");
  };
  const addEvent = (line: string, value: unknown) => {
    const parsed = compiledEvent.safeParse(value);
    if (!parsed.success) {
      const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
      const where = path === "" ? "" : `, at ${path.slice(0, 100)}`;
      return findings.atLine("CS-5102", `is not an event of this format${where} (edited)`);
    }
    const key = runKeyOf(parsed.data);
    const known = runs.get(key);
    const run = known ?? newProgress(parsed.data.run_id);
    runs.set(key, run);
    if (known !== undefined && current !== key) {
      findings.atRecord("CS-5106", run, parsed.data.seq, "stands among the records of another run (moved)");
    }
    current = key;
    verifyRecord(findings, run, line, value, parsed.data);
  };

  return {
    add(line) {
      findings.line += 1;
      if (ended) return findings.atLine("CS-5109", "follows the manifest, which is an export's last line");
      const parsed = parseLine(line);
      if ("why" in parsed) return findings.atLine("CS-5101", parsed.why);
      if (isManifest(parsed.value)) addManifest(line, parsed.value);
      else addEvent(line, parsed.value);
    },
    finish() {
      if (!ended) findings.atLine("CS-5108", "the manifest should follow (truncated); lines may be missing");
      if (manifest !== undefined) compareManifest(findings, runs, manifest);
      return summary(runs, findings.faults, manifest);
    },
  };
}

const isManifest = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "type" in value && value.type === "ExportManifest";

function summary(
  runs: ReadonlyMap<string, RunProgress>,
  faults: readonly VerifyFault[],
  manifest: ExportManifest | undefined,
): VerifyReport {
  const open: string[] = [];
  let [lines, validRuns, validRecords] = [0, 0, 0];
  for (const run of runs.values()) {
    lines += run.lines;
    validRecords += run.valid;
    if (run.faults === 0) validRuns += 1;
    if (run.rules.ended === null) open.push(run.id);
  }
  const promised = manifest?.runs.reduce((sum, { events }) => sum + events, 0) ?? 0;
  return {
    ok: faults.length === 0,
    runs: Math.max(runs.size, manifest?.runs.length ?? 0),
    validRuns,
    records: Math.max(lines, promised),
    validRecords,
    open,
    faults,
  };
}

/** Verifies a whole file's text. A line end after the last line is not a line. */
export function verifyText(text: string): VerifyReport {
  const verifier = createVerifier();
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) verifier.add(line);
  return verifier.finish();
}

/** What people read: the faults, then `15 of 15 runs, 412 of 412 records valid`. */
export function reportLines(report: VerifyReport): readonly string[] {
  const open = report.open.length === 0 ? [] : [`${report.open.length} still open: ${report.open.join(", ")}`];
  const counts = `${report.validRuns} of ${report.runs} runs, ${report.validRecords} of ${report.records} records valid`;
  const whole = report.validRuns === report.runs && report.validRecords === report.records;
  const sum = report.ok || !whole ? counts : `${counts}, but the file is not whole`;
  return [...report.faults.map(({ message }) => message), [sum, ...open].join("; ")];
}
