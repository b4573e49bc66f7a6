/** What every run log does, whatever it is built on. */
import { describe, expect, test } from "vitest";
import { appendToChain } from "../../lib/audit/chain.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { NewEvent, RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { newRun } from "../aws/cloud.js";

const AT = "2026-11-21T12:00:00.000Z";
const usage = {
  model: "m",
  prompt_tokens: 1,
  completion_tokens: 1,
  cost_micro_usd: 1,
  latency_ms: 1,
  context_hash: "a".repeat(64),
};
const finish = (turn: number, outcome = "done"): NewEvent => ({
  type: "FinishProposed",
  data: { turn, outcome, summary: null, ...usage },
});

export function chain(run: RunRef, head: RecordedEvent | undefined, events: readonly NewEvent[], step = "1.proposal") {
  const envelope = { workflow: run.workflow, tenant: run.tenant, run_id: run.runId, step, at: AT };
  return appendToChain(head ?? null, envelope, events);
}

export function runLogSuite(log: () => RunLog): void {
  describe("a run log", () => {
    test("gives back what was appended, in order, and nothing for a run that has none", async () => {
      const run = newRun();
      const first = chain(run, undefined, [finish(1), finish(2)]);
      const second = chain(run, first.at(-1), [finish(3)]);
      expect(await log().append(first)).toBe("appended");
      expect(await log().append(second)).toBe("appended");
      expect(await log().read(run)).toEqual([...first, ...second]);
      expect(await log().read(run, { fromSeq: 2 })).toEqual([first[1], ...second]);
      expect(await log().read(run, { fromSeq: 9 })).toEqual([]);
      expect(await log().read(newRun())).toEqual([]);
    });

    test("a taken place is a conflict, and then nothing of the append is there", async () => {
      const run = newRun();
      const mine = chain(run, undefined, [finish(1)]);
      const theirs = chain(run, undefined, [finish(1, "other"), finish(2)]);
      await log().append(mine);
      expect(await log().append(theirs)).toBe("conflict");
      expect(await log().append(mine)).toBe("conflict");
      expect(await log().read(run)).toEqual(mine);
    });

    test("of writers at the same place exactly one wins", async () => {
      const run = newRun();
      const tries = Array.from({ length: 6 }, (_, writer) =>
        log().append(chain(run, undefined, [finish(1, `w${writer}`)])),
      );
      const answers = await Promise.all(tries);
      expect(answers.filter((answer) => answer === "appended")).toHaveLength(1);
      expect(await log().read(run)).toHaveLength(1);
    });

    test("keeps tenants and runs apart whose names look alike", async () => {
      const run = newRun({ tenant: "acme", runId: "a-b" });
      const like = newRun({ tenant: "acme", runId: "a-b2" });
      await log().append(chain(run, undefined, [finish(1)]));
      expect(await log().read(like)).toEqual([]);
      expect(await log().read({ ...run, tenant: "acm" })).toEqual([]);
    });

    test("reads more than one page", async () => {
      const run = newRun();
      const events = chain(
        run,
        undefined,
        Array.from({ length: 100 }, (_, turn) => finish(turn, "x".repeat(15_000))),
      );
      await log().append(events);
      const read = await log().read(run);
      expect(read).toHaveLength(100);
      expect(read.at(-1)).toEqual(events.at(-1));
    });

    test("refuses what is not one run's next events", async () => {
      const run = newRun();
      const events = chain(run, undefined, [finish(1), finish(2), finish(3)]);
      const other = chain(newRun(), undefined, [finish(1)]);
      const many = chain(
        run,
        undefined,
        Array.from({ length: 101 }, (_, turn) => finish(turn)),
      );
      const [first, , third] = events;
      if (first === undefined || third === undefined || other[0] === undefined) throw new Error("no events");
      for (const wrong of [[], [first, third], [first, { ...other[0], seq: 2 }], many])
        await expect(log().append(wrong)).rejects.toMatchObject({ code: "CS-3403" });
      expect(await log().read(run)).toEqual([]);
    });

    test.each<[string, object]>([
      ["a sum that is not exact any more", { cost_micro_usd: 2 * Number.MAX_SAFE_INTEGER }],
      ["a member that its kind does not have", { more: 1 }],
    ])("refuses what it could not give back: %s", async (_, wrong) => {
      const run = newRun();
      const event = finish(1);
      const events = chain(run, undefined, [{ ...event, data: { ...event.data, ...wrong } } as NewEvent]);
      await expect(log().append(events)).rejects.toMatchObject({ code: "CS-3403" });
      expect(await log().read(run)).toEqual([]);
    });
  });
}
