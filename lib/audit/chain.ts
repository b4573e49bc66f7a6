/**
 * The hash chain of a run: `hash = SHA-256(prev ‖ JCS(the event without prev and hash))`, `prev` as 64 hex characters, 64 zeros
 * for the first. Over the redacted form, so it verifies offline, also after the vault was shredded.
 */
import { jcs, sha256Hex } from "../run/canonical.js";
import type { NewEvent, RecordedEvent } from "../run/events.js";

/** `prev` of a run's first event. */
export const GENESIS = "0".repeat(64);

export interface Envelope {
  readonly workflow: string;
  readonly tenant: string;
  readonly run_id: string;
  /** of this step: `3.proposal` */
  readonly step: string;
  /** ISO with milliseconds; the gate's `nowMs`, as deadlines and days were computed from it */
  readonly at: string;
}
/** The run's last event; null before the first. */
export type Head = Pick<RecordedEvent, "seq" | "hash"> | null;

/** @throws CountersignError CS-3020 for what canonical JSON cannot write */
export function eventHash(prev: string, event: Omit<RecordedEvent, "prev" | "hash">): string {
  const { prev: _prev, hash: _hash, ...content }: Record<string, unknown> = { ...event };
  return contentHash(prev, content);
}

const contentHash = (prev: string, content: object): string => sha256Hex(prev + jcs(content));

/** The step's events with their places in the chain, ready to be inserted together. */
export function appendToChain(head: Head, envelope: Envelope, events: readonly NewEvent[]): readonly RecordedEvent[] {
  const { workflow, tenant, run_id, step, at } = envelope;
  const chained: RecordedEvent[] = [];
  for (const event of events) {
    const last = chained.at(-1) ?? head;
    const place = { ...event, v: 1, workflow, tenant, run_id, seq: (last?.seq ?? 0) + 1, at, step } as const;
    const prev = last?.hash ?? GENESIS;
    chained.push({ ...place, prev, hash: contentHash(prev, place) });
  }
  return chained;
}

/** A place where a chain does not hold. `seq` is the record's place counted from 1. */
export interface ChainFault {
  readonly seq: number;
  readonly fault: "seq" | "prev" | "hash";
}

/** The first place where a run's events are not the chain they claim to be; undefined when they are. */
export const verifyChain = (events: readonly RecordedEvent[]): ChainFault | undefined =>
  verifyChainFrom({ seq: 0, head: GENESIS }, events);

/** The same of events that follow others: `head` is the hash of record `seq`. */
export function verifyChainFrom(
  last: { readonly seq: number; readonly head: string },
  events: readonly RecordedEvent[],
): ChainFault | undefined {
  let prev = last.head;
  for (const [index, event] of events.entries()) {
    const seq = last.seq + index + 1;
    if (event.seq !== seq) return { seq, fault: "seq" };
    if (event.prev !== prev) return { seq, fault: "prev" };
    if (event.hash !== eventHash(prev, event)) return { seq, fault: "hash" };
    prev = event.hash;
  }
  return undefined;
}
