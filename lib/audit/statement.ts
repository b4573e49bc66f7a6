/**
 * What the notary states and signs: checkpoints of runs, and hourly digests that chain them. docs/log-format.md specifies both for a second
 * implementation. A statement is one canonical JSON line; its `hash` is over everything but `hash` and `signature`.
 */
import * as z from "zod";
import { hashJson } from "../run/canonical.js";
import { GENESIS } from "./chain.js";
import { signedText } from "./signature.js";

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const hex128 = z.string().regex(/^[0-9a-f]{128}$/);
const isoTime = z.iso.datetime({ precision: 3 });
const seq = z.int().positive();
const run = { workflow: z.string(), tenant: z.string(), run_id: z.string() };
const signed = { key: hex64, hash: hex64, signature: hex128 };

/** One file of the archive, by its bytes. */
const archived = z.strictObject({ key: z.string(), sha256: hex64 });
export type Archived = z.infer<typeof archived>;

export const checkpoint = z.strictObject({
  v: z.literal(1),
  type: z.literal("Checkpoint"),
  ...run,
  /** first record that this checkpoint adds to the one before */
  from: seq,
  /** last record it covers */
  seq,
  /** hash of record `seq` */
  head: hex64,
  /** whether record `seq` is the run's last */
  closed: z.boolean(),
  at: isoTime,
  /** `hash` of the run's checkpoint before; 64 zeros for the first */
  prev: hex64,
  /** the records `from` to `seq`, gzipped JSON lines */
  events: archived,
  ...signed,
});
export type Checkpoint = z.infer<typeof checkpoint>;

const digestEntry = z.strictObject({
  ...run,
  from: seq,
  seq,
  head: hex64,
  closed: z.boolean(),
  /** `hash` of the checkpoint */
  checkpoint: hex64,
  /** the checkpoint's own file, then that of its records */
  files: z.tuple([archived, archived]),
});
export type DigestEntry = z.infer<typeof digestEntry>;

const openRun = z.strictObject({
  ...run,
  /** last record covered; 0: none yet */
  seq: z.int().min(0),
  head: hex64,
  /** why no checkpoint could be made of what is recorded after it; null: nothing is wrong */
  fault: z.string().nullable(),
});
export type DigestOpenRun = z.infer<typeof openRun>;

export const digest = z.strictObject({
  v: z.literal(1),
  type: z.literal("Digest"),
  stage: z.string(),
  /** 1, 2, 3 … without gaps */
  n: seq,
  /** `at` of the digest before; 1970-01-01T00:00:00.000Z for the first */
  from: isoTime,
  at: isoTime,
  /** every checkpoint that no digest before lists, a run's in order of `seq` */
  entries: z.array(digestEntry),
  /** every run that began and is not closed in `entries` up to here */
  open: z.array(openRun),
  /** whose runs are listed */
  workflows: z.array(z.string()),
  /** every run that started before this time is in an entry or in `open` */
  through: isoTime,
  /** `hash` and `signature` of the digest before; zeros for the first */
  prev: hex64,
  prev_signature: hex128,
  ...signed,
});
export type Digest = z.infer<typeof digest>;

type Signed = Checkpoint | Digest;
export type Unsigned<S extends Signed> = S extends Signed ? Omit<S, "hash" | "signature"> : never;

export const NO_SIGNATURE = "0".repeat(128);
export const NO_DIGEST = { n: 0, at: "1970-01-01T00:00:00.000Z", hash: GENESIS, signature: NO_SIGNATURE } as const;

/** `hash` of a statement, from its content. */
export function statementHash(statement: Unsigned<Signed> | Signed): string {
  const { hash: _hash, signature: _signature, ...content }: Record<string, unknown> = { ...statement };
  return hashJson(content);
}

/** The text whose signature a statement carries. */
export const textToSign = ({ type }: Pick<Signed, "type">, hash: string): string =>
  signedText(type === "Checkpoint" ? "checkpoint" : "digest", hash);
