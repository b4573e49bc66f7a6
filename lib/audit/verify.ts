/**
 * Verifies an export line by line, without the cloud and without trust in who wrote it: canonical form, schema, hash chain, order, rules, and
 * the manifest at the end. Every line that was changed, removed, swapped, repeated or cut off is named.
 */
import * as z from "zod";
import type { AuditErrorCode } from "../errors/audit.js";
import { recordedEvent } from "../run/events.js";
import { visible } from "../run/title.js";
import { runKeyOf } from "./export.js";
import { Findings, newProgress, type RunProgress, type VerifyFault } from "./findings.js";
import { type ParsedLine, parseLine } from "./line.js";
import { type ExportManifest, manifestOfLine } from "./manifest.js";
import type { TrustedKeys } from "./signature.js";
import { compareManifest } from "./verify-manifest.js";
import { verifyRecord } from "./verify-record.js";
import { Statements } from "./verify-statements.js";

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
  readonly checkpoints: number;
  readonly digests: number;
  /** when the newest digest was made: what it cannot know of rests on checkpoints alone; null without one */
  readonly digestsUntil: string | null;
  /** `unchecked`: no key was given */
  readonly signatures: "checked" | "unchecked";
  /** valid records that no checkpoint of the file covers */
  readonly newer: number;
  /** which those are, the first of them */
  readonly uncovered: readonly { readonly run: string; readonly from: number; readonly to: number }[];
  /** hashes of the policy sets that decided */
  readonly policySets: readonly string[];
  /** in order of the file */
  readonly faults: readonly VerifyFault[];
}
export interface VerifyOptions {
  /** without them signatures are not checked */
  readonly keys?: TrustedKeys;
  /** a run that the digests list and the file lacks is a fault, whatever the manifest claims */
  readonly complete?: boolean;
  /** hashes; decisions by others are faults */
  readonly policySets?: ReadonlySet<string>;
  /** an archive has no manifest, and is complete */
  readonly archive?: boolean;
}
export interface Verifier {
  /** the file that the next lines are of, when there are several */
  file(name: string): void;
  /** something that the lines do not show */
  fault(code: AuditErrorCode, message: string): void;
  /** one line, without its line end */
  add(line: string): void;
  /** after the last line */
  finish(): VerifyReport;
}

const MAX_UNCOVERED = 1000;

export function createVerifier(options: VerifyOptions = {}): Verifier {
  const findings = new Findings();
  const statements = new Statements(findings, options.keys);
  const policySets = new Set<string>();
  const runs = new Map<string, RunProgress>();
  let current: string | undefined;
  let manifest: ExportManifest | undefined;
  let ended = false;

  const addManifest = (line: ParsedLine) => {
    ended = true;
    manifest = manifestOfLine(line);
    if (manifest === undefined) findings.atLine("CS-5109", "the manifest's hash differs from its content (edited)");
  };
  const addEvent = (line: ParsedLine) => {
    const parsed = compiledEvent.safeParse(line.value);
    if (!parsed.success) {
      const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
      const where = path === "" ? "" : `, at ${path.slice(0, 100)}`;
      return findings.atLine("CS-5102", `is not an event of this format${where} (edited)`);
    }
    const key = runKeyOf(parsed.data);
    const known = runs.get(key);
    const run = known ?? newProgress(parsed.data.run_id);
    if (parsed.data.seq === 1) run.startedAt ??= parsed.data.at;
    runs.set(key, run);
    if (known !== undefined && current !== key) {
      findings.atRecord("CS-5106", run, parsed.data.seq, "stands among the records of another run (moved)");
    }
    current = key;
    if (statements.digests > 0) findings.atRecord("CS-5106", run, parsed.data.seq, "stands after a digest (moved)");
    verifyRecord(findings, run, line, parsed.data);
    if (parsed.data.type === "ActionDecided" && parsed.data.data.policy !== null) {
      const { set_hash } = parsed.data.data.policy;
      policySets.add(set_hash);
      if (options.policySets?.has(set_hash) === false)
        findings.atRecord("CS-5170", run, parsed.data.seq, `was decided by policy set ${set_hash}, which is not known`);
    }
  };

  return {
    file(name) {
      findings.file = name;
      findings.line = 0;
    },
    fault: (code, message) => findings.inFile(code, message),
    add(line) {
      findings.line += 1;
      if (ended) return findings.atLine("CS-5109", "follows the manifest, which is an export's last line");
      const parsed = parseLine(line);
      if ("why" in parsed) return findings.atLine("CS-5101", parsed.why);
      const type = typeOf(parsed.value);
      if (type === "ExportManifest") addManifest(parsed);
      else if (type === "Checkpoint")
        statements.addCheckpoint(parsed, (name) => (name === current ? runs.get(name) : undefined));
      else if (type === "Digest") statements.addDigest(parsed);
      else addEvent(parsed);
    },
    finish() {
      if (!ended && options.archive !== true)
        findings.atLine("CS-5108", "the manifest should follow (truncated); lines may be missing");
      if (manifest !== undefined) {
        compareManifest(findings, runs, manifest);
        if (manifest.digests !== undefined && manifest.digests !== statements.digests)
          findings.inFile(
            "CS-5166",
            `${statements.digests} digests, the manifest says ${manifest.digests} (removed or added)`,
          );
      }
      if (options.complete === true && statements.digests === 0)
        findings.inFile("CS-5166", "there is no digest, so nothing says which runs there are (removed)");
      statements.finish(runs, options.complete ?? options.archive ?? manifest?.complete ?? false);
      const { checkpoints, digests } = statements;
      const signatures = options.keys === undefined ? "unchecked" : "checked";
      return {
        ...summary(runs, findings.faults, manifest),
        ...coverage(runs),
        checkpoints,
        digests,
        digestsUntil: statements.until,
        signatures,
        policySets: [...policySets].sort(),
      };
    },
  };
}

const typeOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "type" in value ? value.type : undefined;

function coverage(runs: ReadonlyMap<string, RunProgress>): Pick<VerifyReport, "newer" | "uncovered"> {
  const uncovered: { run: string; from: number; to: number }[] = [];
  let newer = 0;
  for (const [run, { broken, next, checkpoint }] of runs) {
    const covered = checkpoint?.seq ?? 0;
    if (broken || covered >= next - 1) continue;
    newer += next - 1 - covered;
    if (uncovered.length < MAX_UNCOVERED) uncovered.push({ run, from: covered + 1, to: next - 1 });
  }
  return { newer, uncovered };
}

function summary(
  runs: ReadonlyMap<string, RunProgress>,
  faults: readonly VerifyFault[],
  manifest: ExportManifest | undefined,
): Omit<
  VerifyReport,
  "checkpoints" | "digests" | "digestsUntil" | "signatures" | "newer" | "uncovered" | "policySets"
> {
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
export function verifyText(text: string, options: VerifyOptions = {}): VerifyReport {
  const verifier = createVerifier(options);
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
  // Names of files, runs and people come out of the file: what they hold must not move a cursor or hide a line.
  return [...report.faults.map(({ message }) => message), [sum, ...covered(report), ...open].join("; ")].map(visible);
}

/** So many runs are named; `uncovered` of the report has more. */
const NAMED_UNCOVERED = 10;

function covered({ checkpoints, digests, newer, uncovered, signatures }: VerifyReport): string[] {
  if (checkpoints + digests === 0) return signatures === "checked" ? ["no checkpoint covers them"] : [];
  const unsigned = signatures === "checked" ? [] : ["signatures were not checked: give --key"];
  const which = uncovered.slice(0, NAMED_UNCOVERED).map(({ run, from, to }) => `${run} ${from} to ${to}`);
  const more = uncovered.length > which.length ? [`and ${uncovered.length - which.length} more runs`] : [];
  const named = newer === 0 ? "" : ` (${[...which, ...more].join(", ")})`;
  return [`${newer} ${newer === 1 ? "record is" : "records are"} newer than the last checkpoint${named}`, ...unsigned];
}
