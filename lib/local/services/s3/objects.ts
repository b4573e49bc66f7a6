/** The object versions of one bucket: an index in memory, contents in memory or as files. */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { readStoredJson, removeFile, writePrivateFile } from "../support/files.js";

const storedVersion = z.strictObject({
  /** also the name of the files; keys of objects never become paths */
  id: z.uuid(),
  /** grows with each put of the bucket */
  sequence: z.int().min(0),
  key: z.string(),
  /** `null` in a bucket without versions */
  versionId: z.string(),
  deleteMarker: z.boolean(),
  sizeBytes: z.int().min(0),
  /** with quotes, as sent */
  etag: z.string(),
  lastModifiedMs: z.number(),
  /** `content-type`, `cache-control`, …, `x-amz-meta-*` as put */
  headers: z.record(z.string(), z.string()),
  checksum: z.strictObject({ algorithm: z.string(), value: z.string() }).exactOptional(),
  retention: z.strictObject({ mode: z.enum(["GOVERNANCE", "COMPLIANCE"]), untilMs: z.number() }).exactOptional(),
  legalHold: z.boolean(),
  /** ARN; absent for SSE-S3 */
  kmsKeyArn: z.string().exactOptional(),
});
export type ObjectVersion = z.output<typeof storedVersion>;

export class ObjectVersions {
  private readonly byKey = new Map<string, ObjectVersion[]>();
  private readonly contents = new Map<string, Buffer>();
  private nextSequence = 0;

  /** @param folder where the bucket's files are; undefined keeps everything in memory */
  constructor(private readonly folder: string | undefined) {
    if (folder === undefined || !existsSync(folder)) return;
    const versions = readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => readStoredJson(join(folder, name), storedVersion))
      .filter((version) => version !== undefined)
      .sort((a, b) => a.sequence - b.sequence);
    for (const version of versions) this.index(version);
  }

  /** Newest first. */
  of(key: string): readonly ObjectVersion[] {
    return this.byKey.get(key) ?? [];
  }

  /** The version that a read without a version id gives; undefined when there is none or the newest is a delete marker. */
  current(key: string): ObjectVersion | undefined {
    const [newest] = this.of(key);
    return newest?.deleteMarker === false ? newest : undefined;
  }

  /** Current versions in the order of their keys' UTF-8 bytes. */
  list(): ObjectVersion[] {
    const found = [...this.byKey.keys()].map((key) => this.current(key)).filter((version) => version !== undefined);
    return found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  /** Every version and delete marker, in the order of their keys' UTF-8 bytes, of one key newest first. */
  listAll(): ObjectVersion[] {
    const keys = [...this.byKey.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return keys.flatMap((key) => this.of(key));
  }

  /** Adds a version; in a bucket without versions (`null`) it takes the place of the one before. */
  put(version: Omit<ObjectVersion, "id" | "sequence">, content: Buffer): ObjectVersion {
    const replaced =
      version.versionId === "null" ? this.of(version.key).find((each) => each.versionId === "null") : undefined;
    const stored = { ...version, id: randomUUID(), sequence: this.nextSequence };
    if (this.folder === undefined) this.contents.set(stored.id, content);
    else {
      // Content first: a crash in between leaves a file nobody points to, not an object without content.
      writePrivateFile(join(this.folder, `${stored.id}.bin`), content);
      writePrivateFile(join(this.folder, `${stored.id}.json`), JSON.stringify(stored));
    }
    this.index(stored);
    if (replaced !== undefined) this.remove(replaced);
    return stored;
  }

  content(version: ObjectVersion): Buffer {
    const inMemory = this.contents.get(version.id);
    if (inMemory !== undefined || this.folder === undefined) return inMemory ?? Buffer.alloc(0);
    return readFileSync(join(this.folder, `${version.id}.bin`));
  }

  remove(version: ObjectVersion): void {
    const rest = this.of(version.key).filter((each) => each.id !== version.id);
    if (rest.length === 0) this.byKey.delete(version.key);
    else this.byKey.set(version.key, rest);
    this.contents.delete(version.id);
    if (this.folder === undefined) return;
    removeFile(join(this.folder, `${version.id}.json`));
    removeFile(join(this.folder, `${version.id}.bin`));
  }

  clear(): void {
    this.byKey.clear();
    this.contents.clear();
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
  }

  private index(version: ObjectVersion): void {
    this.byKey.set(version.key, [version, ...this.of(version.key)]);
    this.nextSequence = Math.max(this.nextSequence, version.sequence + 1);
  }
}
