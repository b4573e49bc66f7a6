/**
 * The vault: what the log holds only as a commitment. Each run has a secret of 32 bytes; deleting that one object makes the run's
 * sealed values unreadable for ever, while the log still verifies. The bucket is encrypted with KMS besides.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { type RunRef, vaultKey } from "../run/keys.js";
import type { SealedValue } from "../run/types.js";
import { parseJson } from "./dynamo.js";
import { type BucketRef, createObject, readObject } from "./objects.js";

/** `<what>|<concrete path>` → value and nonce */
export type SealedValues = Readonly<Record<string, SealedValue>>;
export interface EventPlace {
  readonly seq: number;
  /** the event's hash: a conflicting append leaves values under a hash that no event has */
  readonly hash: string;
}

export interface Vault {
  /** Keeps `secret` (32 bytes) as the run's, unless it has one; answers the one that is kept. */
  createSecret(run: RunRef, secret: Uint8Array): Promise<Uint8Array>;
  /** Undefined when the run has none, or it was shredded. */
  readSecret(run: RunRef): Promise<Uint8Array | undefined>;
  seal(run: RunRef, secret: Uint8Array, event: EventPlace, values: SealedValues): Promise<void>;
  /** Undefined when nothing was sealed for this event. Throws CS-3402 when it was changed. */
  open(run: RunRef, secret: Uint8Array, event: EventPlace): Promise<SealedValues | undefined>;
}

const base64 = z.base64();
const keyObject = z.strictObject({ v: z.literal(1), secret: base64 });
const sealedObject = z.strictObject({ v: z.literal(1), iv: base64, tag: base64, data: base64 });
const sealedValues = z.record(
  z.string(),
  z.strictObject({ nonce: z.string().regex(/^[0-9a-f]{64}$/), value: z.json() }),
);

export function s3Vault(ref: BucketRef): Vault {
  const readSecret = async (run: RunRef) => {
    const key = vaultKey.runKey(run);
    const bytes = await readObject(ref, key);
    if (bytes === undefined) return undefined;
    return Buffer.from(parseJson(`${ref.bucket}: ${key}`, text(bytes), keyObject).secret, "base64");
  };
  return {
    readSecret,
    async createSecret(run, secret) {
      const body = JSON.stringify({ v: 1, secret: Buffer.from(secret).toString("base64") });
      if ((await createObject(ref, vaultKey.runKey(run), Buffer.from(body))) === "created") return secret;
      const kept = await readSecret(run);
      if (kept === undefined) throw new CountersignError("CS-3404", `vault: the key of run ${run.runId} is gone`);
      return kept;
    },
    async seal(run, secret, event, values) {
      const key = vaultKey.values(run, event.seq, event.hash);
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", sealingKey(secret), iv).setAAD(Buffer.from(key));
      const data = Buffer.concat([cipher.update(JSON.stringify(values), "utf8"), cipher.final()]);
      const tag = cipher.getAuthTag();
      const body = { v: 1, iv: b64(iv), tag: b64(tag), data: b64(data) };
      // A repeat seals the same values of the same event (its hash is in the key), so the first copy serves.
      await createObject(ref, key, Buffer.from(JSON.stringify(body)));
    },
    async open(run, secret, event) {
      const key = vaultKey.values(run, event.seq, event.hash);
      const bytes = await readObject(ref, key);
      if (bytes === undefined) return undefined;
      const place = `${ref.bucket}: ${key}`;
      const sealed = parseJson(place, text(bytes), sealedObject);
      return parseJson(place, unseal(place, sealingKey(secret), key, sealed), sealedValues);
    },
  };
}

function unseal(place: string, secret: Uint8Array, key: string, sealed: z.output<typeof sealedObject>): string {
  const decipher = createDecipheriv("aes-256-gcm", secret, Buffer.from(sealed.iv, "base64"), { authTagLength: 16 })
    .setAAD(Buffer.from(key))
    .setAuthTag(Buffer.from(sealed.tag, "base64"));
  const head = decipher.update(Buffer.from(sealed.data, "base64"));
  try {
    return Buffer.concat([head, decipher.final()]).toString("utf8");
  } catch {
    throw new CountersignError("CS-3402", `${place}: was changed, or sealed under another key`);
  }
}

/** The run's secret also makes nonces and ids; sealing uses a key of its own, derived from it. */
function sealingKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), "countersign vault v1", 32));
}
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const b64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
