/** One record of a run: in its place, unchanged, continuing the one before, and within the rules. */
import type { AuditErrorCode } from "../errors/audit.js";
import type { RecordedEvent } from "../run/events.js";
import type { Findings, RunProgress } from "./findings.js";
import { hashOfLine, isCanonical, type ParsedLine } from "./line.js";
import { checkRules } from "./rules.js";

/** A forged number must not fill the memory. */
const MAX_MISSING = 10_000;

/** @param event the line's value through its schema */
export function verifyRecord(findings: Findings, run: RunProgress, line: ParsedLine, event: RecordedEvent): void {
  run.lines += 1;
  if (run.broken) {
    afterBreak(findings, run, event.seq);
    return;
  }
  if (!inPlace(findings, run, event.seq)) return;
  run.next += 1;
  const broken = chainFault(run, line, event);
  if (broken !== undefined) {
    findings.breaks(broken.code, run, event.seq, broken.what);
    return;
  }
  run.head = event.hash;
  const { state, fault } = checkRules(run.rules, event);
  run.rules = state;
  if (fault === undefined) run.valid += 1;
  else findings.atRecord(fault.code, run, event.seq, fault.message);
}

function chainFault(
  run: RunProgress,
  line: ParsedLine,
  { prev, hash, seq }: RecordedEvent,
): { readonly code: AuditErrorCode; readonly what: string } | undefined {
  if (!isCanonical(line)) return { code: "CS-5102", what: "is not written canonically (edited)" };
  if (hashOfLine(line.text, prev, hash) !== hash)
    return { code: "CS-5103", what: "hash differs from the content (edited)" };
  return prev === run.head ? undefined : { code: "CS-5104", what: `does not continue record ${seq - 1} (replaced)` };
}

/** Nothing is proven any more, but what stands in the wrong place can still be named. */
function afterBreak(findings: Findings, run: RunProgress, seq: number): void {
  if (run.missing?.delete(seq) === true)
    findings.atRecord("CS-5106", run, seq, "stands after a later record (swapped)");
  else if (seq < run.next) findings.atRecord("CS-5107", run, seq, "comes twice (repeated)");
  else run.next = seq + 1;
}

function inPlace(findings: Findings, run: RunProgress, seq: number): boolean {
  if (seq === run.next) return true;
  if (seq < run.next) {
    findings.atRecord("CS-5107", run, seq, "comes twice (repeated)");
    return false;
  }
  const more = seq - run.next - 1;
  run.missing ??= new Set();
  for (let passed = run.next; passed < seq && run.missing.size < MAX_MISSING; passed++) run.missing.add(passed);
  const what =
    more === 0 ? "is missing here (removed or moved)" : `and ${more} more are missing here (removed or moved)`;
  findings.breaks("CS-5105", run, run.next, what);
  run.next = seq + 1;
  return false;
}
