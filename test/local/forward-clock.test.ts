import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { every } from "../../lib/local/events/schedule.js";
import { createForwardClock } from "../../lib/local/forward-clock.js";

const HOUR_MS = 3_600_000;

describe("a clock that can be put forward", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const clockWith = (...afterMs: number[]) => {
    const clock = createForwardClock();
    const fired: string[] = [];
    const cancel = afterMs.map((ms) =>
      clock.at(1_000_000 + ms, () => fired.push(`${ms} at ${clock.now() - 1_000_000}`)),
    );
    return { clock, fired, cancel };
  };

  it("is this machine's time, timers in order, until it is put forward", () => {
    const { clock, fired } = clockWith(500, 100);
    vi.advanceTimersByTime(99);
    expect([clock.now(), fired]).toEqual([1_000_099, []]);
    vi.advanceTimersByTime(401);
    expect(fired).toEqual(["100 at 100", "500 at 500"]);
  });

  it("fires what was skipped at once, in order, and not what is still to come", () => {
    const { clock, fired } = clockWith(2 * HOUR_MS, HOUR_MS, 4 * HOUR_MS);
    clock.skipTo(1_000_000 + 2 * HOUR_MS);
    vi.advanceTimersByTime(0);
    expect(fired).toEqual([`${HOUR_MS} at ${2 * HOUR_MS}`, `${2 * HOUR_MS} at ${2 * HOUR_MS}`]);
    expect(clock.aheadMs()).toBe(2 * HOUR_MS);
    vi.advanceTimersByTime(2 * HOUR_MS);
    expect(fired).toHaveLength(3);
  });

  it("never goes back", () => {
    const { clock } = clockWith();
    clock.skipTo(1_000_000 + HOUR_MS);
    clock.skipTo(1_000_000);
    expect(clock.now()).toBe(1_000_000 + HOUR_MS);
  });

  it("does not fire what was cancelled, also by the timer before it", () => {
    const { clock, fired, cancel } = clockWith(100, 200);
    clock.at(1_000_100, () => cancel[1]?.());
    cancel[0]?.();
    vi.advanceTimersByTime(1_000);
    expect(fired).toEqual([]);
  });

  it("waits longer than a timeout of the machine can", () => {
    const { clock, fired } = clockWith(40 * 24 * HOUR_MS);
    vi.advanceTimersByTime(40 * 24 * HOUR_MS - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toHaveLength(1);
    expect(clock.aheadMs()).toBe(0);
  });

  it("a rule at a rate makes nothing up for times that were skipped", () => {
    const clock = createForwardClock();
    const fired: number[] = [];
    const end = every(clock, 5 * 60_000, () => fired.push(clock.now() - 1_000_000));
    clock.skipTo(1_000_000 + HOUR_MS);
    vi.advanceTimersByTime(0);
    expect(fired).toEqual([HOUR_MS]);
    vi.advanceTimersByTime(5 * 60_000);
    expect(fired).toEqual([HOUR_MS, HOUR_MS + 5 * 60_000]);
    end();
  });
});
