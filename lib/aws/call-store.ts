/**
 * What the gate puts out for a permitted call: the plain arguments and the key that seals the answer. Only the tool's own function may read
 * it, so the state machine and its history carry neither. The gate needs `s3:PutObject` and `s3:GetObject`, the tool `s3:GetObject`.
 */
import canonicalize from "canonicalize";
import { callKeyOf, type RunRef } from "../run/keys.js";
import { type PutOutCall, putOutCall } from "../run/protocol.js";
import { parseJson } from "./dynamo.js";
import { type BucketRef, createSame, readObject } from "./objects.js";

export interface CallRef {
  readonly run: RunRef;
  readonly tool: string;
  readonly turn: number;
}
export interface CallStore {
  /** Writing the same again is fine, another call for the same turn throws CS-3402. */
  write(ref: CallRef, call: PutOutCall): Promise<void>;
  read(ref: CallRef): Promise<PutOutCall | undefined>;
}

export function s3CallStore(bucket: BucketRef): CallStore {
  const keyOf = ({ run, tool, turn }: CallRef) => callKeyOf.object(run, tool, turn);
  return {
    write: (ref, call) => createSame(bucket, keyOf(ref), Buffer.from(canonicalize(call) ?? "", "utf8")),
    async read(ref) {
      const key = keyOf(ref);
      const bytes = await readObject(bucket, key);
      if (bytes === undefined) return undefined;
      return parseJson(`${bucket.bucket}: ${key}`, Buffer.from(bytes).toString("utf8"), putOutCall);
    },
  };
}
