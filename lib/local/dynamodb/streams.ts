/**
 * DynamoDB Streams: what changed, in order, for 24 hours of the cloud's time. One shard per stream. Kept in memory: what was not delivered when
 * the process ends is lost, as what is older than a day is on AWS, so a reader must be able to do without.
 */
import type { Clock } from "../types.js";
import type { Item } from "./values.js";
import type { ItemChange } from "./writes.js";

const RETENTION_MS = 24 * 3_600_000;

/** As Lambda hands it to a function. */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly eventVersion: "1.1";
  readonly eventSource: "aws:dynamodb";
  readonly awsRegion: string;
  readonly dynamodb: {
    /** epoch seconds */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    /** decimal digits, growing */
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: "NEW_IMAGE";
  };
  readonly eventSourceARN: string;
}
interface Kept {
  readonly atMs: number;
  readonly record: StreamRecord;
}

/** What reads streams. */
export interface StreamSource {
  has(streamArn: string): boolean;
  /** the oldest records after a sequence number (from the beginning: undefined), at most `limit` */
  read(streamArn: string, after: string | undefined, limit: number): readonly StreamRecord[];
  /** calls whenever records were added */
  watch(streamArn: string, added: () => void): void;
}

export class Streams implements StreamSource {
  private readonly kept = new Map<string, Kept[]>();
  private readonly watchers = new Map<string, (() => void)[]>();
  private sequence = 0;

  constructor(
    private readonly clock: Clock,
    private readonly region: string,
  ) {}

  /** A table's stream exists from now on. */
  open(streamArn: string): void {
    if (!this.kept.has(streamArn)) this.kept.set(streamArn, []);
  }

  has(streamArn: string): boolean {
    return this.kept.has(streamArn);
  }

  /** Committed changes, in order. */
  add(changes: readonly ItemChange[]): void {
    const touched = new Set<string>();
    for (const change of changes) {
      const { streamArn } = change.table;
      const kept = streamArn === undefined ? undefined : this.kept.get(streamArn);
      if (streamArn === undefined || kept === undefined || isUnchanged(change)) continue;
      kept.push({ atMs: this.clock.now(), record: this.recordOf(change, streamArn) });
      touched.add(streamArn);
    }
    for (const streamArn of touched) for (const added of this.watchers.get(streamArn) ?? []) added();
  }

  read(streamArn: string, after: string | undefined, limit: number): readonly StreamRecord[] {
    const oldestMs = this.clock.now() - RETENTION_MS;
    const kept = (this.kept.get(streamArn) ?? []).filter(({ atMs }) => atMs > oldestMs);
    this.kept.set(streamArn, kept);
    const first =
      after === undefined ? 0 : kept.findIndex(({ record }) => BigInt(record.dynamodb.SequenceNumber) > BigInt(after));
    return first < 0 ? [] : kept.slice(first, first + limit).map(({ record }) => record);
  }

  watch(streamArn: string, added: () => void): void {
    this.watchers.set(streamArn, [...(this.watchers.get(streamArn) ?? []), added]);
  }

  /** Forgets every record. Numbers go on growing, so that a reader's position stays right. */
  clear(): void {
    for (const streamArn of this.kept.keys()) this.kept.set(streamArn, []);
  }

  private recordOf({ key, before, after }: ItemChange, eventSourceARN: string): StreamRecord {
    this.sequence += 1;
    const sequenceNumber = String(this.sequence).padStart(21, "0");
    return {
      eventID: `local-${sequenceNumber}`,
      eventName: after === undefined ? "REMOVE" : before === undefined ? "INSERT" : "MODIFY",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: this.region,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(this.clock.now() / 1000),
        Keys: key,
        ...(after === undefined ? {} : { NewImage: after }),
        SequenceNumber: sequenceNumber,
        SizeBytes: Buffer.byteLength(JSON.stringify(after ?? key)),
        StreamViewType: "NEW_IMAGE",
      },
      eventSourceARN,
    };
  }
}

/** A write that changes nothing is in no stream. */
const isUnchanged = ({ before, after }: ItemChange): boolean =>
  before !== undefined && after !== undefined && JSON.stringify(before) === JSON.stringify(after);
