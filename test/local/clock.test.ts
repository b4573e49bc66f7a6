import { afterEach, describe, expect, it, vi } from "vitest";
import { createSkippingClock, realClock } from "../../lib/local/clock.js";

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("a skipping clock", () => {
  it("jumps from timer to timer, in time order, each at its own time", async () => {
    const clock = createSkippingClock(1_000);
    const fired: [string, number][] = [];
    clock.at(90_000, () => fired.push(["late", clock.now()]));
    clock.at(5_000, () => {
      fired.push(["first", clock.now()]);
      clock.at(6_000, () => fired.push(["set by first", clock.now()]));
    });
    clock.at(5_000, () => fired.push(["second at the same time", clock.now()]));
    await turns(40);
    expect(fired).toEqual([
      ["first", 5_000],
      ["second at the same time", 5_000],
      ["set by first", 6_000],
      ["late", 90_000],
    ]);
    expect(clock.now()).toBe(90_000);
  });

  it("does not jump while work is held, and goes on when the last hold ends", async () => {
    const clock = createSkippingClock(0);
    const fired: string[] = [];
    const first = clock.hold();
    const second = clock.hold();
    clock.at(1_000, () => fired.push("timer"));
    await turns();
    first();
    first();
    await turns();
    expect([fired, clock.now()]).toEqual([[], 0]);
    second();
    await turns();
    expect([fired, clock.now()]).toEqual([["timer"], 1_000]);
  });

  it("tells whole milliseconds, however times are asked for", async () => {
    const clock = createSkippingClock(0);
    const fired: number[] = [];
    clock.at(10.25, () => fired.push(clock.now()));
    await turns();
    await clock.advance(0.5);
    expect([...fired, clock.now()]).toEqual([11, 12]);
  });

  it("lets promises and I/O settle before it jumps", async () => {
    const clock = createSkippingClock(0);
    const order: string[] = [];
    clock.at(1_000, () => order.push("timeout"));
    const cancel = clock.at(500, () => order.push("must be cancelled"));
    await Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve)));
    order.push("work");
    cancel();
    await turns();
    expect(order).toEqual(["work", "timeout"]);
  });

  it("fires a timer that is already due although work is held or the mode is manual", async () => {
    const clock = createSkippingClock(10_000, "manual");
    clock.hold();
    const fired: number[] = [];
    clock.at(3, () => fired.push(clock.now()));
    expect(fired).toEqual([]);
    await turns();
    expect(fired).toEqual([10_000]);
  });

  it("in manual mode moves only when told, firing what lies on the way", async () => {
    const clock = createSkippingClock(0, "manual");
    const fired: [string, number][] = [];
    clock.at(10_000, () => {
      fired.push(["ten", clock.now()]);
      clock.at(12_000, () => fired.push(["twelve", clock.now()]));
    });
    clock.at(60_000, () => fired.push(["sixty", clock.now()]));
    await turns();
    expect(fired).toEqual([]);
    await clock.advance(15_000);
    expect(fired).toEqual([
      ["ten", 10_000],
      ["twelve", 12_000],
    ]);
    expect([clock.now(), clock.nextTimerMs()]).toEqual([15_000, 60_000]);
    await clock.advanceTo(60_000);
    expect(fired.at(-1)).toEqual(["sixty", 60_000]);
    await clock.advanceTo(1);
    expect(clock.now()).toBe(60_000);
  });

  it("advances only as far as held work allows", async () => {
    const clock = createSkippingClock(0, "manual");
    const fired: number[] = [];
    clock.at(1_000, () => fired.push(clock.now()));
    const release = clock.hold();
    const advanced = clock.advance(5_000);
    await turns();
    expect(fired).toEqual([]);
    release();
    await advanced;
    expect([fired, clock.now()]).toEqual([[1_000], 5_000]);
  });

  it("can be switched between the modes", async () => {
    const clock = createSkippingClock(0, "manual");
    const fired: string[] = [];
    clock.at(1_000, () => fired.push("a"));
    clock.setMode("auto");
    await turns();
    expect(fired).toEqual(["a"]);
    clock.setMode("manual");
    clock.at(2_000, () => fired.push("b"));
    await turns();
    expect([fired, clock.now()]).toEqual([["a"], 1_000]);
  });

  it("says when it has settled, and forgets everything when closed", async () => {
    const clock = createSkippingClock(0, "manual");
    const release = clock.hold();
    let settled = false;
    const waiting = clock.settled().then(() => {
      settled = true;
    });
    await turns();
    expect(settled).toBe(false);
    release();
    await waiting;
    const fired: string[] = [];
    clock.at(1_000, () => fired.push("never"));
    clock.close();
    clock.setMode("auto");
    await turns();
    expect([fired, clock.now()]).toEqual([[], 0]);
  });
});

describe("the real clock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("fires at the time, at once for the past, and not when cancelled", async () => {
    vi.useFakeTimers({ now: 50_000 });
    const clock = realClock();
    const fired: string[] = [];
    clock.at(51_000, () => fired.push("later"));
    clock.at(1, () => fired.push("past"));
    clock.at(50_500, () => fired.push("cancelled"))();
    await vi.advanceTimersByTimeAsync(0);
    expect(fired).toEqual(["past"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fired).toEqual(["past", "later"]);
  });

  it("waits longer than one timer of the platform can", async () => {
    vi.useFakeTimers({ now: 0 });
    const clock = realClock();
    const dayMs = 86_400_000;
    let firedMs = 0;
    clock.at(60 * dayMs, () => {
      firedMs = clock.now();
    });
    await vi.advanceTimersByTimeAsync(59 * dayMs);
    expect(firedMs).toBe(0);
    await vi.advanceTimersByTimeAsync(dayMs);
    expect(firedMs).toBe(60 * dayMs);
  });
});
