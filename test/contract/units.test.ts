import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationMs, durationText, microUsd } from "../../lib/contract/units.js";

describe("durationMs", () => {
  it("adds its parts", () => {
    expect(durationMs({ days: 1, hours: 2, minutes: 3, seconds: 4 })).toBe(86_400_000 + 7_200_000 + 180_000 + 4000);
  });

  it.each([
    [{}],
    [{ hours: 0 }],
    [{ hours: 0.5 }],
    [{ hours: -1 }],
    [{ minutes: Number.NaN }],
    [{ days: 2 ** 53 - 1 }],
  ])("refuses %j", (spec) => {
    expect(() => durationMs(spec)).toThrowError(expect.objectContaining({ code: "CS-1023" }));
  });

  it("is written as people read it", () => {
    expect(durationText(5_400_000)).toBe("1 h 30 min");
    expect(durationText(86_400_000 * 2 + 1000)).toBe("2 d 1 s");
    expect(durationText(0)).toBe("0 s");
  });
});

describe("microUsd", () => {
  it("is exact where binary fractions are not", () => {
    expect([0.29, 0.3, 1.005, 8.41, 1_000_000, 0].map(microUsd)).toEqual([
      ...[290_000, 300_000, 1_005_000, 8_410_000, 1_000_000_000_000, 0],
    ]);
  });

  it("gives back every amount of whole micro-USD", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000_000 }), (micro) => {
        const usd = Number(`${Math.floor(micro / 1e6)}.${String(micro % 1e6).padStart(6, "0")}`);
        fc.pre(usd >= 0.000001);
        expect(microUsd(usd)).toBe(micro);
      }),
    );
  });

  it.each([-1, 0.0000001, 1e21, Number.NaN, Number.POSITIVE_INFINITY, 0.1 + 0.2])("refuses %s", (usd) => {
    expect(() => microUsd(usd)).toThrowError(expect.objectContaining({ code: "CS-1024" }));
  });
});
