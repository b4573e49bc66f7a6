/**
 * Frees memory now. A long export makes little that lasts and much that does not; the engine lets that pile up, as far as it may grow, before it
 * looks: an auditor's laptop has better use for it. A full collection of a small heap takes some milliseconds.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: unknown;

export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc");
  }
  if (typeof collect === "function") collect();
}
