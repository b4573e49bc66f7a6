import { beforeEach, describe, expect, it, vi } from "vitest";
import { unpackLines } from "../../lib/audit/segment.js";
import { keyFingerprint, trustedKeys } from "../../lib/audit/signature.js";
import { checkpoint, digest, statementHash, textToSign } from "../../lib/audit/statement.js";
import { jcs } from "../../lib/run/canonical.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { FINGERPRINT, Lab, MINUTE_MS, PUBLIC_KEY, runLike, START_MS, streamRecord } from "./lab.js";

let lab: Lab;
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  lab = new Lab();
});
const ref = (runId: string, workflow = "billing-dispute") => ({ workflow, tenant: "acme", runId });
const path = (runId: string) => `workflow=billing-dispute/day=2026-11-21/tenant=acme/${runId}`;
const whole = (runId = "r1", atMs = START_MS): readonly RecordedEvent[] => runLike(0, ref(runId), atMs);
const valid = (statement: unknown) => {
  const parsed = checkpoint.or(digest).parse(statement);
  expect(statementHash(parsed)).toBe(parsed.hash);
  expect(
    trustedKeys([PUBLIC_KEY.toString()]).verify(parsed.key, textToSign(parsed, parsed.hash), parsed.signature),
  ).toBe(true);
  return parsed;
};

describe("a run that ended", () => {
  it("is archived and covered by one checkpoint, as the stream tells it", async () => {
    const events = whole();
    lab.write(events);
    expect(await lab.stream(ref("r1"))).toEqual({ batchItemFailures: [] });
    expect(lab.keys("")).toEqual([`checkpoints/${path("r1")}/00000001.json`, `events/${path("r1")}/00000001.jsonl.gz`]);
    const segment = lab.objects.get(`events/${path("r1")}/00000001.jsonl.gz`);
    expect(unpackLines(segment?.body ?? Buffer.alloc(0))).toEqual(events.map((event) => jcs(event)));
    expect(valid(lab.json(`checkpoints/${path("r1")}/00000001.json`))).toMatchObject({
      from: 1,
      seq: events.length,
      head: events.at(-1)?.hash,
      closed: true,
      prev: "0".repeat(64),
      key: FINGERPRINT,
    });
  });

  it("is kept as long as its contract's data class asks for", async () => {
    lab.write(whole());
    await lab.stream(ref("r1"));
    const untils = [...lab.objects.values()].map(({ untilMs }) => (untilMs - START_MS) / 86_400_000);
    expect(untils).toEqual([3650, 3650]);
  });

  it("is done once, however often it is told", async () => {
    lab.write(whole());
    await lab.stream(ref("r1"), ref("r1"));
    const before = new Map(lab.objects);
    await lab.stream(ref("r1"));
    await lab.process()({ Records: [streamRecord("billing-dispute#acme#r1", 1)] });
    expect(lab.objects).toEqual(before);
  });
});

describe("an open run", () => {
  it("gets a checkpoint whenever it has grown, each continuing the one before, and the last says closed", async () => {
    const events = whole();
    lab.write(events.slice(0, 4));
    await lab.sweep();
    await lab.sweep();
    lab.write(events.slice(4, 9));
    lab.nowMs += 5 * MINUTE_MS;
    await lab.sweep();
    lab.write(events.slice(9));
    await lab.stream(ref("r1"));
    const made = lab.keys("checkpoints/").map((key) => checkpoint.parse(valid(lab.json(key))));
    expect(made.map(({ from, seq, closed }) => [from, seq, closed])).toEqual([
      [1, 4, false],
      [5, 9, false],
      [10, events.length, true],
    ]);
    expect(made.map(({ prev }) => prev)).toEqual(["0".repeat(64), made[0]?.hash, made[1]?.hash]);
    expect(lab.keys("events/")).toHaveLength(3);
  });
});

describe("digests", () => {
  const digests = () => lab.keys("digests/").map((key) => digest.parse(valid(lab.json(key))));

  it("chain what was covered since, and say what is open, about every hour", async () => {
    lab.write(whole("r1"));
    lab.write(runLike(3, ref("r2"), START_MS));
    await lab.sweep();
    lab.write(runLike(1, ref("r3"), START_MS + 70 * MINUTE_MS));
    for (let minutes = 5; minutes <= 125; minutes += 5) {
      lab.nowMs = START_MS + minutes * MINUTE_MS;
      await lab.sweep();
    }
    const [first, second, third, ...more] = digests();
    expect(more).toEqual([]);
    expect(first).toMatchObject({ n: 1, from: "1970-01-01T00:00:00.000Z", workflows: ["billing-dispute"] });
    expect(first?.entries.map(({ run_id, closed }) => [run_id, closed])).toEqual([
      ["r1", true],
      ["r2", false],
    ]);
    expect(first?.open).toMatchObject([{ run_id: "r2", seq: 4, fault: null }]);
    expect(second).toMatchObject({ n: 2, from: first?.at, prev: first?.hash, prev_signature: first?.signature });
    const names = [...(second?.entries ?? []), ...(third?.entries ?? [])].map(({ run_id }) => run_id);
    expect(names).toEqual(["r3"]);
    expect(third?.open).toEqual(first?.open);
  });

  it("list each checkpoint's two files by their bytes", async () => {
    lab.write(whole());
    await lab.sweep();
    const [entry] = digests()[0]?.entries ?? [];
    for (const { key, sha256 } of entry?.files ?? [])
      expect(keyFingerprint(lab.objects.get(key)?.body ?? Buffer.alloc(0))).toBe(sha256);
    expect(entry?.files.map(({ key }) => key.split("/")[0])).toEqual(["checkpoints", "events"]);
  });

  it("begin with the first run, and go on when nothing happens", async () => {
    await lab.sweep();
    expect(digests()).toEqual([]);
    lab.write(whole());
    await lab.sweep();
    lab.nowMs += 60 * MINUTE_MS;
    await lab.sweep();
    expect(digests().map(({ entries }) => entries.length)).toEqual([1, 0]);
  });

  it("find a run that the index showed late, and one of a workflow that is not deployed any more", async () => {
    lab.workflows = ["billing-dispute", "loan-review"];
    lab.write(runLike(3, ref("l1", "loan-review"), START_MS));
    lab.write(whole("late"));
    lab.hidden.add("billing-dispute#acme#late");
    await lab.sweep();
    lab.hidden.clear();
    lab.workflows = [];
    lab.write(runLike(0, ref("l2", "loan-review"), START_MS + 30 * MINUTE_MS));
    lab.nowMs += 60 * MINUTE_MS;
    await lab.sweep();
    expect(
      digests()[1]
        ?.entries.map(({ run_id }) => run_id)
        .sort(),
    ).toEqual(["l2", "late"]);
    expect(digests()[1]?.open.map(({ run_id }) => run_id)).toEqual(["l1"]);
  });

  it("catch up in parts after the notary was away, each run once", async () => {
    const runs = 45;
    lab.runsPerSweep = 20;
    for (let index = 0; index < runs; index++) lab.write(runLike(1, ref(`r${index}`), START_MS + index * 1000));
    lab.nowMs = START_MS + 48 * 60 * MINUTE_MS;
    await lab.sweep();
    await lab.sweep();
    expect(digests().map(({ through, entries }) => [through.slice(11, 19), entries.length])).toEqual([
      ["12:00:20", 20],
      ["12:00:40", 20],
    ]);
    lab.nowMs += 60 * MINUTE_MS;
    await lab.sweep();
    const listed = digests().flatMap(({ entries }) => entries.map(({ run_id }) => run_id));
    expect(listed).toHaveLength(runs);
    expect(new Set(listed).size).toBe(runs);
  });
});

describe("what it does not sign", () => {
  it("is records that do not continue what it signed: named, listed as open with the reason, and the others go on", async () => {
    const events = whole();
    lab.write(events.slice(0, 4));
    await lab.sweep();
    const forged = runLike(2, ref("r1"), START_MS + 1);
    lab.log.set("billing-dispute#acme#r1", [...events.slice(0, 4), ...forged.slice(4)]);
    lab.write(whole("r2"));
    lab.nowMs += 60 * MINUTE_MS;
    await expect(lab.sweep()).rejects.toThrow(/CS-3412|1 of 2 runs are not covered: billing-dispute#acme#r1/);
    expect(lab.keys(`checkpoints/${path("r1")}`)).toHaveLength(1);
    const last = digest.parse(lab.json("digests/00000002.json"));
    expect(last.open).toMatchObject([{ run_id: "r1", seq: 4, head: events[3]?.hash, fault: "CS-3410" }]);
    expect(last.entries.map(({ run_id }) => run_id)).toEqual(["r2"]);
  });

  it("is a segment that holds something else under its name", async () => {
    lab.write(whole());
    lab.objects.set(`events/${path("r1")}/00000001.jsonl.gz`, { body: Buffer.from("planted"), untilMs: 0 });
    expect(await lab.stream(ref("r1"))).toEqual({ batchItemFailures: [{ itemIdentifier: "1" }] });
    expect(lab.keys("checkpoints/")).toEqual([]);
  });
});

describe("a stream batch", () => {
  it("is done up to the first run that fails, which is delivered again", async () => {
    lab.write(whole("r1"));
    lab.write(whole("r2"));
    lab.write(whole("r3"));
    let signs = 0;
    lab.strike = (call) => (call === "signer.sign" && ++signs === 2 ? "before" : undefined);
    expect(await lab.stream(ref("r1"), ref("r2"), ref("r3"))).toEqual({ batchItemFailures: [{ itemIdentifier: "2" }] });
    expect(lab.keys("checkpoints/").map((key) => key.split("/").at(-2))).toEqual(["r1"]);
    expect(await lab.stream(ref("r2"), ref("r3"))).toEqual({ batchItemFailures: [] });
    expect(lab.keys("checkpoints/")).toHaveLength(3);
  });

  it("with records that name no run loses none of the others", async () => {
    lab.write(whole());
    const handler = lab.process();
    const poison = [null, {}, { dynamodb: { SequenceNumber: "1", Keys: { pk: { S: "nobody" } } } }];
    expect(await handler({ Records: [...poison, streamRecord("billing-dispute#acme#r1", 9)] })).toEqual({
      batchItemFailures: [],
    });
    expect(lab.keys("checkpoints/")).toHaveLength(1);
    await expect(handler({})).rejects.toThrow();
  });
});
