/**
 * What people are asked, whole, when it holds anything sensitive: the gate writes it, the desk alone opens it. The gate needs `s3:PutObject`
 * and `s3:GetObject`, the desk `s3:GetObject`.
 */
import canonicalize from "canonicalize";
import { viewKey } from "../run/keys.js";
import { type ApprovalView, approvalView } from "../run/protocol.js";
import type { ApprovalRef } from "./approvals.js";
import { parseJson } from "./dynamo.js";
import { type BucketRef, createSame, readObject } from "./objects.js";

export interface ViewStore {
  /** Writing the same again is fine, another view of the same approval throws CS-3402. */
  write(view: ApprovalView): Promise<void>;
  read(ref: ApprovalRef): Promise<ApprovalView | undefined>;
}

export function s3ViewStore(bucket: BucketRef): ViewStore {
  return {
    write: (view) =>
      createSame(
        bucket,
        viewKey.object(view.workflow, view.approval_id),
        Buffer.from(canonicalize(view) ?? "", "utf8"),
      ),
    async read({ workflow, approvalId }) {
      const key = viewKey.object(workflow, approvalId);
      const bytes = await readObject(bucket, key);
      if (bytes === undefined) return undefined;
      return parseJson(`${bucket.bucket}: ${key}`, Buffer.from(bytes).toString("utf8"), approvalView);
    },
  };
}
