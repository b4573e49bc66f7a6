import { afterEach, describe, expect, it } from "vitest";
import { createSkippingClock, type SkippingClock } from "../../../lib/local/clock.js";
import { Streams } from "../../../lib/local/dynamodb/streams.js";
import type { Table } from "../../../lib/local/dynamodb/tables.js";
import { EventSourcePoller, eventSource } from "../../../lib/local/lambda/event-source.js";
import { type Outcome, runtimeFailed } from "../../../lib/local/lambda/outcome.js";

const STREAM = "arn:aws:dynamodb:eu-central-1:111111111111:table/log/stream/2026-01-01T00:00:00.000";
const DAY_MS = 24 * 3_600_000;
const START_MS = Date.UTC(2030, 0, 1);
const done: Outcome = { ok: true, json: "null" };

let clock: SkippingClock;
afterEach(() => clock.close());

/** A stream, and a function mapped to it that answers from `answers`, then always `done`. */
function mapped(properties: Record<string, unknown>, answers: ((batch: string[]) => Outcome)[] = []) {
  clock = createSkippingClock(START_MS, "manual");
  const streams = new Streams(clock, "eu-central-1");
  streams.open(STREAM);
  const request = {
    type: "AWS::Lambda::EventSourceMapping",
    logicalId: "Mapping",
    stackName: "s",
    defaultName: "mapping",
    metadata: {},
    properties: { EventSourceArn: STREAM, FunctionName: "f", StartingPosition: "TRIM_HORIZON", ...properties },
  };
  const batches: string[][] = [];
  const log: string[] = [];
  const invoke = async (payload: string): Promise<Outcome> => {
    const { Records } = JSON.parse(payload);
    const batch: string[] = Records.map(
      (record: { dynamodb: { Keys: { pk: { S: string } } } }) => record.dynamodb.Keys.pk.S,
    );
    batches.push(batch);
    numbers.splice(
      0,
      numbers.length,
      ...Records.map((each: { dynamodb: { SequenceNumber: string } }) => each.dynamodb.SequenceNumber),
    );
    return answers.shift()?.(batch) ?? done;
  };
  const numbers: string[] = [];
  const poller = new EventSourcePoller(eventSource(request, streams), streams, clock, invoke, (line) => log.push(line));
  const table = { streamArn: STREAM } as Table;
  const add = (...keys: string[]) =>
    streams.add(
      keys.map((key) => ({ table, key: { pk: { S: key } }, after: { pk: { S: key }, type: { S: key.slice(0, 1) } } })),
    );
  return { streams, poller, batches, log, numbers, add };
}

describe("a mapped stream", () => {
  it("is delivered in order, in batches, without what the filter leaves out", async () => {
    const pattern = JSON.stringify({ eventName: ["INSERT"], dynamodb: { NewImage: { type: { S: ["a", "b"] } } } });
    const { add, batches } = mapped({ BatchSize: 2, FilterCriteria: { Filters: [{ Pattern: pattern }] } });
    add("a1", "x2", "b3", "a4", "x5");
    await clock.settled();
    expect(batches).toEqual([["a1", "b3"], ["a4"]]);
  });

  it("waits for its window, and is delivered once when nothing fails", async () => {
    const { add, batches } = mapped({ MaximumBatchingWindowInSeconds: 5 });
    add("a1");
    await clock.advance(4_000);
    expect(batches).toEqual([]);
    add("a2");
    await clock.advance(1_000);
    await clock.advance(DAY_MS);
    expect(batches).toEqual([["a1", "a2"]]);
  });

  it("is repeated with pauses, and given up after its attempts; what comes after is delivered", async () => {
    const fail = () => runtimeFailed("X", "no");
    const { add, batches, log } = mapped({ MaximumRetryAttempts: 1 }, [fail, fail]);
    add("a1");
    await clock.settled();
    expect(batches).toEqual([["a1"]]);
    await clock.advance(10_000);
    add("a2");
    await clock.settled();
    expect(batches).toEqual([["a1"], ["a1"], ["a2"]]);
    expect(log.at(-1)).toContain("1 stream records are dropped after 2 attempts");
  });

  it("is cut in two around what fails", async () => {
    const poison = (batch: string[]) => (batch.includes("p3") ? runtimeFailed("X", "no") : done);
    const { add, batches } = mapped(
      { BisectBatchOnFunctionError: "true", MaximumRetryAttempts: 0 },
      Array(9).fill(poison),
    );
    add("a1", "a2", "p3", "a4");
    await clock.advance(60_000);
    expect(batches).toEqual([["a1", "a2", "p3", "a4"], ["a1", "a2"], ["p3", "a4"], ["p3"], ["a4"]]);
  });

  it("goes on from the first record that the function reports; an answer that is not understood fails the batch", async () => {
    const report = (itemIdentifier: string) => ({
      ok: true as const,
      json: JSON.stringify({ batchItemFailures: [{ itemIdentifier }] }),
    });
    const { add, batches, numbers } = mapped({ FunctionResponseTypes: ["ReportBatchItemFailures"] }, [
      () => report(numbers[1] ?? ""),
      () => report("not in the batch"),
      () => ({ ok: true, json: '"what?"' }),
    ]);
    add("a1", "a2", "a3");
    await clock.advance(60_000);
    expect(batches).toEqual([
      ["a1", "a2", "a3"],
      ["a2", "a3"],
      ["a2", "a3"],
      ["a2", "a3"],
    ]);
  });

  it("keeps a record for a day", () => {
    const { add, streams } = mapped({});
    add("a1");
    expect(streams.read(STREAM, undefined, 10)).toHaveLength(1);
    clock.restart(START_MS + DAY_MS);
    expect(streams.read(STREAM, undefined, 10)).toEqual([]);
  });

  it("forgets what was under way, and goes on, when its cloud is reset", async () => {
    const { add, poller, streams, batches } = mapped({ MaximumBatchingWindowInSeconds: 5 });
    add("a1");
    streams.clear();
    poller.reset();
    add("a2");
    await clock.advance(5_000);
    expect(batches).toEqual([["a2"]]);
    poller.close();
    add("a3");
    await clock.advance(5_000);
    expect(batches).toHaveLength(1);
  });
});

describe("what is not modelled is refused", () => {
  it.each([
    [{ StartingPosition: "LATEST" }, /only trim_horizon is modelled/],
    [{ ParallelizationFactor: 2 }, /ParallelizationFactor: not modelled/],
    [{ EventSourceArn: "arn:aws:sqs:eu-central-1:111111111111:q" }, /only dynamodb streams/],
    [{ EventSourceArn: STREAM.replace("log", "other") }, /is no stream of this cloud/],
    [{ FilterCriteria: { Filters: [{ Pattern: "no JSON" }] } }, /an object of fields/],
  ])("%j", (properties, message) => {
    expect(() => mapped(properties)).toThrow(message);
  });
});
