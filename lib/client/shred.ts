/**
 * Shreds a run: deletes every version of its key, with which all its sealed values become unreadable wherever they lie, and of what was put out in
 * clear for proposers, tools and approvers. The log stays as it is. Written down before anything is deleted; what a crash left is found and deleted
 * by doing it again.
 */
import { S3Client } from "@aws-sdk/client-s3";
import type { Oversight } from "../aws/oversight.js";
import { s3Versions, type Version, type Versions } from "../aws/versions.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import { callKeyOf, contextKey, type RunRef, vaultKey, viewKey } from "../run/keys.js";
import type { Connection } from "./connection.js";
import { noteOf } from "./oversight.js";

export interface ShredStores {
  readonly vault: Versions;
  readonly context: Versions;
}
/** Versions of objects, by what they are. */
export interface ShredPlan {
  readonly key: readonly Version[];
  readonly context: readonly Version[];
  readonly call: readonly Version[];
  readonly view: readonly Version[];
}
export interface ShredRequest {
  readonly run: RunRef;
  readonly events: readonly RecordedEvent[];
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
}

export async function shredStores(connection: Connection): Promise<ShredStores> {
  const { VaultBucket, ContextBucket } = await connection.controlPlane();
  const client = new S3Client({ ...connection.client("shredder"), forcePathStyle: connection.local });
  return {
    vault: s3Versions({ client, bucket: VaultBucket }),
    context: s3Versions({ client, bucket: ContextBucket }),
  };
}

/** What would go, as it is now. @throws CountersignError CS-5017 for a run that is not over */
export async function planShred(
  { vault, context }: ShredStores,
  run: RunRef,
  events: readonly RecordedEvent[],
): Promise<ShredPlan> {
  const last = events.at(-1)?.type;
  if (last !== "RunClosed" && last !== "RunRefused")
    throw new CountersignError(
      "CS-5017",
      `run ${run.runId}: is still open and needs its key; wait until it is closed, or stop its execution`,
    );
  // Asked of the bucket and not of the log: a call may have been put out and its permit never written.
  const tools = await context.folders(callKeyOf.tools(run.workflow));
  const asked = events.flatMap((event) => (event.type === "ApprovalRequested" ? [event.data.approval_id] : []));
  const listed = async (prefixes: readonly string[]) =>
    (await Promise.all([...new Set(prefixes)].map((prefix) => context.list(prefix)))).flat();
  return {
    key: await vault.list(vaultKey.runKey(run)),
    context: await listed([contextKey.ofRun(run)]),
    call: await listed(tools.map((tool) => callKeyOf.ofRun(run, tool))),
    view: await listed(asked.map((approvalId) => viewKey.object(run.workflow, approvalId))),
  };
}

export const versionsIn = ({ key, context, call, view }: ShredPlan): number =>
  key.length + context.length + call.length + view.length;

/**
 * Does it. The key first: from then on nothing sealed can be opened, whatever happens to the rest.
 * @param onDeleted after each version
 */
export async function shred(
  stores: ShredStores,
  oversight: Pick<Oversight, "add">,
  { run, events, by, reason, nowMs }: ShredRequest,
  onDeleted: () => void = () => {},
): Promise<ShredPlan> {
  const plan = await planShred(stores, run, events);
  if (versionsIn(plan) === 0) return plan;
  const { key, context, call, view } = plan;
  await oversight.add({
    ...noteOf(run, by, nowMs),
    type: "RunShredded",
    reason,
    versions: { key: key.length, context: context.length, call: call.length, view: view.length },
  });
  for (const version of key) await stores.vault.remove(version).then(onDeleted);
  for (const version of [...context, ...call, ...view]) await stores.context.remove(version).then(onDeleted);
  return plan;
}
