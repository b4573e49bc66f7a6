/** Break-glass: sealed values of a run, each checked against its commitment in the log. Who asks, and why, is written down before anything is opened. */
import { S3Client } from "@aws-sdk/client-s3";
import { verifyChain } from "../audit/chain.js";
import type { Oversight } from "../aws/oversight.js";
import { s3Vault, type Vault } from "../aws/vault.js";
import { CountersignError } from "../errors.js";
import type { Json } from "../run/canonical.js";
import { commitment, type RecordedEvent } from "../run/events.js";
import type { RunRef } from "../run/keys.js";
import { commit } from "../run/redact.js";
import type { Connection } from "./connection.js";
import { noteOf } from "./oversight.js";

/** A commitment of the log. */
export interface SealedField {
  readonly seq: number;
  /** in the record's `data`: `input.claim`, `output.comments[0].body` */
  readonly field: string;
  readonly commitment: string;
}
export interface RevealedField extends SealedField {
  readonly value: Json;
}
export interface Revealed {
  /** each is what the log is committed to */
  readonly values: readonly RevealedField[];
  /**
   * what reads like a commitment and has no value in the vault: words of a tool or of a person that imitate one, as tools may answer what they
   * like, or a value that was taken out of the vault
   */
  readonly unknown: readonly SealedField[];
}
export interface Reveal {
  readonly vault: Pick<Vault, "readSecret" | "open">;
  readonly oversight: Pick<Oversight, "add" | "shreddings">;
}
export interface RevealRequest {
  readonly run: RunRef;
  readonly events: readonly RecordedEvent[];
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
  readonly seq?: number;
  readonly field?: string;
}

export async function vaultOf(connection: Connection): Promise<Vault> {
  const { VaultBucket } = await connection.controlPlane();
  const client = new S3Client({ ...connection.client("break-glass"), forcePathStyle: connection.local });
  return s3Vault({ client, bucket: VaultBucket });
}

/** Every commitment of the run's records, in order. */
export function sealedFields(events: readonly RecordedEvent[]): readonly SealedField[] {
  return events.flatMap(({ seq, data }) =>
    commitmentsIn(data, "").map(([field, hash]) => ({ seq, field, commitment: hash })),
  );
}

function commitmentsIn(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (typeof value !== "object" || value === null) return [];
  const found = commitment.safeParse(value);
  if (found.success) return [[path, found.data.$commitment]];
  if (Array.isArray(value)) return value.flatMap((item, index) => commitmentsIn(item, `${path}[${index}]`));
  return Object.entries(value).flatMap(([name, member]) =>
    commitmentsIn(member, path === "" ? name : `${path}.${name}`),
  );
}

/**
 * @throws CountersignError CS-5016 when nothing sealed is asked for, CS-5014 when the run was shredded, CS-5015 when a value is not what the log
 * says, or there is none at all: then nothing is shown, and that somebody asked stays on record
 */
export async function reveal({ vault, oversight }: Reveal, request: RevealRequest): Promise<Revealed> {
  const { run, events } = request;
  const broken = verifyChain(events);
  if (broken !== undefined)
    throw new CountersignError(
      "CS-5015",
      `run ${run.runId}: record ${broken.seq} does not hold, so its commitments say nothing; see \`countersign run verify\``,
    );
  const wanted = chosen(sealedFields(events), request);
  const { by, reason, nowMs } = request;
  await oversight.add({
    ...noteOf(run, by, nowMs),
    type: "ValuesRead",
    reason,
    fields: wanted.map(({ seq, field }) => ({ seq, field })),
  });
  const secret = await vault.readSecret(run);
  if (secret === undefined) throw await gone(oversight, run);
  const values: RevealedField[] = [];
  const unknown: SealedField[] = [];
  for (const event of events) {
    const fields = wanted.filter(({ seq }) => seq === event.seq);
    if (fields.length === 0) continue;
    const opened = openedBy((await vault.open(run, secret, event)) ?? {});
    for (const one of fields) {
      const value = opened.find((each) => isAt(one.field, each.key) && each.commitment === one.commitment)?.value;
      if (value !== undefined) values.push({ ...one, value });
      else if (isChanged(one, opened, fields)) throw unlike(run, one, "another value than the one that");
      else unknown.push(one);
    }
  }
  const [first] = unknown;
  if (values.length === 0 && first !== undefined) throw unlike(run, first, "no value that");
  return { values, unknown };
}

interface Opened {
  /** `output|comments[0].body` */
  readonly key: string;
  readonly value: Json;
  readonly commitment: string;
}
/** What a sealed value is committed to is computed from it, never believed. */
const openedBy = (sealed: Readonly<Record<string, { readonly nonce: string; readonly value: Json }>>) =>
  Object.entries(sealed).map(
    ([key, { nonce, value }]): Opened => ({ key, value, commitment: commit(value, nonce).$commitment }),
  );

/** Whether the vault's key is the place of a field in a record's data. */
function isAt(field: string, key: string): boolean {
  if (field === "error.message") return key === "error|";
  if (field === "text") return key.startsWith("note.");
  const [, what = "", path = ""] = /^(\w+)\.?(.*)$/s.exec(field) ?? [];
  return key === `${what}|${path}`;
}

/** The vault has a value for the place, and the record commits to another: not so where a name with a dot only reads like that place. */
const isChanged = ({ field }: SealedField, opened: readonly Opened[], fields: readonly SealedField[]): boolean =>
  opened.some(
    ({ key, commitment: made }) =>
      isAt(field, key) && !fields.some((each) => each.field === field && each.commitment === made),
  );

const unlike = ({ runId }: RunRef, { seq, field, commitment: made }: SealedField, what: string) =>
  new CountersignError(
    "CS-5015",
    `run ${runId}: the vault holds ${what} record ${seq}, ${field}, is committed to (${made}); nothing is shown`,
  );

function chosen(all: readonly SealedField[], { run, seq, field }: RevealRequest): readonly SealedField[] {
  const wanted = all.filter(
    (one) => (seq === undefined || one.seq === seq) && (field === undefined || isWithin(one.field, field)),
  );
  if (wanted.length > 0) return wanted;
  const known = all.map((one) => `${one.seq} ${one.field}`).slice(0, 20);
  throw new CountersignError(
    "CS-5016",
    `run ${run.runId}: nothing sealed ${[...(seq === undefined ? [] : [`in record ${seq}`]), ...(field === undefined ? [] : [`at '${field}'`])].join(" ")}; sealed are: ${known.join(", ") || "none"}`,
  );
}

/** `output` is all of `output.comments[0].body`. */
const isWithin = (path: string, of: string): boolean =>
  path === of || (path.startsWith(of) && [".", "["].includes(path[of.length] ?? ""));

async function gone(oversight: Reveal["oversight"], { runId }: RunRef): Promise<CountersignError> {
  const shredded = (await oversight.shreddings()).findLast(({ run_id }) => run_id === runId);
  return new CountersignError(
    "CS-5014",
    shredded === undefined
      ? `run ${runId}: it has no key in the vault, and no shredding of it is on record; nothing can be opened`
      : `run ${runId}: was shredded on ${shredded.at} by ${shredded.by} (${shredded.reason}); nothing can be opened`,
  );
}
