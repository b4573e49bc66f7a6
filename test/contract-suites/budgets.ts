/** What every budget store does. */
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Budgets, CounterRef } from "../../lib/aws/budgets.js";
import { newRun } from "../aws/cloud.js";

const tally = z.strictObject({ sum: z.int() });

export function budgetsSuite(budgets: () => Budgets): void {
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
      await budgets().insertOpen(open);
      await budgets().insertOpen(open);
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
      expect(await budgets().insertOpen(open)).toBe(true);
      expect(await budgets().insertOpen(anew)).toBe(true);
      expect(await budgets().abandonOpen(open)).toBe(false);
      expect(await budgets().abandonOpen(anew)).toBe(true);
      expect(await budgets().abandonOpen(anew)).toBe(true);
      expect(await budgets().insertOpen(open)).toBe(false);
      await budgets().deleteOpen(open);
      expect(await budgets().insertOpen(open)).toBe(true);
      await budgets().deleteOpen(open);
    });

    test("a unique row belongs to the run that took it first, until that run frees it", async () => {
      const hash = newRun().runId;
      expect(await budgets().readUnique("acme", hash)).toBeUndefined();
      const holders = await Promise.all(["a", "b", "c"].map((run) => budgets().takeUnique("acme", hash, run)));
      expect(new Set(holders).size).toBe(1);
      const [holder = ""] = holders;
      expect(await budgets().takeUnique("acme", hash, holder)).toBe(holder);
      await budgets().freeUnique("acme", hash, "someone-else");
      expect(await budgets().readUnique("acme", hash)).toBe(holder);
      await budgets().freeUnique("acme", hash, holder);
      await budgets().freeUnique("acme", hash, holder);
      expect(await budgets().takeUnique("acme", hash, "d")).toBe("d");
    });
  });
}
