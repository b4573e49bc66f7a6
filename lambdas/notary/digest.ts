/** One digest: everything that was covered since the one before, and what is still open. */
import { GENESIS } from "../../lib/audit/chain.js";
import {
  type Digest,
  type DigestEntry,
  type DigestOpenRun,
  statementHash,
  textToSign,
  type Unsigned,
} from "../../lib/audit/statement.js";
import { jcs } from "../../lib/run/canonical.js";
import { archiveKey } from "../../lib/run/keys.js";
import { isoTime } from "../../lib/run/time.js";
import type { Accounted, Accounts } from "./accounts.js";
import { type Place, readCheckpoint } from "./cover.js";
import { type NotaryDeps, nameOf, retainUntilMs } from "./deps.js";
import { inParallel } from "./parallel.js";

export interface SeenRun {
  readonly place: Place;
  /** why its last records could not be covered, when that will not pass by itself */
  readonly fault: string | null;
}

/** Writes digest n+1. `exists`: another notary was first. */
export async function writeDigest(
  deps: NotaryDeps,
  accounts: Accounts,
  seen: readonly SeenRun[],
  known: { readonly workflows: readonly string[]; readonly through: string; readonly atMs: number },
): Promise<"created" | "exists"> {
  const { last, listed } = accounts;
  const runs = await inParallel(seen, async ({ place, fault }) => {
    const before = listed.get(nameOf(place)) ?? { seq: 0, head: GENESIS, closed: false };
    const entries = await newEntries(deps, place, before);
    return { entries, open: openRun(place, entries.at(-1) ?? before, fault) };
  });
  const content: Unsigned<Digest> = {
    v: 1,
    type: "Digest",
    stage: deps.stage,
    n: last.n + 1,
    from: last.at,
    at: isoTime(known.atMs),
    entries: runs.flatMap(({ entries }) => entries),
    open: runs.flatMap(({ open }) => (open === undefined ? [] : [open])),
    workflows: [...known.workflows],
    through: known.through,
    prev: last.hash,
    prev_signature: last.signature,
    key: await deps.signer.fingerprint(),
  };
  const hash = statementHash(content);
  const signed = { ...content, hash, signature: await deps.signer.sign(textToSign(content, hash)) };
  return deps.archive.create(archiveKey.digest(content.n), Buffer.from(`${jcs(signed)}\n`), retainUntilMs(deps));
}

/** The run's checkpoints that no digest lists yet, as the archive has them. */
async function newEntries(deps: NotaryDeps, place: Place, before: Accounted): Promise<DigestEntry[]> {
  const folder = archiveKey.checkpointsOf(place);
  const keys = await deps.archive.list(folder, before.seq === 0 ? undefined : archiveKey.checkpoint(place, before.seq));
  const entries: DigestEntry[] = [];
  for (const key of keys) {
    const { statement, sha256 } = await readCheckpoint(deps, key);
    const { workflow, tenant, run_id, from, seq, head, closed, hash: checkpoint, events } = statement;
    entries.push({ workflow, tenant, run_id, from, seq, head, closed, checkpoint, files: [{ key, sha256 }, events] });
  }
  return entries;
}

function openRun(place: Place, { seq, head, closed }: Accounted, fault: string | null): DigestOpenRun | undefined {
  if (closed && fault === null) return undefined;
  return { workflow: place.workflow, tenant: place.tenant, run_id: place.runId, seq, head, fault };
}
