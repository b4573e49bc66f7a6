/** How far a long command is: one line that rewrites itself on a terminal, a line now and then elsewhere. Always on stderr. */
import type { Io } from "./io.js";

export interface Progress {
  /** `text` is asked for only when it will be shown */
  show(text: () => string): void;
  /** the last line stays */
  done(text?: string): void;
}

const TERMINAL_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;

/** @param silent with `--json`, whose readers read both streams */
export function progressOn(io: Io, silent = false): Progress {
  const began = performance.now();
  const every = io.rewrite === undefined ? LINE_EVERY_MS : TERMINAL_EVERY_MS;
  let shown = began;
  let open = false;
  return {
    show(text) {
      if (silent || performance.now() - shown < every) return;
      shown = performance.now();
      if (io.rewrite === undefined) return io.err(text());
      io.rewrite(text());
      open = true;
    },
    done(text) {
      if (open) io.rewrite?.("");
      open = false;
      if (text !== undefined && !silent) io.err(text);
    },
  };
}

/** `██████░░░░  60 %  600 of 1,000 runs` */
export function bar(done: number, total: number, what: string): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * 20);
  return `${"█".repeat(full)}${"░".repeat(20 - full)} ${String(Math.floor(share * 100)).padStart(3)} %  ${grouped(done)} of ${grouped(total)} ${what}`;
}

export const grouped = (value: number): string => value.toLocaleString("en-US");
