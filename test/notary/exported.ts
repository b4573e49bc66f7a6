/** A notarised log of many runs, as an export, as an archive folder, and with every kind of damage that the format names. */
import { exportLines } from "../../lib/audit/export.js";
import { manifestOf } from "../../lib/audit/manifest.js";
import { trustedKeys } from "../../lib/audit/signature.js";
import { statementHash, textToSign } from "../../lib/audit/statement.js";
import { evidenceOf } from "../../lib/client/archive.js";
import { jcs } from "../../lib/run/canonical.js";
import { Lab, MINUTE_MS, otherFingerprint, otherSign, PUBLIC_KEY, RUN_ID, runLike, START_MS } from "./lab.js";

const trusted = trustedKeys([PUBLIC_KEY.toString()]);
const checked = new Map<string, boolean | undefined>();
/** The notary's key. It is asked the same again and again, so it remembers. */
export const KEYS: typeof trusted = {
  ...trusted,
  verify(fingerprint, text, signature) {
    const question = `${fingerprint} ${text} ${signature}`;
    if (!checked.has(question)) checked.set(question, trusted.verify(fingerprint, text, signature));
    return checked.get(question);
  },
};

/** Runs that start over a few hours, swept every hour; some are covered in two steps, the last ones not at all. */
export async function notarised(runs: number): Promise<Lab> {
  const lab = new Lab();
  const hours = 4;
  for (let index = 0; index < runs; index++) {
    const startMs = START_MS + Math.floor((index * hours) / runs) * 60 * MINUTE_MS;
    // One name for all: action hashes and keys inside name the run, and not its tenant.
    const ref = { workflow: "billing-dispute", tenant: `t${String(index).padStart(5, "0")}`, runId: RUN_ID };
    const events = runLike(index, ref, startMs);
    // every seventh grows between two sweeps, the last two end after the last
    const cut =
      index >= runs - 2 ? Math.min(4, events.length) : index % 7 === 0 ? Math.min(4, events.length) : events.length;
    pending.push({ atMs: startMs, events: events.slice(0, cut) });
    if (cut < events.length)
      pending.push({
        atMs: index >= runs - 2 ? Number.MAX_SAFE_INTEGER : startMs + 30 * MINUTE_MS,
        events: events.slice(cut),
      });
  }
  for (let hour = 0; hour < hours; hour++) {
    for (const half of [0, 30]) {
      lab.nowMs = START_MS + (hour * 60 + half) * MINUTE_MS;
      write(lab);
      await lab.sweep();
    }
  }
  lab.nowMs = Number.MAX_SAFE_INTEGER;
  write(lab);
  lab.nowMs = START_MS + hours * 60 * MINUTE_MS;
  return lab;
}
const pending: { readonly atMs: number; readonly events: ReturnType<typeof runLike> }[] = [];
function write(lab: Lab): void {
  const due = pending.filter(({ atMs }) => atMs <= lab.nowMs);
  for (const { events } of due) lab.write(events);
  const rest = pending.filter(({ atMs }) => atMs > lab.nowMs);
  pending.splice(0, pending.length, ...rest);
}

export async function linesOfLab(lab: Lab, whole = true): Promise<string[]> {
  const evidence = await evidenceOf(lab.deps().archive, whole ? ["billing-dispute"] : undefined);
  const lines: string[] = [];
  for await (const line of exportLines([...lab.log.values()], [], evidence)) lines.push(line);
  return lines;
}

/** An export's lines with the manifest made anew, as a forger would: what is found then is found by signatures and digests alone. */
export function withOwnManifest(lines: readonly string[]): string[] {
  const runs = new Map<string, { run: string; events: number; head: string; checkpoint: string | null }>();
  let digests = 0;
  const kept = lines.filter((line) => !line.includes('"type":"ExportManifest"'));
  for (const line of kept) {
    const value = parse(line);
    if (value?.type === "Digest") digests += 1;
    const name = `${value?.workflow}#${value?.tenant}#${value?.run_id}`;
    const run = runs.get(name);
    if (value?.type === "Checkpoint" && run !== undefined) run.checkpoint = value.hash;
    if (value?.data === undefined) continue;
    runs.set(name, {
      run: name,
      events: (run?.events ?? 0) + 1,
      head: value.hash,
      checkpoint: run?.checkpoint ?? null,
    });
  }
  return [...kept, jcs(manifestOf([...runs.values()], { digests, complete: true }))];
}

/** The statement of a line, changed and signed anew by another key, or by the right one. */
export function resigned(line: string, change: object): string {
  const value = { ...JSON.parse(line), ...change, key: otherFingerprint };
  const hash = statementHash(value);
  return jcs({ ...value, hash, signature: otherSign(textToSign(value, hash)) });
}

export function parse(line: string) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
