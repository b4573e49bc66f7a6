/** Verifies a whole archive: every file against what was signed about it, every run, and the chain of digests. */
import * as z from "zod";
import { sha256OfBytes, unpackLines } from "../audit/segment.js";
import { checkpoint, digest } from "../audit/statement.js";
import { createVerifier, type Verifier, type VerifyOptions, type VerifyReport } from "../audit/verify.js";
import type { ArchiveReader } from "../aws/archive.js";
import { archiveKey } from "../run/keys.js";

const PLACE =
  /^(events|checkpoints)\/(workflow=([^/]+)\/day=(\d{4}-\d\d-\d\d)\/tenant=([^/]+)\/([^/]+))\/(\d{8})\.(jsonl\.gz|json)$/;
const DIGEST = /^digests\/\d{8}\.json$/;

/** Memory grows with the number of runs, not with that of records. */
export async function verifyArchive(archive: ArchiveReader, options: VerifyOptions): Promise<VerifyReport> {
  const verifier = createVerifier({ ...options, archive: true });
  const keys = await archive.list("");
  const promised = await promisedFiles(
    archive,
    keys.filter((key) => DIGEST.test(key)),
  );
  const seen = new Set<string>();
  const check = async (key: string): Promise<Uint8Array> => {
    seen.add(key);
    const bytes = (await archive.read(key)) ?? Buffer.alloc(0);
    const expected = promised.get(key);
    if (expected !== undefined && expected !== sha256OfBytes(bytes))
      verifier.fault("CS-5169", `file ${key}: is not what a digest lists (edited or replaced)`);
    return bytes;
  };
  for (const [run, places] of byRun(verifier, keys)) await verifyRun(verifier, run, places, check);
  for (const key of promised.keys())
    if (!seen.has(key))
      verifier.fault("CS-5169", `file ${key}: a digest lists it, and it is not there (removed or moved)`);
  for (const key of keys.filter((each) => DIGEST.test(each))) {
    verifier.file(key);
    const lines = linesOf((await archive.read(key)) ?? Buffer.alloc(0));
    for (const line of lines) verifier.add(line);
    const found = digest.safeParse(json(lines[0] ?? ""));
    if (found.success && archiveKey.digest(found.data.n) !== key)
      verifier.fault("CS-5169", `file ${key}: holds digest ${found.data.n} (moved)`);
  }
  return verifier.finish();
}

/** What the digests say of files, by key: read leniently, as each digest is verified in its turn. */
async function promisedFiles(archive: ArchiveReader, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const promised = new Map<string, string>();
  for (const key of keys) {
    const found = digest.safeParse(json(linesOf((await archive.read(key)) ?? Buffer.alloc(0))[0] ?? ""));
    for (const { files } of found.data?.entries ?? []) for (const file of files) promised.set(file.key, file.sha256);
  }
  return promised;
}

interface Places {
  /** segments and checkpoints by the number of their first record */
  readonly numbers: Map<string, { events?: string; checkpoint?: string }>;
}

function byRun(verifier: Verifier, keys: readonly string[]): ReadonlyMap<string, Places> {
  const runs = new Map<string, Places>();
  for (const key of keys) {
    const [, kind, run, , , , , number = "", ending] = PLACE.exec(key) ?? [];
    if (run === undefined || (kind === "events") !== (ending === "jsonl.gz")) {
      if (!DIGEST.test(key)) verifier.fault("CS-5169", `file ${key}: does not belong into an archive (added or moved)`);
      continue;
    }
    const places = runs.get(run) ?? { numbers: new Map() };
    runs.set(run, places);
    const place = places.numbers.get(number) ?? {};
    places.numbers.set(number, { ...place, [kind === "events" ? "events" : "checkpoint"]: key });
  }
  return runs;
}

const start = z.looseObject({
  workflow: z.string(),
  tenant: z.string(),
  run_id: z.string(),
  seq: z.number(),
  at: z.string(),
});

async function verifyRun(
  verifier: Verifier,
  run: string,
  { numbers }: Places,
  check: (key: string) => Promise<Uint8Array>,
): Promise<void> {
  for (const [number, { events, checkpoint: statement }] of [...numbers].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const segment = events === undefined ? undefined : await check(events);
    if (events !== undefined && segment !== undefined) {
      verifier.file(events);
      const lines = unpackLines(segment);
      if (lines === undefined) verifier.fault("CS-5169", `file ${events}: is no gzip of lines (edited or cut off)`);
      const first = start.safeParse(json(lines?.[0] ?? ""));
      if (first.success && !belongs(run, number, first.data))
        verifier.fault("CS-5169", `file ${events}: holds records of another place (moved)`);
      for (const line of lines ?? []) verifier.add(line);
    }
    if (statement === undefined) continue;
    const bytes = await check(statement);
    verifier.file(statement);
    const lines = linesOf(bytes);
    for (const line of lines) verifier.add(line);
    const found = checkpoint.safeParse(json(lines[0] ?? ""));
    if (!found.success) continue;
    const { key, sha256 } = found.data.events;
    if (key !== `events/${run}/${number}.jsonl.gz` || segment === undefined || sha256OfBytes(segment) !== sha256)
      verifier.fault(
        "CS-5169",
        `file ${key}: is missing or not what its checkpoint was made for (removed, moved or edited)`,
      );
  }
}

/** The first segment of a run says its day; the others must only be of the run. */
function belongs(run: string, number: string, first: z.output<typeof start>): boolean {
  const day = /\/day=([^/]+)\//.exec(run)?.[1] ?? "";
  const named = { workflow: first.workflow, tenant: first.tenant, runId: first.run_id, day };
  const isDay = Number(number) > 1 || first.at.startsWith(day);
  return isDay && archiveKey.events(named, first.seq) === `events/${run}/${number}.jsonl.gz`;
}

function linesOf(bytes: Uint8Array): string[] {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
