/**
 * Verifies an export line by line, without the cloud and without trust in who wrote it: canonical form, schema, hash chain, order, rules, and
 * the manifest at the end. Every line that was changed, removed, swapped, repeated or cut off is named.
 */
import type { AuditErrorCode } from "../errors/audit.js";
import { type RecordedEvent, recordedEvent } from "../run/events.js";
import { GENESIS } from "./chain.js";
import { runKeyOf } from "./export.js";
import { hashOfLine, isCanonical } from "./line.js";
import { exportManifest, manifestHolds, type ExportManifest } from "./manifest.js";
import { checkRules, newRuleState, type RuleState } from "./rules.js";

export interface VerifyFault {
  readonly code: AuditErrorCode;
  /** of the file, from 1; null for what is not there */
  readonly line: number | null;
  readonly run: string | null;
  /** the record's number in its run */
  readonly record: number | null;
  /** whole sentence, with run and record */
  readonly message: string;
}
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

interface RunUnderTest {
  readonly id: string;
  /** number of the next record */
  next: number;
  head: string;
  /** as the manifest counts: lines of this run, whatever their order */
  lines: number;
  valid: number;
  faults: number;
  /** from the first fault of the chain on nothing is proven */
  broken: boolean;
  /** records that were passed over */
  missing: Set<number>;
  rules: RuleState;
}
const UNPROVEN = "; everything after it is unproven";

export function createVerifier(): Verifier {
  const runs = new Map<string, RunUnderTest>();
  const faults: VerifyFault[] = [];
  let lineNumber = 0;
  let current: string | null = null;
  let manifest: ExportManifest | null = null;
  let ended = false;

  const report = (
    code: AuditErrorCode,
    run: RunUnderTest | null,
    record: number | null,
    what: string,
    line: number | null = lineNumber,
  ) => {
    const place =
      run === null
        ? `line ${line ?? lineNumber}`
        : record === null
          ? `run ${run.id}`
          : `run ${run.id}, record ${record}`;
    faults.push({ code, line, run: run?.id ?? null, record, message: `${place}: ${what}` });
    if (run !== null) run.faults += 1;
  };
  const breakChain = (code: AuditErrorCode, run: RunUnderTest, record: number, what: string) => {
    report(code, run, record, what + UNPROVEN);
    run.broken = true;
  };

  const addEvent = (line: string, event: RecordedEvent, canonical: boolean) => {
    const key = runKeyOf(event);
    const run = runs.get(key) ?? newRun(event.run_id);
    if (current !== key && runs.has(key))
      report("CS-5106", run, event.seq, "stands among the records of another run (moved)");
    runs.set(key, run);
    current = key;
    run.lines += 1;
    if (run.broken) {
      if (run.missing.delete(event.seq)) report("CS-5106", run, event.seq, "stands after a later record (swapped)");
      else if (event.seq < run.next) report("CS-5107", run, event.seq, "comes twice (repeated)");
      else run.next = Math.max(run.next, event.seq + 1);
      return;
    }
    if (!inOrder(run, event)) return;
    if (!canonical || hashOfLine(line, event.prev, event.hash) !== event.hash) {
      run.next += 1;
      return breakChain(
        "CS-5103",
        run,
        event.seq,
        canonical ? "hash differs from the content (edited)" : "is not written canonically (edited)",
      );
    }
    if (event.prev !== run.head) {
      run.next += 1;
      return breakChain("CS-5104", run, event.seq, `does not continue record ${event.seq - 1} (replaced)`);
    }
    run.next += 1;
    run.head = event.hash;
    const fault = checkRules(run.rules, event);
    if (fault === undefined) run.valid += 1;
    else report(fault.code, run, event.seq, fault.message);
  };

  const inOrder = (run: RunUnderTest, event: RecordedEvent): boolean => {
    if (event.seq === run.next) return true;
    if (event.seq < run.next) {
      report("CS-5107", run, event.seq, "comes twice (repeated)");
      return false;
    }
    for (let seq = run.next; seq < event.seq && run.missing.size < MAX_MISSING; seq++) run.missing.add(seq);
    const gap = event.seq - run.next;
    breakChain(
      "CS-5105",
      run,
      run.next,
      gap === 1 ? "is missing here (removed or moved)" : `and ${gap - 1} more are missing here (removed or moved)`,
    );
    run.next = event.seq + 1;
    return false;
  };

  return {
    add(line) {
      lineNumber += 1;
      if (ended) return report("CS-5109", null, null, "follows the manifest, which is an export's last line");
      const value = parseJson(line);
      if (value === undefined) return report("CS-5101", null, null, "is not JSON (changed or cut off)");
      if (typeOf(value) === "ExportManifest") {
        ended = true;
        const parsed = exportManifest.safeParse(value);
        if (parsed.success && isCanonical(line, value) && manifestHolds(parsed.data)) manifest = parsed.data;
        else report("CS-5109", null, null, "the manifest's hash differs from its content (edited)");
        return;
      }
      const parsed = recordedEvent.safeParse(value);
      if (!parsed.success) {
        const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
        return report(
          "CS-5102",
          null,
          null,
          `is not an event of this format${path === "" ? "" : `, at ${path.slice(0, 100)}`} (edited)`,
        );
      }
      addEvent(line, parsed.data, isCanonical(line, value));
    },
    finish() {
      if (!ended)
        report("CS-5108", null, null, "the manifest should follow (truncated); lines may be missing", lineNumber);
      if (manifest !== null) compare(manifest, runs, report);
      return summary(runs, faults, manifest);
    },
  };
}

/** A forged number must not fill the memory. */
const MAX_MISSING = 10_000;

function newRun(id: string): RunUnderTest {
  return {
    id,
    next: 1,
    head: GENESIS,
    lines: 0,
    valid: 0,
    faults: 0,
    broken: false,
    missing: new Set(),
    rules: newRuleState(),
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const typeOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, "type") ? Reflect.get(value, "type") : undefined;

type Report = (
  code: AuditErrorCode,
  run: RunUnderTest | null,
  record: number | null,
  what: string,
  line?: number | null,
) => void;

/** What the manifest promises against what was there. */
function compare(manifest: ExportManifest, runs: Map<string, RunUnderTest>, report: Report): void {
  const listed = new Map(manifest.runs.map((entry) => [entry.run, entry]));
  for (const [key, run] of runs) {
    if (!listed.has(key))
      report("CS-5110", run, null, "is not in the manifest (added, or its lines were edited)", null);
  }
  for (const { run: key, events, head } of manifest.runs) {
    const run = runs.get(key);
    if (run === undefined) {
      report(
        "CS-5110",
        newRun(key.split("#").at(-1) ?? key),
        null,
        `all ${events} records are missing (removed)`,
        null,
      );
    } else if (run.lines < events && !run.broken) {
      report("CS-5111", run, run.next, `is missing: the manifest says ${events} records (truncated)`, null);
    } else if (run.lines !== events) {
      report("CS-5111", run, null, `has ${run.lines} records, the manifest says ${events}`, null);
    } else if (!run.broken && run.head !== head) {
      report("CS-5104", run, run.next - 1, "is not the last record that the manifest names (replaced)", null);
    }
  }
  const order = [...runs.keys()].filter((key) => listed.has(key));
  const expected = manifest.runs.map(({ run }) => run).filter((key) => runs.has(key));
  const moved = order.findIndex((key, index) => key !== expected[index]);
  const movedRun = runs.get(order[moved] ?? "");
  if (movedRun !== undefined) report("CS-5106", movedRun, null, "is not at the manifest's place (swapped)", null);
}

function summary(
  runs: Map<string, RunUnderTest>,
  faults: readonly VerifyFault[],
  manifest: ExportManifest | null,
): VerifyReport {
  const all = [...runs.values()];
  const lines = all.reduce((sum, run) => sum + run.lines, 0);
  const promised = manifest?.runs.reduce((sum, { events }) => sum + events, 0) ?? 0;
  return {
    ok: faults.length === 0,
    runs: Math.max(all.length, manifest?.runs.length ?? 0),
    validRuns: all.filter((run) => run.faults === 0).length,
    records: Math.max(lines, promised),
    validRecords: all.reduce((sum, run) => sum + run.valid, 0),
    open: all.filter((run) => run.rules.ended === null).map(({ id }) => id),
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
  const sum = `${report.validRuns} of ${report.runs} runs, ${report.validRecords} of ${report.records} records valid`;
  return [...report.faults.map(({ message }) => message), [sum, ...open].join("; ")];
}
