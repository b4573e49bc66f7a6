/**
 * Covers a run with checkpoints up to its last record: segment first, then the checkpoint that names it. Both are created under names that
 * follow from the first record they cover, so whatever was interrupted is found and completed, and of two notaries one wins.
 */
import { GENESIS, verifyChainFrom } from "../../lib/audit/chain.js";
import { packLines, segmentLines, sha256OfBytes, unpackLines } from "../../lib/audit/segment.js";
import { type Checkpoint, checkpoint, statementHash, textToSign, type Unsigned } from "../../lib/audit/statement.js";
import { parseJson } from "../../lib/aws/dynamo.js";
import type { DataClass } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { jcs } from "../../lib/run/canonical.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { type ArchivedRun, archiveKey, type RunRef } from "../../lib/run/keys.js";
import { isoTime } from "../../lib/run/time.js";
import { type NotaryDeps, nameOf, retainUntilMs } from "./deps.js";

/** Where a run is in the archive, and how long it stays there. */
export interface Place extends ArchivedRun {
  readonly dataClass: DataClass | undefined;
}
/** The last record that is covered, and its checkpoint's hash. */
export interface Position {
  readonly seq: number;
  readonly head: string;
  readonly hash: string;
  readonly closed: boolean;
}
const UNCOVERED: Position = { seq: 0, head: GENESIS, hash: GENESIS, closed: false };

/** Undefined for a run without records. */
export async function placeOf(deps: NotaryDeps, run: RunRef): Promise<Place | undefined> {
  const [first] = await deps.log.read(run, { limit: 1 });
  if (first === undefined) return undefined;
  const known = first.type === "RunStarted" || first.type === "RunRefused" ? first.data.data_class : undefined;
  return { ...run, day: first.at.slice(0, 10), dataClass: known };
}

/**
 * @throws CountersignError CS-3410 when the log does not continue what is covered, CS-3411 when the archive holds something else
 */
export async function cover(deps: NotaryDeps, place: Place, known?: Position): Promise<Position> {
  let position = known ?? (await lastPosition(deps, place));
  let wasAhead = false;
  for (;;) {
    const events = await deps.log.read(place, { fromSeq: position.seq + 1 });
    if (events.length === 0) return position;
    if (verifyChainFrom(position, events) !== undefined)
      throw new CountersignError(
        "CS-3410",
        `run ${nameOf(place)}: what follows record ${position.seq} does not continue it; see the runbook, "The log contradicts the notary"`,
      );
    const segment = await archiveSegment(deps, place, position.seq + 1, events);
    if (segment === "ahead") {
      if (wasAhead) throw otherRecords(archiveKey.events(place, position.seq + 1));
      // Another notary read later than we: what it archived is in the log by now.
      wasAhead = true;
      continue;
    }
    const { covered, sha256 } = segment;
    position = await archiveCheckpoint(deps, place, position, covered, sha256);
    if (covered.length === events.length) return position;
  }
}

export async function lastPosition(deps: NotaryDeps, place: Place): Promise<Position> {
  const last = (await deps.archive.list(archiveKey.checkpointsOf(place))).at(-1);
  return last === undefined ? UNCOVERED : positionOf((await readCheckpoint(deps, last)).statement);
}

export async function readCheckpoint(
  deps: NotaryDeps,
  key: string,
): Promise<{ readonly statement: Checkpoint; readonly sha256: string }> {
  const bytes = await deps.archive.read(key);
  const statement = parseJson(`archive: ${key}`, Buffer.from(bytes ?? []).toString("utf8"), checkpoint);
  if (statementHash(statement) === statement.hash)
    return { statement, sha256: sha256OfBytes(bytes ?? Buffer.alloc(0)) };
  throw new CountersignError("CS-3411", `archive: ${key} is not what its hash says`);
}

const positionOf = ({ seq, head, hash, closed }: Checkpoint): Position => ({ seq, head, hash, closed });

/** Creates the segment of these events, or finds one of some of them that was created before. */
async function archiveSegment(
  deps: NotaryDeps,
  place: Place,
  from: number,
  events: readonly RecordedEvent[],
): Promise<{ readonly covered: readonly RecordedEvent[]; readonly sha256: string } | "ahead"> {
  const key = archiveKey.events(place, from);
  const lines = segmentLines(events);
  const bytes = packLines(lines);
  if ((await deps.archive.create(key, bytes, retainUntilMs(deps, place.dataClass))) === "created")
    return { covered: events, sha256: sha256OfBytes(bytes) };
  const stored = (await deps.archive.read(key)) ?? Buffer.alloc(0);
  const before = unpackLines(stored) ?? [];
  // The log only grows: what was archived before is a beginning of what is there now.
  if (before.length === 0 || before.some((line, index) => index < lines.length && line !== lines[index]))
    throw otherRecords(key);
  if (before.length > lines.length) return "ahead";
  return { covered: events.slice(0, before.length), sha256: sha256OfBytes(stored) };
}

const otherRecords = (key: string) =>
  new CountersignError("CS-3411", `archive: ${key} holds other records than the log`);

async function archiveCheckpoint(
  deps: NotaryDeps,
  place: Place,
  before: Position,
  covered: readonly RecordedEvent[],
  sha256: string,
): Promise<Position> {
  const from = before.seq + 1;
  const last = covered.at(-1);
  if (last === undefined) throw new CountersignError("CS-3411", `run ${nameOf(place)}: an empty segment`);
  const content: Unsigned<Checkpoint> = {
    v: 1,
    type: "Checkpoint",
    workflow: place.workflow,
    tenant: place.tenant,
    run_id: place.runId,
    from,
    seq: last.seq,
    head: last.hash,
    closed: last.type === "RunClosed" || last.type === "RunRefused",
    at: isoTime(deps.nowMs()),
    prev: before.hash,
    events: { key: archiveKey.events(place, from), sha256 },
    key: await deps.signer.fingerprint(),
  };
  const hash = statementHash(content);
  const signed = { ...content, hash, signature: await deps.signer.sign(textToSign(content, hash)) };
  const key = archiveKey.checkpoint(place, from);
  const line = Buffer.from(`${jcs(signed)}\n`);
  if ((await deps.archive.create(key, line, retainUntilMs(deps, place.dataClass))) === "created")
    return positionOf(signed);
  const { statement } = await readCheckpoint(deps, key);
  if (statement.prev === before.hash && statement.seq === last.seq && statement.head === last.hash)
    return positionOf(statement);
  throw new CountersignError("CS-3411", `archive: ${key} is a checkpoint of something else`);
}
