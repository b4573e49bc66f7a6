/** The brake's row as the domain reads it: no row, or one that is off, is off. */
import type { Brake as BrakeRow } from "../../lib/aws/control.js";
import type { Brake } from "../../lib/run/types.js";

export function brakeState(row: BrakeRow | undefined): Brake {
  if (row === undefined || !row.on) return { on: false };
  return { on: true, by: row.by, at: row.at, reason: row.reason };
}
