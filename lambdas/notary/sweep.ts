/**
 * The schedule's work: finds every run that may have grown, whatever the stream brought or lost, covers it, and about every hour writes the digest
 * that accounts for them all.
 */
import { CountersignError } from "../../lib/errors.js";
import type { RunRef } from "../../lib/run/keys.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";
import { type Accounts, readAccounts } from "./accounts.js";
import { cover, type Place, type Position, placeOf } from "./cover.js";
import { type NotaryDeps, nameOf } from "./deps.js";
import { type SeenRun, writeDigest } from "./digest.js";
import { inParallel } from "./parallel.js";

const MINUTE_MS = 60_000;
/** A tick of the schedule may come a little early. */
const DIGEST_EVERY_MS = 59 * MINUTE_MS;
/** The index may lag behind the log; this much it never does. */
const INDEX_LAG_MS = 15 * MINUTE_MS;

/** What this process has seen of runs: saves reading what cannot have changed. */
export interface Memory {
  readonly places: Map<string, Place>;
  readonly positions: Map<string, Position>;
}
export const newMemory = (): Memory => ({ places: new Map(), positions: new Map() });

export interface Swept {
  readonly runs: number;
  readonly failed: readonly string[];
  /** number of the digest that was written */
  readonly digest: number | null;
}

/** @throws what the archive or the key refuses before anything could be listed */
export async function sweep(deps: NotaryDeps, memory: Memory): Promise<Swept> {
  const atMs = deps.nowMs();
  const accounts = await readAccounts(deps);
  const { runs, workflows, behind } = await candidates(deps, accounts);
  const failed: string[] = [];
  const seen = await inParallel(runs, async (run): Promise<SeenRun | undefined> => {
    try {
      const place = await coverRun(deps, memory, run);
      return place === undefined ? undefined : { place, fault: null };
    } catch (error) {
      // One damaged run must not leave the others uncovered.
      failed.push(nameOf(run));
      logLine("error", "run not covered", { run: nameOf(run), error: errorText(error) });
      const place = await placeOf(deps, run);
      return place === undefined ? undefined : { place, fault: lastingFault(error) };
    }
  });
  const listed = seen.filter((run) => run !== undefined);
  const begun = accounts.last.n > 0 || listed.length > 0;
  const isDue = begun && atMs - Date.parse(accounts.last.at) >= DIGEST_EVERY_MS;
  if (behind === null && !isDue) return { runs: runs.length, failed, digest: null };
  const through = earlier(behind ?? isoTime(atMs), isoTime(atMs - INDEX_LAG_MS));
  const written = await writeDigest(deps, accounts, listed, { workflows, through, atMs });
  forget(memory, new Set(listed.map(({ place }) => nameOf(place))));
  return { runs: runs.length, failed, digest: written === "created" ? accounts.last.n + 1 : null };
}

/** Covers one run; undefined when it has no records. */
export async function coverRun(deps: NotaryDeps, memory: Memory, run: RunRef): Promise<Place | undefined> {
  const name = nameOf(run);
  const place = memory.places.get(name) ?? (await placeOf(deps, run));
  if (place === undefined) return undefined;
  memory.places.set(name, place);
  const known = memory.positions.get(name);
  memory.positions.delete(name);
  memory.positions.set(name, await cover(deps, place, known));
  return place;
}

interface Candidates {
  readonly runs: readonly RunRef[];
  readonly workflows: readonly string[];
  /** when there were more than one sweep takes: the start of the last one taken */
  readonly behind: string | null;
}

/** Open runs of the last digest, and what started since: every run that is not closed in a digest. */
async function candidates(deps: NotaryDeps, accounts: Accounts): Promise<Candidates> {
  const workflows = [...new Set([...deps.workflows, ...accounts.workflows])].sort();
  const started: { readonly run: RunRef; readonly startedAt: string }[] = [];
  let behind: string | null = null;
  for (const workflow of workflows) {
    let count = 0;
    for await (const { tenant, runId, startedAt } of deps.runsSince(workflow, accounts.through)) {
      if (++count > deps.runsPerSweep) {
        behind = earlier(behind ?? startedAt, startedAt);
        break;
      }
      started.push({ run: { workflow, tenant, runId }, startedAt });
    }
  }
  const until = behind;
  const taken = started.filter(({ startedAt }) => until === null || startedAt <= until).map(({ run }) => run);
  const byName = new Map([...accounts.open, ...taken].map((run) => [nameOf(run), run]));
  for (const [name, { closed }] of accounts.listed) if (closed) byName.delete(name);
  return { runs: [...byName.values()], workflows, behind };
}

const earlier = (a: string, b: string): string => (a < b ? a : b);

/** Keeps what the next sweep asks about. */
function forget(memory: Memory, wanted: ReadonlySet<string>): void {
  for (const known of [memory.places, memory.positions])
    for (const name of known.keys()) if (!wanted.has(name)) known.delete(name);
}

const LASTING: ReadonlySet<string> = new Set(["CS-3402", "CS-3410", "CS-3411"]);
const lastingFault = (error: unknown): string | null =>
  error instanceof CountersignError && LASTING.has(error.code) ? error.code : null;

export const errorText = (error: unknown): string =>
  error instanceof CountersignError ? error.toString() : error instanceof Error ? error.name : "unknown";
