/** The notary dies, or S3 and KMS refuse, at every single call; batches come twice, in another order, or never. Nothing is skipped, nothing is signed twice. */
import * as fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createHandler } from "../../lambdas/notary/serve.js";
import { verifyText } from "../../lib/audit/verify.js";
import { verifyArchive } from "../../lib/client/verify-archive.js";
import { logKey } from "../../lib/run/keys.js";
import { RUN_ID } from "../run/support.js";
import { KEYS, linesOfLab } from "./exported.js";
import { Lab, MINUTE_MS, runLike, START_MS, type Strike, streamRecord } from "./lab.js";

beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});

const ref = (tenant: string) => ({ workflow: "billing-dispute", tenant, runId: RUN_ID });
const whole = runLike(0, ref("t1"), START_MS);
const second = runLike(2, ref("t2"), START_MS + 20 * MINUTE_MS);
const ignore = () => {};

/** Runs that grow between sweeps and streams; whatever fails is tried again by what comes next, as on AWS. */
async function lifeOf(lab: Lab, checkBetween: () => Promise<void> = async () => {}): Promise<void> {
  const steps: (() => Promise<unknown>)[] = [
    async () => lab.write(whole.slice(0, 5)),
    () => lab.sweep(),
    async () => lab.write(whole.slice(5, 8)),
    async () => lab.write(second),
    () => lab.stream(ref("t2")),
    () => lab.sweep(),
    async () => lab.write(whole.slice(8)),
    () => lab.stream(ref("t1"), ref("t2")),
    async () => lab.setTime(START_MS + 70 * MINUTE_MS),
    () => lab.sweep(),
  ];
  for (const step of steps) {
    await step().catch(ignore);
    await checkBetween();
  }
}

/** Whatever has happened: what is covered is right, and the rest is named. */
async function isConsistent(lab: Lab): Promise<void> {
  const calm = lab.strike;
  lab.strike = () => undefined;
  const report = verifyText((await linesOfLab(lab)).join("\n"), { keys: KEYS });
  expect(report.faults).toEqual([]);
  const uncovered = new Map(report.uncovered.map(({ run, from, to }) => [run, [from, to]]));
  for (const [run, events] of lab.log) {
    const made = lab.keys("checkpoints/").filter((key) => key.includes(`/tenant=${run.split("#")[1]}/`));
    const covered = Math.max(0, ...made.map((key) => lab.json(key).seq));
    expect(uncovered.get(run)).toEqual(covered < events.length ? [covered + 1, events.length] : undefined);
  }
  lab.strike = calm;
}

/** As Lambda reads a stream: from the first failure on again, a few times, then no more. */
async function delivered(lab: Lab, refs: readonly ReturnType<typeof ref>[]): Promise<void> {
  let batch = refs.map((one, index) => streamRecord(logKey.pk(one), index));
  for (let tries = 0; tries < 4 && batch.length > 0; tries++) {
    const answer = await lab.process()({ Records: batch }).catch(ignore);
    if (answer === undefined || !("batchItemFailures" in answer)) continue;
    const failed = answer.batchItemFailures[0]?.itemIdentifier;
    batch = failed === undefined ? [] : batch.filter(({ dynamodb }) => dynamodb.SequenceNumber >= failed);
  }
}

function failing(fault: { calls: readonly string[]; nth: number; lasts: number; when: "before" | "after" }) {
  let count = 0;
  return (call: string): Strike => {
    count += 1;
    if (count > fault.lasts) return undefined;
    return fault.calls.includes(call) || (fault.calls.length === 0 && count % fault.nth === 0) ? fault.when : undefined;
  };
}

async function isWhole(lab: Lab): Promise<void> {
  lab.strike = () => undefined;
  for (const minutes of [71, 140]) {
    lab.nowMs = Math.max(lab.nowMs, START_MS) + minutes * MINUTE_MS;
    await lab.sweep();
  }
  const report = await verifyArchive(lab.deps().archive, { keys: KEYS });
  expect(report.faults).toEqual([]);
  expect(report).toMatchObject({
    newer: 0,
    records: whole.length + second.length,
    validRecords: whole.length + second.length,
  });
  const listed = lab.keys("digests/").flatMap((key) => lab.json(key).entries);
  expect(listed).toHaveLength(lab.keys("checkpoints/").length);
  expect(lab.keys("events/")).toHaveLength(lab.keys("checkpoints/").length);
}

const calls = async () => {
  const lab = new Lab();
  await lifeOf(lab);
  return lab.calls.length;
};

describe("the notary", () => {
  it.each<Strike>(["before", "after"])("killed %s any one of its calls leaves nothing out", async (when) => {
    const count = await calls();
    expect(count).toBeGreaterThan(60);
    for (let at = 1; at <= count; at++) {
      const lab = new Lab();
      let nth = 0;
      lab.strike = () => (++nth === at ? when : undefined);
      await lifeOf(lab, () => isConsistent(lab));
      await isWhole(lab);
    }
  });

  it.each([
    "archive.create",
    "archive.read",
    "archive.list",
    "signer.sign",
    "signer.fingerprint",
    "log.read",
    "log.index",
  ])("catches up after %s was refused for a while", async (refused) => {
    for (const [from, to] of [
      [1, 40],
      [10, 25],
      [1, 1000],
    ] as const) {
      const lab = new Lab();
      let nth = 0;
      lab.strike = (call) => {
        nth += 1;
        return call === refused && nth >= from && nth <= to ? "before" : undefined;
      };
      await lifeOf(lab, () => isConsistent(lab));
      await isWhole(lab);
    }
  });

  it("beside itself, at every interleaving of their calls that is tried, makes one chain", async () => {
    for (let seed = 0; seed < 25; seed++) {
      const lab = new Lab();
      let state = seed + 1;
      const pause = () => {
        state = (state * 48271) % 2147483647;
        return new Promise<void>((done) => (state % 3 === 0 ? setImmediate(done) : queueMicrotask(done)));
      };
      const slow = () => {
        const deps = lab.deps();
        const { archive, signer, log } = deps;
        const later = async <T>(work: () => Promise<T>): Promise<T> => {
          await pause();
          return work();
        };
        return {
          ...deps,
          log: { read: (...given: Parameters<typeof log.read>) => later(() => log.read(...given)) },
          signer: { ...signer, sign: (text: string) => later(() => signer.sign(text)) },
          archive: {
            list: (...given: Parameters<typeof archive.list>) => later(() => archive.list(...given)),
            read: (key: string) => later(() => archive.read(key)),
            create: (...given: Parameters<typeof archive.create>) => later(() => archive.create(...given)),
          },
        };
      };
      lab.write(whole.slice(0, 5));
      const both = Promise.allSettled([createHandler(slow())({ sweep: true }), createHandler(slow())({ sweep: true })]);
      await pause();
      lab.write(whole.slice(5));
      lab.write(second);
      await both;
      await Promise.allSettled([lab.stream(ref("t1"), ref("t2")), lab.stream(ref("t2"), ref("t1")), lab.sweep()]);
      await isConsistent(lab);
      await isWhole(lab);
    }
  });

  it("in whatever order runs grow, batches come, come again or in parts, sweeps run and calls fail, has no gap and nothing twice", async () => {
    const tenant = fc.constantFrom("t1", "t2");
    const act = fc.oneof(
      fc.record({ act: fc.constant("grow" as const), tenant, by: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ act: fc.constant("batch" as const), tenants: fc.array(tenant, { minLength: 1, maxLength: 5 }) }),
      fc.record({ act: fc.constant("sweep" as const), later: fc.integer({ min: 0, max: 70 }) }),
      fc.record({
        act: fc.constant("fail" as const),
        /** each call of these kinds, or each nth call, fails from now on, for so many calls */
        calls: fc.subarray(["archive.create", "archive.read", "archive.list", "signer.sign", "log.read", "log.index"]),
        nth: fc.integer({ min: 1, max: 5 }),
        lasts: fc.integer({ min: 1, max: 30 }),
        when: fc.constantFrom("before" as const, "after" as const),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 16 }), async (acts) => {
        const lab = new Lab();
        const left = new Map<string, typeof whole>();
        // a run begins when its first record is written: the sweep looks no further back than an index may lag
        const begun = (name: string) => runLike(name === "t1" ? 0 : 2, ref(name), lab.nowMs);
        const grow = (name: string, by: number) => {
          const events = left.get(name) ?? begun(name);
          lab.write(events.slice(0, by));
          left.set(name, events.slice(by));
        };
        for (const one of acts) {
          if (one.act === "grow") grow(one.tenant, one.by);
          else if (one.act === "batch") await delivered(lab, one.tenants.map(ref));
          else if (one.act === "sweep") {
            lab.nowMs += one.later * MINUTE_MS;
            await lab.sweep().catch(ignore);
          } else lab.strike = failing(one);
          await isConsistent(lab);
        }
        for (const name of ["t1", "t2"]) grow(name, Number.POSITIVE_INFINITY);
        await isWhole(lab);
      }),
      { numRuns: 150 },
    );
  });

  it("without its stream, or with every batch twice and in another order, covers the same", async () => {
    const lost = new Lab();
    lost.stream = async () => undefined;
    await lifeOf(lost);
    await isWhole(lost);
    const twice = new Lab();
    const { stream } = twice;
    twice.stream = async (...refs) => {
      await stream.apply(twice, [...refs].reverse());
      return stream.apply(twice, [...refs, ...refs]);
    };
    await lifeOf(twice);
    await isWhole(twice);
  });
});
