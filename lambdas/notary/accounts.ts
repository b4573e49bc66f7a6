/** What the chain of digests says so far: the notary's only memory. */

import { type Digest, digest, NO_DIGEST, statementHash } from "../../lib/audit/statement.js";
import { parseJson } from "../../lib/aws/dynamo.js";
import { CountersignError } from "../../lib/errors.js";
import { archiveKey, type RunRef } from "../../lib/run/keys.js";
import { type NotaryDeps, nameOf } from "./deps.js";

export interface Accounted {
  readonly seq: number;
  readonly head: string;
  readonly closed: boolean;
}
export interface Accounts {
  readonly last: Pick<Digest, "n" | "at" | "hash" | "signature">;
  /** every run that started before this and is not in `open` is done */
  readonly through: string;
  readonly workflows: readonly string[];
  readonly open: readonly RunRef[];
  /** what digests list of runs that may come up again, by name */
  readonly listed: ReadonlyMap<string, Accounted>;
}

/** @throws CountersignError CS-3411, CS-3402 for a digest that is not what was written */
export async function readAccounts(deps: NotaryDeps): Promise<Accounts> {
  const keys = await deps.archive.list(archiveKey.digests);
  let at = keys.length - 1;
  const newest = at < 0 ? undefined : await readDigest(deps, keys[at] ?? "");
  if (newest === undefined)
    return { last: NO_DIGEST, through: NO_DIGEST.at, workflows: [], open: [], listed: new Map() };
  const chain = [newest];
  // A run that started after `through` can only be listed by digests made after it.
  for (at -= 1; at >= 0 && (chain[0]?.at ?? "") > newest.through; at -= 1)
    chain.unshift(await readDigest(deps, keys[at] ?? ""));
  const listed = new Map<string, Accounted>();
  for (const { entries } of chain)
    for (const { workflow, tenant, run_id: runId, seq, head, closed } of entries)
      listed.set(nameOf({ workflow, tenant, runId }), { seq, head, closed });
  for (const { workflow, tenant, run_id: runId, seq, head } of newest.open)
    listed.set(nameOf({ workflow, tenant, runId }), { seq, head, closed: false });
  const open = newest.open.map(({ workflow, tenant, run_id: runId }) => ({ workflow, tenant, runId }));
  return { last: newest, through: newest.through, workflows: newest.workflows, open, listed };
}

async function readDigest(deps: NotaryDeps, key: string): Promise<Digest> {
  const text = Buffer.from((await deps.archive.read(key)) ?? []).toString("utf8");
  const read = parseJson(`archive: ${key}`, text, digest);
  if (statementHash(read) === read.hash && archiveKey.digest(read.n) === key) return read;
  throw new CountersignError("CS-3411", `archive: ${key} is not what its hash says`);
}
