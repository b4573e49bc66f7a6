/** What verification finds: faults with whole sentences, and what it knows of each run meanwhile. */
import type { AuditErrorCode } from "../errors/audit.js";
import { GENESIS } from "./chain.js";
import { newRuleState, type RuleState } from "./rules.js";

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

/** One run under test. */
export interface RunProgress {
  readonly id: string;
  /** number of the next record */
  next: number;
  /** hash of the last record that was in its place */
  head: string;
  /** as the manifest counts: lines of this run, whatever their order */
  lines: number;
  valid: number;
  faults: number;
  /** from the first fault of the chain on nothing is proven */
  broken: boolean;
  /** records that were passed over; null while there are none, as there are many runs */
  missing: Set<number> | null;
  /** `at` of its first record; null when that is not the first of the run */
  startedAt: string | null;
  /** the last one that stood among its records */
  checkpoint: { readonly seq: number; readonly hash: string } | null;
  rules: RuleState;
}

export function newProgress(id: string): RunProgress {
  return {
    id,
    next: 1,
    head: GENESIS,
    lines: 0,
    valid: 0,
    faults: 0,
    broken: false,
    missing: null,
    startedAt: null,
    checkpoint: null,
    rules: newRuleState(),
  };
}

export class Findings {
  readonly faults: VerifyFault[] = [];
  /** the line under test */
  line = 0;
  /** the file under test, when there are several */
  file: string | null = null;

  /** Something about the line as such. */
  atLine(code: AuditErrorCode, what: string): void {
    const message = `${this.file === null ? "" : `${this.file}, `}line ${this.line}: ${what}`;
    this.faults.push({ code, line: this.line, run: null, record: null, message });
  }

  /** Something about the file, or the files, as a whole. */
  inFile(code: AuditErrorCode, message: string): void {
    this.faults.push({ code, line: null, run: null, record: null, message });
  }

  /** Something about a record of this line. */
  atRecord(code: AuditErrorCode, run: RunProgress, record: number, what: string): void {
    this.#add(code, run, record, what, this.line);
  }

  /** A record after which nothing of the run is proven. */
  breaks(code: AuditErrorCode, run: RunProgress, record: number, what: string): void {
    this.atRecord(code, run, record, `${what}; everything after it is unproven`);
    run.broken = true;
  }

  /** Something about a run, or a record that is not there. */
  inRun(code: AuditErrorCode, run: RunProgress, record: number | null, what: string): void {
    this.#add(code, run, record, what, null);
  }

  #add(code: AuditErrorCode, run: RunProgress, record: number | null, what: string, line: number | null): void {
    const place = record === null ? `run ${run.id}` : `run ${run.id}, record ${record}`;
    this.faults.push({ code, line, run: run.id, record, message: `${place}: ${what}` });
    run.faults += 1;
  }
}
