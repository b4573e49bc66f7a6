/**
 * The clocks of the embedded cloud: the machine's own, and a virtual one that skips waits.
 *
 * A skipping clock answers the question "how long would a person have waited?" with "not at all": when nothing in the
 * cloud is at work, the next timer is the only thing that can happen, so the time jumps to it.
 */
import type { Clock } from "./types.js";

/** A clock that can be told that work is in progress which it cannot see: a child process, an HTTP request, a person. */
export interface HoldableClock extends Clock {
  /** Time does not jump until the returned function is called. Calling it twice counts once. */
  hold(): () => void;
}

/** `setTimeout` overflows at 2^31 ms; longer waits are made of shorter ones. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's own time. `hold` has no effect: this clock never jumps. */
export function realClock(): HoldableClock {
  return {
    now: Date.now,
    at(atMs, task) {
      let timer: NodeJS.Timeout;
      const arm = (): void => {
        const leftMs = Math.max(0, atMs - Date.now());
        timer = setTimeout(leftMs > MAX_TIMEOUT_MS ? arm : task, Math.min(leftMs, MAX_TIMEOUT_MS));
      };
      arm();
      return () => clearTimeout(timer);
    },
    hold: () => () => {},
  };
}

/** `auto`: time jumps by itself whenever the cloud is idle. `manual`: only `advance` and `advanceTo` move it. */
export type SkippingMode = "auto" | "manual";

export interface SkippingClock extends HoldableClock {
  setMode(mode: SkippingMode): void;
  /** Moves the time to `ms`, firing every timer on the way at its own time; resolves when the cloud has settled after the last. */
  advanceTo(ms: number): Promise<void>;
  /** `advanceTo(now() + ms)` */
  advance(ms: number): Promise<void>;
  /** Resolves when nothing is held and no timer is due: what happens next needs time or somebody from outside. */
  settled(): Promise<void>;
  /** The time of the next timer, undefined when there is none. */
  nextTimerMs(): number | undefined;
  /** Starts again at `ms`, earlier or later, with all timers forgotten: between runs that have nothing to do with each other. */
  restart(ms: number): void;
  /** Forgets all timers and stops jumping. */
  close(): void;
}

interface Timer {
  readonly atMs: number;
  readonly task: () => void;
}

/**
 * How many turns of the event loop must pass without a timer being set, fired or a hold taken before the cloud counts
 * as idle: promise chains end within one turn, answers of local I/O come within the next.
 */
const QUIET_TURNS = 3;

/** A virtual clock that starts at `startMs` (epoch milliseconds), in `auto` mode unless told otherwise. */
export function createSkippingClock(startMs: number, mode: SkippingMode = "auto"): SkippingClock {
  return new VirtualClock(startMs, mode);
}

class VirtualClock implements SkippingClock {
  /** sorted by time, then by the order in which they were set */
  private timers: Timer[] = [];
  private holds = 0;
  /** counts everything that shows the cloud is at work */
  private activity = 0;
  private ticking = false;
  private closed = false;
  private waiters: (() => void)[] = [];

  constructor(
    private nowMs: number,
    private mode: SkippingMode,
  ) {}

  now(): number {
    return this.nowMs;
  }

  at(atMs: number, task: () => void): () => void {
    if (this.closed) return () => {};
    // Whole milliseconds, as the machine's clock tells them: who asks for half a one waits until it is over.
    const timer: Timer = { atMs: Math.max(Math.ceil(atMs), this.nowMs), task };
    let index = this.timers.length;
    while (index > 0 && (this.timers[index - 1]?.atMs ?? 0) > timer.atMs) index--;
    this.timers.splice(index, 0, timer);
    this.touch();
    return () => {
      const found = this.timers.indexOf(timer);
      if (found >= 0) this.timers.splice(found, 1);
    };
  }

  hold(): () => void {
    this.holds++;
    this.activity++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.holds--;
      this.touch();
    };
  }

  setMode(mode: SkippingMode): void {
    this.mode = mode;
    this.touch();
  }

  nextTimerMs(): number | undefined {
    return this.timers[0]?.atMs;
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      this.touch();
    });
  }

  async advanceTo(ms: number): Promise<void> {
    // Timers that fall due may start work that sets new timers before `ms`; so settle before each step.
    for (;;) {
      await this.settled();
      const next = this.timers[0];
      if (next === undefined || next.atMs > ms) break;
      this.nowMs = next.atMs;
      this.fireDue();
    }
    this.nowMs = Math.max(this.nowMs, Math.ceil(ms));
    await this.settled();
  }

  advance(ms: number): Promise<void> {
    return this.advanceTo(this.nowMs + ms);
  }

  restart(ms: number): void {
    this.timers = [];
    this.nowMs = ms;
  }

  close(): void {
    this.closed = true;
    this.timers = [];
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  private touch(): void {
    this.activity++;
    if (this.ticking || this.closed) return;
    this.ticking = true;
    this.tick(this.activity, 0);
  }

  /** One turn of the event loop: fires what is due, or counts a quiet turn; after enough of them the cloud is idle. */
  private tick(seen: number, quietTurns: number): void {
    setImmediate(() => {
      if (this.closed) return;
      if (this.fireDue() || this.activity !== seen) return this.tick(this.activity, 0);
      // A hold ends with `touch`, which starts the ticking again.
      if (this.holds > 0) {
        this.ticking = false;
        return;
      }
      if (quietTurns < QUIET_TURNS) return this.tick(seen, quietTurns + 1);
      this.ticking = false;
      this.idle();
    });
  }

  private idle(): void {
    const waiters = this.waiters.splice(0);
    if (waiters.length > 0) {
      for (const resolve of waiters) resolve();
      // Whoever waited acts first; the time moves on only if that leaves the cloud idle too.
      if (this.mode === "auto" && this.timers.length > 0) this.touch();
      return;
    }
    const next = this.timers[0];
    if (this.mode !== "auto" || next === undefined) return;
    this.nowMs = next.atMs;
    this.touch();
  }

  /** Fires the timers whose time has come, one after the other. Answers whether there was one. */
  private fireDue(): boolean {
    let fired = false;
    for (let next = this.timers[0]; next !== undefined && next.atMs <= this.nowMs; next = this.timers[0]) {
      this.timers.shift();
      this.activity++;
      fired = true;
      next.task();
    }
    return fired;
  }
}
