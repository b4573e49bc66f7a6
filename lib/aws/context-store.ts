/**
 * What the proposer reads, one object per turn, with the keys of what travels to it and back. Admit and the gate write it, the proposer only
 * reads its own workflow's.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { contextKey, type RunRef } from "../run/keys.js";
import { type ContextKeys, contextKeys, type RunContext, runContext } from "../run/protocol.js";
import { parseJson } from "./dynamo.js";
import { type BucketRef, createSame, readObject } from "./objects.js";

export interface StoredContext {
  readonly context: RunContext;
  readonly keys: ContextKeys;
  /** SHA-256 of the object's bytes, hex: what the log records as `context_hash` */
  readonly hash: string;
}
export interface ContextStore {
  read(run: RunRef, turn: number): Promise<StoredContext | undefined>;
  /** Writes turn `context.turn`. Writing the same again is fine, other content for the same turn throws CS-3402. */
  write(context: RunContext, keys: ContextKeys): Promise<void>;
}
const storedContext = runContext.extend({ keys: contextKeys });

export function s3ContextStore(ref: BucketRef): ContextStore {
  return {
    async read(run, turn) {
      const key = contextKey.object(run, turn);
      const bytes = await readObject(ref, key);
      if (bytes === undefined) return undefined;
      const { keys, ...context } = parseJson(
        `${ref.bucket}: ${key}`,
        Buffer.from(bytes).toString("utf8"),
        storedContext,
      );
      return {
        context,
        keys,
        hash: createHash("sha256").update(bytes).digest("hex"),
      };
    },
    async write(context, keys) {
      const run = { workflow: context.workflow, tenant: context.tenant, runId: context.run_id };
      await createSame(
        ref,
        contextKey.object(run, context.turn),
        Buffer.from(canonicalize({ ...context, keys }) ?? "", "utf8"),
      );
    },
  };
}
