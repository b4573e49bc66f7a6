/** Verifies exported files, or runs as they stand in the log, line by line and without the cloud's help. */
import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { exportLines } from "../audit/export.js";
import { createVerifier, reportLines, type VerifyOptions, type VerifyReport } from "../audit/verify.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import { keepHeapSmall } from "./small-heap.js";

const SHOWN_FAULTS = 20;

export interface Verdict extends VerifyReport {
  /** for people: `15 of 15 runs, 412 of 412 records valid`, or what is wrong, a line each */
  readonly summary: string;
}

/** Reads the files line by line as one export each; every fault of every file is in the verdict. */
export async function verifyFiles(files: readonly string[], options: VerifyOptions = {}): Promise<Verdict> {
  keepHeapSmall();
  const reports: VerifyReport[] = [];
  for (const file of files) {
    const verifier = createVerifier(options);
    if (files.length > 1) verifier.file(file);
    try {
      for (const lines of linesOf(file)) for (const line of lines) verifier.add(line);
    } catch (error) {
      const why =
        error instanceof Error && "code" in error && error.code === "ENOENT"
          ? "there is no such file"
          : "it cannot be read";
      throw new CountersignError("CS-5002", `${file}: ${why}; give a file written by \`countersign run export\``);
    }
    reports.push(verifier.finish());
  }
  return verdictOf(merge(reports));
}

/** Verifies runs straight from the log, through the same lines that an export has. */
export async function verifyEvents(runs: readonly (readonly RecordedEvent[])[]): Promise<Verdict> {
  const verifier = createVerifier();
  for await (const line of exportLines(runs)) verifier.add(line);
  return verdictOf(verifier.finish());
}

function merge(reports: readonly VerifyReport[]): VerifyReport {
  const sum = (count: (report: VerifyReport) => number) => reports.reduce((total, report) => total + count(report), 0);
  return {
    ok: reports.every((report) => report.ok),
    runs: sum((report) => report.runs),
    validRuns: sum((report) => report.validRuns),
    records: sum((report) => report.records),
    validRecords: sum((report) => report.validRecords),
    open: reports.flatMap((report) => report.open),
    checkpoints: sum((report) => report.checkpoints),
    digests: sum((report) => report.digests),
    digestsUntil: reports.map((report) => report.digestsUntil).reduce(later, null),
    signatures: reports.every((report) => report.signatures === "checked") ? "checked" : "unchecked",
    newer: sum((report) => report.newer),
    uncovered: reports.flatMap((report) => report.uncovered),
    policySets: [...new Set(reports.flatMap((report) => report.policySets))].sort(),
    faults: reports.flatMap((report) => report.faults),
  };
}

const later = (a: string | null, b: string | null) => (a === null || (b !== null && b > a) ? b : a);

/**
 * Lines as the export wrote them, many at a time: ended by a line feed alone, so that a changed line end is a changed line. Read without
 * waiting: there is nothing else to do meanwhile, and a stream's promises would keep its chunks in memory.
 */
function* linesOf(file: string): Generator<readonly string[]> {
  const decoder = new StringDecoder("utf8");
  const chunk = Buffer.allocUnsafe(64 * 1024);
  let begun: string[] = [];
  const descriptor = openSync(file, "r");
  try {
    for (let bytes = readSync(descriptor, chunk); bytes > 0; bytes = readSync(descriptor, chunk)) {
      const [first = "", ...others] = decoder.write(chunk.subarray(0, bytes)).split("\n");
      begun.push(first);
      const last = others.pop();
      if (last === undefined) continue;
      yield [begun.join(""), ...others];
      begun = [last];
    }
  } finally {
    closeSync(descriptor);
  }
  const rest = begun.join("") + decoder.end();
  if (rest !== "") yield [rest];
}

export function verdictOf(report: VerifyReport): Verdict {
  const lines = reportLines(report);
  const faults = lines.slice(0, -1);
  const more = faults.length > SHOWN_FAULTS ? [`… and ${faults.length - SHOWN_FAULTS} more faults`] : [];
  return { ...report, summary: [...faults.slice(0, SHOWN_FAULTS), ...more, ...lines.slice(-1)].join("\n") };
}
