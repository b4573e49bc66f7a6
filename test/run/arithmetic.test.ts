import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DayDoc, dayDoc, dayLeftMicroUsd, leaseDay, returnLease } from "../../lib/run/budget.js";
import {
  amountOf,
  type CounterDoc,
  counterDoc,
  countersOf,
  holdExposure,
  othersCount,
  othersSum,
  releaseExposure,
  settleExposure,
  withProposed,
} from "../../lib/run/exposure.js";
import { amountText, moneyText, tokenCostMicroUsd, usdOf, usdText } from "../../lib/run/money.js";
import { localDay, localTime } from "../../lib/run/time.js";
import { renderTitle, typedConfirmation, visible } from "../../lib/run/title.js";
import { lookup, refund, reply } from "./support.js";

const hold = (holder: string, amount: number, doc: CounterDoc | null) => ({
  scope: "workflow-day:t",
  day: "2026-11-21",
  holder,
  amount,
  others: othersSum(doc, holder),
  othersCount: othersCount(doc, holder),
});

describe("exposure", () => {
  const actions = fc.array(
    fc.record({
      holder: fc.constantFrom("r1/1", "r1/2", "r2/1", "r3/9"),
      amount: fc.integer({ min: 0, max: 1000 }),
      after: fc.constantFrom("settle", "release", "keep"),
    }),
    { maxLength: 30 },
  );
  test("what was held is in the end settled, released or still held; repeats change nothing", () => {
    fc.assert(
      fc.property(actions, (list) => {
        let doc: CounterDoc | null = null;
        let settled = 0;
        const held = new Map<string, number>();
        for (const { holder, amount, after } of list) {
          const change: CounterDoc | null = holdExposure(doc, hold(holder, amount, doc));
          expect(withProposed(doc, { holder, amount }).sum).toBe(othersSum(doc, holder) + amount);
          doc = change ?? doc;
          expect(holdExposure(doc, hold(holder, amount, doc))).toBeNull();
          held.set(holder, amount);
          if (after === "settle") {
            doc = settleExposure(doc, { holder }) ?? doc;
            settled += amount;
            held.delete(holder);
            expect(settleExposure(doc, { holder })).toBeNull();
          } else if (after === "release") {
            doc = releaseExposure(doc, { holder }) ?? doc;
            held.delete(holder);
            expect(releaseExposure(doc, { holder })).toBeNull();
          }
          expect(counterDoc.parse(doc)).toEqual(doc);
          expect(doc?.total).toBe(settled);
          expect(othersSum(doc, "nobody")).toBe(settled + [...held.values()].reduce((sum, value) => sum + value, 0));
        }
      }),
    );
  });
  test("a hold on more than the policies judged is refused, on less it is not", () => {
    const before: CounterDoc = { total: 100, count: 1, holds: { "r1/1": 50 } };
    const mine = hold("r2/1", 10, before);
    expect(() => holdExposure({ ...before, total: 101 }, mine)).toThrow(/CS-3017|grew from 150 to 151/);
    expect(() => holdExposure({ ...before, holds: { "r1/1": 0, "r9/1": 50 } }, mine)).toThrow(/grew/);
    expect(holdExposure({ ...before, holds: {} }, mine)).toEqual({ total: 100, count: 1, holds: { "r2/1": 10 } });
  });
  test("nothing to settle or release", () => {
    expect(settleExposure(null, { holder: "a" })).toBeNull();
    expect(releaseExposure(null, { holder: "a" })).toBeNull();
    expect(withProposed({ total: 5, count: 1, holds: { a: 3, b: 4 } }, { holder: "c", amount: 1 }, ["a"])).toEqual({
      sum: 10,
      count: 3,
    });
  });
  test("counters are per tool, resource and local day", () => {
    expect(countersOf(lookup, "cus_9", 0, "UTC")).toEqual([]);
    const at = Date.parse("2026-11-21T23:30:00Z");
    const [resource, workflow] = countersOf(refund, "cus_9", at, "Europe/Berlin");
    expect(workflow).toEqual({ per: "workflow-day", day: "2026-11-22", scope: "workflow-day:stripe.refund" });
    expect(resource?.scope).toMatch(/^resource-day:stripe.refund:[0-9a-f]{32}$/);
    expect(countersOf(refund, "#evil#", at, "UTC")[0]?.scope).not.toContain("#");
    expect(amountOf(refund, { amount_cents: 5 })).toBe(5);
    expect(amountOf(refund, {})).toBe(0);
    expect(amountOf(lookup, { amount_cents: 5 })).toBe(0);
  });
});

describe("day budget", () => {
  test("leases never exceed the day; what is given back can be leased again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.boolean(), fc.nat(100)), { maxLength: 40 }),
        (steps) => {
          let doc: DayDoc | null = null;
          for (const [run, give, spent] of steps) {
            const change: DayDoc | "over" | null = give ? returnLease(doc, run, spent) : leaseDay(doc, run, 100, 350);
            if (change !== null && change !== "over") doc = change;
            if (change === "over") expect(dayLeftMicroUsd(doc, run, 350)).toBeLessThan(100);
            if (doc !== null) {
              expect(dayDoc.parse(doc)).toEqual(doc);
              expect(doc.spent + Object.values(doc.leases).reduce((sum, lease) => sum + lease, 0)).toBeLessThanOrEqual(
                350,
              );
            }
          }
        },
      ),
    );
    expect(returnLease({ spent: 0, leases: {} }, "a", 5)).toBeNull();
  });
});

describe("local days", () => {
  test.each([
    ["2026-03-29T00:59:59Z", { day: "2026-03-29", hour: 1, weekday: 7 }],
    ["2026-03-29T01:00:00Z", { day: "2026-03-29", hour: 3, weekday: 7 }],
    ["2026-10-25T00:30:00Z", { day: "2026-10-25", hour: 2, weekday: 7 }],
    ["2026-10-25T01:30:00Z", { day: "2026-10-25", hour: 2, weekday: 7 }],
    ["2026-12-31T23:00:00Z", { day: "2027-01-01", hour: 0, weekday: 5 }],
    ["2026-06-01T12:00:00Z", { day: "2026-06-01", hour: 14, weekday: 1 }],
  ])("%s in Berlin, also where the clock changes", (at, expected) => {
    expect(localTime(Date.parse(at), "Europe/Berlin")).toEqual(expected);
  });
  test("far zones", () => {
    expect(localDay(Date.parse("2026-11-21T10:30:00Z"), "Pacific/Kiritimati")).toBe("2026-11-22");
    expect(localDay(Date.parse("2026-11-21T10:30:00Z"), "Pacific/Niue")).toBe("2026-11-20");
  });
});

describe("money", () => {
  test.each([
    [0, "0.00", 0],
    [17_400, "0.0174", 0.0174],
    [400_000, "0.40", 0.4],
    [1, "0.000001", 0.000001],
    [123_456_789, "123.456789", 123.456789],
    [-50_000, "-0.05", -0.05],
  ])("%i micro-USD", (micro, text, usd) => {
    expect(usdText(micro)).toBe(text);
    expect(usdOf(micro)).toBe(usd);
  });
  test("USD numbers are the nearest to the exact decimal", () => {
    fc.assert(
      fc.property(fc.nat(10 ** 12), (micro) => {
        expect(Math.round(usdOf(micro) * 1e6)).toBe(micro);
      }),
    );
  });
  test("amounts in the currency's smallest unit", () => {
    expect([moneyText(42_000, "EUR"), amountText(42_000, "EUR")]).toEqual(["€420.00", "420.00"]);
    expect([moneyText(1_234_567, "USD"), amountText(5, "EUR")]).toEqual(["$12,345.67", "0.05"]);
    expect([moneyText(500, "JPY"), amountText(-500, "JPY"), amountText(-1, "EUR")]).toEqual(["¥500", "-500", "-0.01"]);
    expect(tokenCostMicroUsd(1001, 10, { inputPerMillionUsd: 0.25, outputPerMillionUsd: 1.25 })).toBe(263);
  });
});

describe("titles", () => {
  test("placeholders, money and what is typed", () => {
    expect(renderTitle(refund, { amount_cents: 42_000 }, "cus_9")).toBe("Refund €420.00 to cus_9");
    expect(typedConfirmation(refund, { amount_cents: 42_000 }, "cus_9")).toBe("420.00");
    expect(typedConfirmation({ title: "Close {resource}", reversibility: "irreversible" }, {}, "acc_1")).toBe("acc_1");
    expect(typedConfirmation(reply, { ticket_id: "1" }, "1")).toBeNull();
    expect(renderTitle({ title: "{a} {b} {c:EUR} {d}" }, { a: 1, b: ["x"], c: "no number" }, "")).toBe(
      '1 ["x"] no number (none)',
    );
  });
  test("nothing in a title can hide or reorder", () => {
    expect(renderTitle({ title: "Pay {to}" }, { to: "a\u202eb\u200bc\nd" }, "")).toBe(
      "Pay a\\u{202e}b\\u{200b}c\\u{a}d",
    );
    expect(visible("Grüße 漢字 €")).toBe("Grüße 漢字 €");
  });
});
