/** One line per history event: `TaskFailed 5<4 !Exception`: type, id, the id before it, and the details that are not data. */
import { compareHistory } from "../../../lib/local/states/conformance-compare.js";
import type { HistoryEvent } from "../../../lib/local/states/history.js";

interface SequenceEvent {
  readonly type: string;
  readonly id?: unknown;
  readonly previousEventId?: unknown;
  readonly name?: unknown;
  readonly error?: unknown;
  readonly index?: unknown;
  readonly length?: unknown;
  readonly timeoutInSeconds?: unknown;
  readonly heartbeatInSeconds?: unknown;
}

/** The details a line holds, by the sign before them. */
const SIGNS = [
  ["@", "name"],
  ["!", "error"],
  ["#", "index"],
  ["length=", "length"],
  ["timeout=", "timeoutInSeconds"],
  ["heartbeat=", "heartbeatInSeconds"],
] as const;

/** Details hold no double blanks, so that names and errors with blanks stay whole. */
const GAP = "  ";

export function lineOf(event: SequenceEvent): string {
  const details = SIGNS.flatMap(([sign, key]) => (event[key] === undefined ? [] : [`${sign}${String(event[key])}`]));
  return [event.type, `${String(event.id)}<${String(event.previousEventId)}`, ...details].join(GAP);
}

function eventOf(line: string): { type: string; id: number; previousEventId: number } & Record<string, unknown> {
  const [type = "", ids = "", ...rest] = line.split(GAP);
  const [id, previousEventId] = ids.split("<").map(Number);
  const details = rest.map((part): [string, unknown] => {
    const found = SIGNS.find(([sign]) => part.startsWith(sign));
    if (found === undefined) throw new Error(`not a detail of an event: ${part}`);
    const [sign, key] = found;
    const text = part.slice(sign.length);
    return [key, key === "name" || key === "error" ? text : Number(text)];
  });
  return { type, id: id ?? 0, previousEventId: previousEventId ?? 0, ...Object.fromEntries(details) };
}

/** What differs between a sequence and the events of a run; in `interleaved` (indexes) each branch is followed by itself. */
export function sequenceProblems(
  lines: readonly string[],
  events: readonly HistoryEvent[],
  interleaved: readonly [number, number][] = [],
): string[] {
  const bare = events.map((event) => {
    const { name, error, index, length, timeoutInSeconds, heartbeatInSeconds } = event.details ?? {};
    const members = { name, error, index, length, timeoutInSeconds, heartbeatInSeconds };
    const details = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
    return { ...event, details };
  });
  const expected = { status: "SUCCEEDED" as const, history: lines.map(eventOf), interleavedRegions: [...interleaved] };
  return compareHistory(expected, bare);
}
