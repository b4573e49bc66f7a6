/** Checkpoints and digests of a file: what they say, who signed them, and whether what they are about is there. */
import * as z from "zod";
import type { AuditErrorCode } from "../errors/audit.js";
import { logKey } from "../run/keys.js";
import { GENESIS } from "./chain.js";
import { type Findings, newProgress, type RunProgress } from "./findings.js";
import { isCanonical, type ParsedLine } from "./line.js";
import type { TrustedKeys } from "./signature.js";
import { type Checkpoint, checkpoint, type Digest, digest, NO_DIGEST, statementHash, textToSign } from "./statement.js";

const compiledCheckpoint = z.compile(checkpoint, { strict: true });
const compiledDigest = z.compile(digest, { strict: true });

/** The last thing that digests say of a run. */
interface Listed {
  readonly id: string;
  seq: number;
  head: string;
  /** hash of the last checkpoint that is listed; null before the first */
  checkpoint: string | null;
  closed: boolean;
  n: number;
}

const nameOf = (run: { readonly workflow: string; readonly tenant: string; readonly run_id: string }): string =>
  logKey.pk({ workflow: run.workflow, tenant: run.tenant, runId: run.run_id });

export class Statements {
  checkpoints = 0;
  digests = 0;
  private last: Digest | undefined;
  /** whether the digests before the first one are known, which is so when there are none */
  private fromStart = false;
  private readonly listed = new Map<string, Listed>();

  constructor(
    private readonly findings: Findings,
    private readonly keys: TrustedKeys | undefined,
  ) {}

  /** @param run the run whose records stand before the line; undefined when the checkpoint is about another */
  addCheckpoint(line: ParsedLine, find: (name: string) => RunProgress | undefined): void {
    const parsed = compiledCheckpoint.safeParse(line.value);
    const found = parsed.success ? parsed.data : undefined;
    const fault = this.fault(line, found, "checkpoint");
    if (found === undefined || fault !== undefined) return;
    this.checkpoints += 1;
    const run = find(nameOf(found));
    if (run === undefined) {
      this.findings.atLine(
        "CS-5164",
        `is a checkpoint of run ${found.run_id}, whose records do not stand before it (moved)`,
      );
      return;
    }
    if (run.broken) return;
    this.compareCheckpoint(run, found);
    run.checkpoint = { seq: found.seq, hash: found.hash };
  }

  private compareCheckpoint(run: RunProgress, found: Checkpoint): void {
    const before = run.checkpoint ?? { seq: 0, hash: GENESIS };
    const at = (code: AuditErrorCode, what: string) => this.findings.atRecord(code, run, found.seq, what);
    if (found.prev !== before.hash || found.from !== before.seq + 1) {
      at("CS-5163", "its checkpoint does not continue the one before (one is removed, moved or repeated)");
    } else if (found.seq !== run.next - 1 || found.head !== run.head) {
      at("CS-5164", "is not the record that its checkpoint was made for (replaced or moved)");
    } else if (found.closed !== (run.rules.ended !== null)) {
      at("CS-5164", `its checkpoint says that the run is ${found.closed ? "" : "not "}closed, and the record does not`);
    }
  }

  addDigest(line: ParsedLine): void {
    const parsed = compiledDigest.safeParse(line.value);
    const found = parsed.success ? parsed.data : undefined;
    const fault = this.fault(line, found, "digest");
    if (found === undefined || fault !== undefined) return;
    this.digests += 1;
    if (!this.continues(found))
      this.findings.atLine(
        "CS-5166",
        `digest ${found.n} does not continue the one before (one is removed, swapped or repeated)`,
      );
    if (this.last === undefined) this.fromStart = found.n === 1;
    this.last = found;
    this.list(found);
  }

  get until(): string | null {
    return this.last?.at ?? null;
  }

  private continues(found: Digest): boolean {
    if (this.last === undefined && found.n > 1) return true;
    const before = this.last ?? NO_DIGEST;
    return (
      found.n === before.n + 1 &&
      found.prev === before.hash &&
      found.prev_signature === before.signature &&
      found.from === before.at
    );
  }

  private list(found: Digest): void {
    const contradiction = (id: string, what: string) =>
      this.findings.atLine("CS-5168", `digest ${found.n}, run ${id}: ${what}`);
    for (const entry of found.entries) {
      const name = nameOf(entry);
      const known = this.listed.get(name);
      if ((known !== undefined || this.fromStart) && entry.from !== (known?.seq ?? 0) + 1)
        contradiction(entry.run_id, "its entries do not follow each other");
      const { seq, head, checkpoint: hash, closed } = entry;
      this.listed.set(name, { id: entry.run_id, seq, head, checkpoint: hash, closed, n: found.n });
    }
    const open = new Set<string>();
    for (const each of found.open) {
      const name = nameOf(each);
      open.add(name);
      const known = this.listed.get(name);
      const agrees =
        known === undefined ? !this.fromStart || each.seq === 0 : known.seq === each.seq && known.head === each.head;
      if (!agrees) contradiction(each.run_id, "it is not open where its entries end");
      if (known === undefined)
        this.listed.set(name, {
          id: each.run_id,
          seq: each.seq,
          head: each.head,
          checkpoint: null,
          closed: false,
          n: found.n,
        });
    }
    for (const [name, known] of this.listed)
      if (!known.closed && !open.has(name)) contradiction(known.id, "it is neither closed nor open");
  }

  /** What is listed against what was there. @param complete every run that is listed should be */
  finish(runs: ReadonlyMap<string, RunProgress>, complete: boolean): void {
    if (complete && this.digests > 0 && !this.fromStart)
      this.findings.inFile("CS-5166", "the first digests are missing (removed)");
    this.findAdded(runs);
    for (const [name, known] of this.listed) {
      const run = runs.get(name);
      if (run === undefined) {
        if (complete && known.seq > 0)
          this.findings.inRun(
            "CS-5167",
            newProgress(known.id),
            null,
            `digest ${known.n} lists it, and it is not there (removed)`,
          );
        continue;
      }
      if (run.broken) continue;
      const { seq, hash } = run.checkpoint ?? { seq: 0, hash: GENESIS };
      if (seq < known.seq) {
        const what = `is the last that is covered; digest ${known.n} lists a checkpoint of record ${known.seq} (removed or truncated)`;
        this.findings.inRun("CS-5167", run, seq, what);
      } else if (seq === known.seq && known.checkpoint !== null && hash !== known.checkpoint) {
        this.findings.inRun(
          "CS-5164",
          run,
          seq,
          `its checkpoint is not the one that digest ${known.n} lists (replaced)`,
        );
      }
    }
  }

  /** A run that the digests should know and do not was added by somebody else. */
  private findAdded(runs: ReadonlyMap<string, RunProgress>): void {
    const { last } = this;
    if (last === undefined || !this.fromStart) return;
    const workflows = new Set(last.workflows);
    for (const [name, run] of runs) {
      const isOlder = run.startedAt !== null && run.startedAt < last.through;
      if (isOlder && !this.listed.has(name) && workflows.has(name.slice(0, name.indexOf("#"))))
        this.findings.inRun("CS-5168", run, null, "began before the last digest, and none lists it (added)");
    }
  }

  /** Edited, of another key, or forged. */
  private fault(
    line: ParsedLine,
    found: Checkpoint | Digest | undefined,
    kind: "checkpoint" | "digest",
  ): AuditErrorCode | undefined {
    const report = (code: AuditErrorCode, what: string) => {
      this.findings.atLine(code, what);
      return code;
    };
    if (found === undefined || !isCanonical(line) || statementHash(found) !== found.hash)
      return report("CS-5160", `is no ${kind} as it was written (edited)`);
    if (this.keys === undefined) return undefined;
    const holds = this.keys.verify(found.key, textToSign(found, found.hash), found.signature);
    if (holds === undefined)
      return report("CS-5162", `is a ${kind} of key ${found.key.slice(0, 16)}…, which is not among the given keys`);
    return holds ? undefined : report("CS-5161", `is a ${kind} whose signature is not valid (forged)`);
  }
}
