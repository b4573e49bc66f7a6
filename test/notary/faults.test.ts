/** The notary dies, or S3 and KMS refuse, at every single call; batches come twice, in another order, or never. Nothing is skipped, nothing is signed twice. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createHandler } from "../../lambdas/notary/serve.js";
import { verifyText } from "../../lib/audit/verify.js";
import { verifyArchive } from "../../lib/client/verify-archive.js";
import { RUN_ID } from "../run/support.js";
import { KEYS, linesOfLab } from "./exported.js";
import { Lab, MINUTE_MS, runLike, START_MS, type Strike } from "./lab.js";

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

async function isWhole(lab: Lab): Promise<void> {
  lab.strike = () => undefined;
  for (const minutes of [71, 140]) {
    lab.nowMs = START_MS + minutes * MINUTE_MS;
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

  it.each(["archive.create", "archive.read", "archive.list", "signer.sign", "log.read"])(
    "catches up after %s was refused for a while",
    async (refused) => {
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
    },
  );

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
