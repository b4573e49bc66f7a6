/** The notary's archive as auditors read it: a folder that was copied from the bucket, or the bucket itself. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import type * as z from "zod";
import type { Evidence } from "../audit/export.js";
import { type Checkpoint, checkpoint, type Digest, digest } from "../audit/statement.js";
import { type ArchiveReader, s3ArchiveReader } from "../aws/archive.js";
import { parseJson } from "../aws/dynamo.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import { archiveKey } from "../run/keys.js";
import type { Connection } from "./connection.js";

export function folderArchive(folder: string): ArchiveReader {
  const pathOf = (key: string) => join(folder, ...key.split("/"));
  return {
    async list(prefix, after = "") {
      const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
      const files = names
        .filter((name) => statSync(join(folder, name)).isFile())
        .map((name) => name.split(sep).join("/"));
      return files.filter((key) => key.startsWith(prefix) && key > after).sort();
    },
    async read(key) {
      return existsSync(pathOf(key)) ? readFileSync(pathOf(key)) : undefined;
    },
  };
}

/** @param bucket the stage's own when left out */
export async function bucketArchive(connection: Connection, bucket?: string): Promise<ArchiveReader> {
  const name = bucket ?? (await connection.controlPlane()).ArchiveBucket;
  const client = new S3Client({ ...connection.client("auditor"), forcePathStyle: connection.local });
  return s3ArchiveReader({ client, bucket: name });
}

/**
 * What the notary signed about the runs of an export. Which digests there are is asked now, before the first run is read: so every
 * checkpoint that they list is there when its run's turn comes.
 * @param whole when every run of these workflows is exported: that is complete if the digests know no others
 */
export async function evidenceOf(archive: ArchiveReader, whole?: readonly string[]): Promise<Evidence> {
  const digests = await archive.list(archiveKey.digests);
  const newest = digests.at(-1);
  const known = newest === undefined ? [] : (await statement(archive, newest, digest)).workflows;
  const complete = whole !== undefined && digests.length > 0 && known.every((workflow) => whole.includes(workflow));
  let [first, last] = ["~", ""];
  return {
    complete,
    async checkpointsOf(events) {
      const found = await checkpointsOf(archive, events);
      for (const { at } of found) [first, last] = [at < first ? at : first, at > last ? at : last];
      return found;
    },
    digests: () => (complete ? read(archive, digests) : around(archive, digests, first, last)),
  };
}

async function checkpointsOf(archive: ArchiveReader, events: readonly RecordedEvent[]): Promise<Checkpoint[]> {
  const [run] = events;
  const last = events.at(-1);
  if (run === undefined || last === undefined) return [];
  const { workflow, tenant, run_id: runId, at } = run;
  const keys = await archive.list(archiveKey.checkpointsOf({ workflow, tenant, runId, day: at.slice(0, 10) }));
  const found: Checkpoint[] = [];
  for (const key of keys) found.push(await statement(archive, key, checkpoint));
  // The archive was read after the log: it may know more.
  return found.filter(({ seq }) => seq <= last.seq);
}

async function* read(archive: ArchiveReader, keys: readonly string[]): AsyncGenerator<Digest> {
  for (const key of keys) yield await statement(archive, key, digest);
}

/** The digests that list what was made from `first` to `last`: a digest may miss what was made in the moment before it. */
async function* around(
  archive: ArchiveReader,
  keys: readonly string[],
  first: string,
  last: string,
): AsyncGenerator<Digest> {
  const wanted: Digest[] = [];
  for (const key of [...keys].reverse()) {
    const found = await statement(archive, key, digest);
    if (found.at < first) break;
    wanted.unshift(found);
    // Those after the second one that is later than `last` say nothing about it.
    while ((wanted[1]?.at ?? "") > last && wanted.length > 2) wanted.pop();
  }
  const end = wanted.findIndex(({ at }) => at >= last);
  yield* end < 0 ? wanted : wanted.slice(0, end + 2);
}

async function statement<S extends z.ZodType>(archive: ArchiveReader, key: string, schema: S): Promise<z.output<S>> {
  const bytes = await archive.read(key);
  if (bytes === undefined) throw new CountersignError("CS-3411", `archive: ${key} was listed and is not there`);
  return parseJson(`archive: ${key}`, Buffer.from(bytes).toString("utf8"), schema);
}
