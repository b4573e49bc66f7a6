/** What every effects ledger does. */
import { describe, expect, test } from "vitest";
import type { Effects } from "../../lib/aws/effects.js";
import { newRun } from "../aws/cloud.js";

const claim = {
  args_hash: "a".repeat(64),
  claimed_at: "2026-11-21T12:00:00.000Z",
  deadline: "2026-11-21T12:00:35.000Z",
};
const later = { ...claim, claimed_at: "2026-11-21T12:01:00.000Z", deadline: "2026-11-21T12:01:35.000Z" };
const finished = { latency_ms: 12, finished_at: "2026-11-21T12:00:01.000Z" };
const done = { status: "ok", output: { refund_id: "re_1" }, effect_possible: true, ...finished } as const;
const failed = { code: "busy", message: "try again", retryable: true, effect_possible: false, ...finished };

export function effectsSuite(effects: () => Effects): void {
  describe("an effects ledger", () => {
    const ref = () => ({ run: newRun(), tool: "stripe.refund", turn: 4 });

    test("one claim wins; the row has no outcome until it is stored", async () => {
      const at = ref();
      expect(await effects().read(at)).toBeUndefined();
      const claims = await Promise.all(Array.from({ length: 5 }, () => effects().claim(at, claim)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await effects().read(at)).toEqual({ ...claim, attempts: 1 });
    });

    test("an outcome is stored once and never replaced", async () => {
      const at = ref();
      await effects().claim(at, claim);
      expect(await effects().storeOutcome(at, 1, done)).toBe(true);
      expect(await effects().storeOutcome(at, 1, { ...done, output: { refund_id: "re_2" } })).toBe(false);
      expect(await effects().storeFailure(at, 1, failed)).toBe(false);
      expect(await effects().reclaim(at, 1, later)).toBe(false);
      expect(await effects().read(at)).toEqual({ ...claim, attempts: 1, outcome: done });
    });

    test("a failed attempt may be followed by one other, which holds the row alone", async () => {
      const at = ref();
      await effects().claim(at, claim);
      expect(await effects().storeFailure(at, 1, failed)).toBe(true);
      expect(await effects().read(at)).toEqual({ ...claim, attempts: 1, failed });
      const again = await Promise.all([effects().reclaim(at, 1, later), effects().reclaim(at, 1, later)]);
      expect(again.filter(Boolean)).toHaveLength(1);
      expect(await effects().read(at)).toEqual({ ...later, attempts: 2 });
      expect(await effects().storeOutcome(at, 1, done)).toBe(false);
      expect(await effects().storeOutcome(at, 2, done)).toBe(true);
    });

    test("rows of other turns, tools and runs are other rows", async () => {
      const at = ref();
      await effects().claim(at, claim);
      for (const other of [
        { ...at, turn: 5 },
        { ...at, tool: "zendesk.reply" },
        { ...at, run: newRun() },
      ])
        expect(await effects().read(other)).toBeUndefined();
    });
  });
}
