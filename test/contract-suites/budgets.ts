/** What every budget store does. */
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Budgets, CounterRef, OpenRun } from "../../lib/aws/budgets.js";
import { newRun } from "../aws/cloud.js";

const tally = z.strictObject({ sum: z.int() });

export function budgetsSuite(budgets: () => Budgets): void {
  const entered = async (runId: string): Promise<OpenRun> => {
    const open = {
      tenant: "acme",
      run_id: runId,
      execution_arn: `arn:aws:states:x:1:execution:m:${runId}`,
      admitted_at: "2026-11-21T12:00:00.000Z",
      lease_day: "2026-11-21",
      unique_hash: null,
    };
    expect(await budgets().enterOpen(open)).toEqual(open);
    return open;
  };
  const counter = (): CounterRef => ({ kind: "day", tenant: newRun().runId.toLowerCase(), day: "2026-11-21" });
  describe("a budget store", () => {
    test("a counter has no document until one is written; leaving it writes none", async () => {
      const ref = counter();
      expect(await budgets().readCounter(ref, tally)).toBeNull();
      expect(await budgets().updateCounter(ref, tally, () => null)).toBeNull();
      expect(await budgets().readCounter(ref, tally)).toBeNull();
      expect(await budgets().updateCounter(ref, tally, () => ({ sum: 3 }))).toEqual({ sum: 3 });
      expect(await budgets().readCounter(ref, tally)).toEqual({ sum: 3 });
    });

    test("no addition is lost when several write at the same time", async () => {
      const ref = counter();
      const add = () => budgets().updateCounter(ref, tally, (document) => ({ sum: (document?.sum ?? 0) + 1 }));
      await Promise.all(Array.from({ length: 4 }, add));
      expect(await budgets().readCounter(ref, tally)).toEqual({ sum: 4 });
    });

    test("what the change throws is thrown, and nothing is written", async () => {
      const ref = counter();
      const refuse = () => {
        throw new Error("over");
      };
      await expect(budgets().updateCounter(ref, tally, refuse)).rejects.toThrow("over");
      expect(await budgets().readCounter(ref, tally)).toBeNull();
    });

    test("days, tenants and scopes have counters of their own", async () => {
      const day = counter();
      const exposure: CounterRef = { kind: "exposure", tenant: day.tenant, scope: "resource-day:x", day: day.day };
      await budgets().updateCounter(day, tally, () => ({ sum: 1 }));
      for (const other of [exposure, { ...day, day: "2026-11-22" }, { ...day, tenant: "other" }])
        expect(await budgets().readCounter(other, tally)).toBeNull();
    });

    test("open runs are listed until they are deleted", async () => {
      const { tenant, runId } = newRun();
      const open = {
        tenant,
        run_id: runId,
        execution_arn: `arn:aws:states:x:1:execution:m:${runId}`,
        admitted_at: "2026-11-21T12:00:00.000Z",
        lease_day: "2026-11-21",
        unique_hash: null,
      };
      await budgets().enterOpen(open);
      await budgets().enterOpen(open);
      expect((await budgets().readOpen()).filter((run) => run.run_id === runId)).toEqual([open]);
      expect(await budgets().readOpenRun(open)).toEqual(open);
      await budgets().deleteOpen(open);
      await budgets().deleteOpen(open);
      expect(await budgets().readOpenRun(open)).toBeUndefined();
    });

    test("an open run is abandoned as it was read, and comes back only when its row is gone", async () => {
      const { tenant, runId } = newRun();
      const open = {
        tenant,
        run_id: runId,
        execution_arn: `arn:aws:states:x:1:execution:m:${runId}`,
        admitted_at: "2026-11-21T12:00:00.000Z",
        lease_day: "2026-11-21",
        unique_hash: null,
      };
      const anew = { ...open, admitted_at: "2026-11-21T12:06:00.000Z" };
      expect(await budgets().abandonOpen(open)).toBe(false);
      expect(await budgets().enterOpen(open)).toEqual(open);
      expect(await budgets().enterOpen(anew)).toEqual(anew);
      expect(await budgets().abandonOpen(open)).toBe(false);
      expect(await budgets().abandonOpen(anew)).toBe(true);
      expect(await budgets().abandonOpen(anew)).toBe(true);
      expect(await budgets().enterOpen(open)).toBeUndefined();
      await budgets().deleteOpen(open);
      expect(await budgets().enterOpen(open)).toEqual(open);
      await budgets().deleteOpen(open);
    });

    test("a unique row belongs to the run that took it first, until that run frees it", async () => {
      const hash = newRun().runId;
      expect(await budgets().readUnique("acme", hash)).toBeUndefined();
      const opens = await Promise.all(["a", "b", "c", "d"].map((run) => entered(`${hash}-${run}`)));
      const take = (open: OpenRun) => budgets().takeUnique(open, hash);
      const holders = await Promise.all(opens.slice(0, 3).map(take));
      expect(new Set(holders).size).toBe(1);
      const [holder = ""] = holders;
      const own = opens.find(({ run_id }) => run_id === holder);
      const last = opens.at(-1);
      if (own === undefined || last === undefined) throw new Error("nobody holds it");
      expect(await take(own)).toBe(holder);
      await budgets().freeUnique("acme", hash, "someone-else");
      expect(await budgets().readUnique("acme", hash)).toBe(holder);
      await budgets().freeUnique("acme", hash, holder);
      await budgets().freeUnique("acme", hash, holder);
      expect(await take(last)).toBe(last.run_id);
      await budgets().freeUnique("acme", hash, last.run_id);
      for (const open of opens) await budgets().deleteOpen(open);
    });

    test("a repeat on the next day keeps the day that the first leased from", async () => {
      const open = await entered(newRun().runId);
      const next = { ...open, admitted_at: "2026-11-22T00:00:01.000Z", lease_day: "2026-11-22" };
      expect(await budgets().enterOpen(next)).toEqual({ ...next, lease_day: "2026-11-21" });
      await budgets().deleteOpen(open);
    });

    test("nothing is taken for a run whose open row is being given back or is gone", async () => {
      const hash = newRun().runId;
      const open = { ...(await entered(hash)), tenant: hash.toLowerCase() };
      await budgets().enterOpen(open);
      const lease = () => budgets().leaseDay(open, tally, (doc) => ({ sum: (doc?.sum ?? 0) + 1 }));
      expect(await lease()).toEqual({ sum: 1 });
      expect(await lease()).toEqual({ sum: 2 });
      expect(await budgets().leaseDay(open, tally, () => null)).toEqual({ sum: 2 });
      const gone = async () => {
        expect(await lease()).toBeUndefined();
        expect(await budgets().takeUnique(open, hash)).toBeUndefined();
      };
      await budgets().abandonOpen(open);
      await gone();
      await budgets().deleteOpen(open);
      await gone();
      expect(await budgets().readCounter({ kind: "day", tenant: open.tenant, day: open.lease_day }, tally)).toEqual({
        sum: 2,
      });
      expect(await budgets().readUnique(open.tenant, hash)).toBeUndefined();
    });
  });
}
