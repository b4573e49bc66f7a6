/** A log, an archive and a key in memory, and the real notary between them. */
import { createSign, generateKeyPairSync } from "node:crypto";
import type { NotaryDeps } from "../../lambdas/notary/deps.js";
import { createHandler } from "../../lambdas/notary/serve.js";
import { appendToChain } from "../../lib/audit/chain.js";
import { fixedSignature, keyFingerprint } from "../../lib/audit/signature.js";
import type { NewEvent, RecordedEvent } from "../../lib/run/events.js";
import { logIndex, logKey, type RunRef } from "../../lib/run/keys.js";
import { isoTime } from "../../lib/run/time.js";
import { refusedRun, rejectedRun } from "../audit/support.js";
import { act, lookedUp, RUN_ID, wholeRun } from "../run/support.js";

export const START_MS = Date.parse("2026-11-21T12:00:00.000Z");
export const MINUTE_MS = 60_000;
export const RETENTION = { public: 365, internal: 365, personal: 1095, financial: 3650 };

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const PUBLIC_KEY = pair.publicKey.export({ format: "pem", type: "spki" });
export const FINGERPRINT = keyFingerprint(pair.publicKey.export({ format: "der", type: "spki" }));
export const sign = (text: string): string => fixedSignature(createSign("sha256").update(text).sign(pair.privateKey));
const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const OTHER_KEY = other.publicKey.export({ format: "pem", type: "spki" });
export const otherFingerprint = keyFingerprint(other.publicKey.export({ format: "der", type: "spki" }));
export const otherSign = (text: string): string =>
  fixedSignature(createSign("sha256").update(text).sign(other.privateKey));

/** Runs of several shapes, by turns: whole, refused, rejected, open. */
const SHAPES: readonly (readonly RecordedEvent[])[] = [
  wholeRun().events,
  refusedRun("acme"),
  rejectedRun().events,
  lookedUp().events,
];
export function runLike(index: number, ref: RunRef, atMs: number): readonly RecordedEvent[] {
  const shape = SHAPES[index % SHAPES.length] ?? [];
  return renamed(shape, ref, atMs);
}

/** The run as one of another name, at another time: what names run or time in a hash is made anew. */
export function renamed(events: readonly RecordedEvent[], ref: RunRef, atMs: number): readonly RecordedEvent[] {
  const chained: RecordedEvent[] = [];
  for (const {
    v: _v,
    workflow: _w,
    tenant: _t,
    run_id: _r,
    seq: _s,
    at,
    step,
    prev: _p,
    hash: _h,
    ...event
  } of events) {
    const moved = isoTime(atMs + Date.parse(at) - START_MS);
    const envelope = { workflow: ref.workflow, tenant: ref.tenant, run_id: ref.runId, step, at: moved };
    chained.push(...appendToChain(chained.at(-1) ?? null, envelope, [event as NewEvent]));
  }
  return chained;
}
export { act, RUN_ID };

export class Killed extends Error {}
export type Strike = "before" | "after" | undefined;

export class Lab {
  nowMs = START_MS;
  readonly log = new Map<string, readonly RecordedEvent[]>();
  readonly objects = new Map<string, { readonly body: Uint8Array; readonly untilMs: number }>();
  /** called with every call to the outside; what it answers strikes there */
  strike: (call: string) => Strike = () => undefined;
  readonly calls: string[] = [];
  /** of runs whose index rows are not there yet */
  readonly hidden = new Set<string>();
  workflows: readonly string[] = ["billing-dispute"];
  runsPerSweep = 2_000;

  setTime(ms: number): void {
    this.nowMs = ms;
  }

  /** A process of the notary: what it remembers is gone with it. */
  process() {
    return createHandler(this.deps());
  }

  async sweep(handler = this.process()): Promise<unknown> {
    return handler({ sweep: true });
  }

  async stream(...refs: RunRef[]): Promise<unknown> {
    return this.process()({ Records: refs.map((ref, index) => streamRecord(logKey.pk(ref), index)) });
  }

  write(events: readonly RecordedEvent[]): void {
    const [first] = events;
    if (first === undefined) return;
    const pk = logKey.pk(refOf(first));
    this.log.set(pk, [...(this.log.get(pk) ?? []), ...events]);
  }

  private async point<T>(call: string, act: () => T): Promise<T> {
    this.calls.push(call);
    const strike = this.strike(call);
    if (strike === "before") throw new Killed(call);
    const result = act();
    if (strike === "after") throw new Killed(call);
    return result;
  }

  deps(): NotaryDeps {
    const lab = this;
    return {
      stage: "dev",
      workflows: this.workflows,
      log: {
        read: (run, { fromSeq = 1, limit = Number.POSITIVE_INFINITY } = {}) =>
          this.point("log.read", () => (this.log.get(logKey.pk(run)) ?? []).slice(fromSeq - 1).slice(0, limit)),
      },
      async *runsSince(workflow, since) {
        const found = await lab.point("log.index", () =>
          [...lab.log.values()]
            .flatMap(([first]) => (first === undefined || lab.hidden.has(logKey.pk(refOf(first))) ? [] : [first]))
            .filter((first) => first.workflow === workflow)
            .map((first) => ({
              ...refOf(first),
              startedAt: first.at,
              sk: logIndex.started(first.at, first.tenant, first.run_id),
            }))
            .filter(({ sk }) => sk >= since)
            .sort((a, b) => (a.sk < b.sk ? -1 : 1)),
        );
        yield* found;
      },
      archive: {
        list: (prefix, after = "") =>
          this.point("archive.list", () =>
            [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort(),
          ),
        read: (key) => this.point("archive.read", () => this.objects.get(key)?.body),
        create: (key, body, untilMs) =>
          this.point("archive.create", () => {
            if (this.objects.has(key)) return "exists";
            this.objects.set(key, { body, untilMs });
            return "created";
          }),
      },
      signer: {
        fingerprint: () => this.point("signer.fingerprint", () => FINGERPRINT),
        sign: (text) => this.point("signer.sign", () => sign(text)),
      },
      retentionDays: RETENTION,
      runsPerSweep: this.runsPerSweep,
      nowMs: () => this.nowMs,
    };
  }

  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  json(key: string) {
    return JSON.parse(Buffer.from(this.objects.get(key)?.body ?? []).toString("utf8"));
  }
}

export const refOf = (event: Pick<RecordedEvent, "workflow" | "tenant" | "run_id">): RunRef => ({
  workflow: event.workflow,
  tenant: event.tenant,
  runId: event.run_id,
});

export const streamRecord = (pk: string, index: number) => ({
  eventName: "INSERT",
  dynamodb: { SequenceNumber: String(index + 1), Keys: { pk: { S: pk }, sk: { S: "00000001" } } },
});
