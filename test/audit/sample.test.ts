import { describe, expect, test } from "vitest";
import { isDrawn, periodOf } from "../../lib/audit/sample.js";

const runs = Array.from({ length: 10_000 }, (_, index) => ({ workflow: "w", tenant: "acme", runId: `run-${index}` }));
const drawn = (seed: string, rate: number) => runs.filter((run) => isDrawn(run, seed, rate)).map(({ runId }) => runId);

describe("a sample", () => {
  test("draws about as many as asked, the same each time, and others by another seed", () => {
    const five = drawn("w|2026-11|", 0.05);
    expect(five.length).toBeGreaterThan(400);
    expect(five.length).toBeLessThan(600);
    expect(drawn("w|2026-11|", 0.05)).toEqual(five);
    expect(drawn("w|2026-12|", 0.05)).not.toEqual(five);
  });
  test("a higher rate adds runs and drops none; all are all", () => {
    const ten = new Set(drawn("s", 0.1));
    expect(drawn("s", 0.05).every((run) => ten.has(run))).toBe(true);
    expect(drawn("s", 1)).toHaveLength(runs.length);
  });
});

test("periods are months and days that there are", () => {
  expect(periodOf("2026-02")).toEqual({
    name: "2026-02",
    from: "2026-02-01T00:00:00.000Z",
    until: "2026-03-01T00:00:00.000Z",
  });
  expect(periodOf("2026-12")?.until).toBe("2027-01-01T00:00:00.000Z");
  expect(periodOf("2028-02-29")?.until).toBe("2028-03-01T00:00:00.000Z");
  for (const no of ["2026-13", "2026-02-30", "2026", "26-01", "2026-1", "2026-11-24T00:00"])
    expect(periodOf(no)).toBeUndefined();
});
