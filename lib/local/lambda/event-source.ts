/** `AWS::Lambda::EventSourceMapping` on a DynamoDB stream: batches in order, at least once, repeated and bisected when the function fails. */
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import type { StreamRecord, StreamSource } from "../dynamodb/streams.js";
import { compilePattern, type EventMatch } from "../events/pattern.js";
import { parseProperties, templateBoolean, templateInteger, where } from "../services/support/properties.js";
import type { Clock, ResourceRequest } from "../types.js";
import type { Outcome } from "./outcome.js";

const mappingProperties = z.strictObject({
  EventSourceArn: z.string().regex(/^arn:aws:dynamodb:.*\/stream\//, "only DynamoDB streams are modelled"),
  FunctionName: z.string(),
  StartingPosition: z.literal("TRIM_HORIZON", "only TRIM_HORIZON is modelled"),
  BatchSize: templateInteger.default(100),
  MaximumBatchingWindowInSeconds: templateInteger.default(0),
  BisectBatchOnFunctionError: templateBoolean.default(false),
  MaximumRetryAttempts: templateInteger.default(-1),
  FunctionResponseTypes: z.array(z.literal("ReportBatchItemFailures")).default([]),
  FilterCriteria: z.strictObject({ Filters: z.array(z.strictObject({ Pattern: z.string() })).min(1) }).exactOptional(),
});
/** What the role of a function must allow on the stream, or Lambda refuses the mapping. */
export const READ_STREAM = ["DescribeStream", "GetShardIterator", "GetRecords"] as const;
/** How many records are looked at for one batch. */
const READ_LIMIT = 1000;
const MAX_PAUSE_MS = 60_000;

export interface EventSource {
  readonly streamArn: string;
  readonly functionReference: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly bisects: boolean;
  /** -1: until the records are too old */
  readonly maximumRetryAttempts: number;
  readonly reportsFailures: boolean;
  readonly matches: EventMatch;
}

/** @throws CountersignError CS-4030, CS-4032 for a stream that is not there */
export function eventSource(request: ResourceRequest, streams: StreamSource): EventSource {
  const properties = parseProperties(request, mappingProperties);
  if (!streams.has(properties.EventSourceArn))
    throw new CountersignError(
      "CS-4032",
      `${where(request)}: EventSourceArn ${properties.EventSourceArn} is no stream of this cloud; create the table with a StreamSpecification first`,
    );
  const filters = (properties.FilterCriteria?.Filters ?? []).map(({ Pattern }, index) =>
    compilePattern(parsed(Pattern), `${where(request)}: FilterCriteria.Filters.${index}.Pattern`),
  );
  return {
    streamArn: properties.EventSourceArn,
    functionReference: properties.FunctionName,
    batchSize: properties.BatchSize,
    windowMs: properties.MaximumBatchingWindowInSeconds * 1000,
    bisects: properties.BisectBatchOnFunctionError,
    maximumRetryAttempts: properties.MaximumRetryAttempts,
    reportsFailures: properties.FunctionResponseTypes.length > 0,
    matches: filters.length === 0 ? () => true : (record) => filters.some((matches) => matches(record)),
  };
}

/** Text that is no JSON is refused as a pattern that is no object. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface Batch {
  readonly records: readonly StreamRecord[];
  readonly attempt: number;
}

/** Reads one stream for one function. */
export class EventSourcePoller {
  /** sequence number of the last record that was read */
  private position: string | undefined;
  /** read and not yet done, in order */
  private batches: Batch[] = [];
  private cancel: (() => void) | undefined;
  private busy = false;
  /** counts `reset`s, so that what was under way then has no consequences */
  private generation = 0;

  constructor(
    private readonly source: EventSource,
    private readonly streams: StreamSource,
    private readonly clock: Clock,
    private readonly invoke: (payload: string) => Promise<Outcome>,
    private readonly log: (line: string) => void,
  ) {
    streams.watch(source.streamArn, () => this.wake(source.windowMs));
  }

  close(): void {
    this.reset();
    this.busy = true;
  }

  /** Drops what is under way. */
  reset(): void {
    this.generation += 1;
    this.cancel?.();
    this.cancel = undefined;
    this.batches = [];
    this.busy = false;
  }

  private wake(afterMs: number): void {
    if (this.busy || this.cancel !== undefined) return;
    this.cancel = this.clock.at(this.clock.now() + afterMs, () => {
      this.cancel = undefined;
      void this.deliver();
    });
  }

  private async deliver(): Promise<void> {
    if (this.batches.length === 0) this.read();
    const [batch] = this.batches;
    if (batch === undefined) return;
    const { generation } = this;
    this.busy = true;
    const left = await this.attempt(batch);
    if (generation !== this.generation) return;
    this.busy = false;
    this.batches.splice(0, 1, ...left);
    const pauseMs = left.length === 0 ? 0 : Math.min(MAX_PAUSE_MS, 1000 * 2 ** (left[0]?.attempt ?? 0));
    this.wake(pauseMs);
  }

  private read(): void {
    for (;;) {
      const found = this.streams.read(this.source.streamArn, this.position, READ_LIMIT);
      const wanted: StreamRecord[] = [];
      for (const record of found) {
        if (wanted.length === this.source.batchSize) break;
        this.position = record.dynamodb.SequenceNumber;
        if (this.source.matches(record)) wanted.push(record);
      }
      if (wanted.length > 0) this.batches.push({ records: wanted, attempt: 0 });
      if (wanted.length > 0 || found.length === 0) return;
    }
  }

  /** What is left of the batch. */
  private async attempt({ records, attempt }: Batch): Promise<readonly Batch[]> {
    const outcome = await this.invoke(JSON.stringify({ Records: records })).catch(
      (error: unknown): Outcome => ({ ok: false, errorType: "Invoke", errorMessage: String(error), json: "" }),
    );
    const failedFrom = this.failedFrom(records, outcome);
    if (failedFrom === undefined) return [];
    const rest = records.slice(failedFrom);
    if (this.source.bisects && rest.length > 1) {
      const half = Math.ceil(rest.length / 2);
      return [rest.slice(0, half), rest.slice(half)].map((part) => ({ records: part, attempt }));
    }
    const { maximumRetryAttempts } = this.source;
    if (maximumRetryAttempts < 0 || attempt < maximumRetryAttempts) return [{ records: rest, attempt: attempt + 1 }];
    this.log(
      `${this.source.functionReference}: ${rest.length} stream records are dropped after ${attempt + 1} attempts`,
    );
    return [];
  }

  /** Index of the first record that must be delivered again; undefined: all are done. */
  private failedFrom(records: readonly StreamRecord[], outcome: Outcome): number | undefined {
    if (!outcome.ok) {
      this.log(
        `${this.source.functionReference}: a stream batch failed: ${outcome.errorType}: ${outcome.errorMessage}`,
      );
      return 0;
    }
    if (!this.source.reportsFailures) return undefined;
    const answer = batchAnswer.safeParse(parsed(outcome.json));
    // As on Lambda: an answer that is not understood, or names a record that is not in the batch, fails the whole batch.
    if (!answer.success) return 0;
    const places = (answer.data?.batchItemFailures ?? []).map(({ itemIdentifier }) =>
      records.findIndex((record) => record.dynamodb.SequenceNumber === itemIdentifier),
    );
    return places.length === 0 ? undefined : Math.max(0, Math.min(...places));
  }
}

const batchAnswer = z
  .looseObject({ batchItemFailures: z.array(z.looseObject({ itemIdentifier: z.string() })).nullish() })
  .nullable();
