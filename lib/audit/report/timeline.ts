/**
 * A run's time as bars on four lanes. What works keeps its proportions; long waits and gaps in which nothing of the run works are cut short and
 * marked, so that a person's four hours do not make two seconds of model and tools invisible.
 */
import { durationText } from "../../contract/units.js";
import { type ReportFacts, waitOf } from "./facts.js";

export const LANES = ["model", "gate", "people", "tool"] as const;
export type Lane = (typeof LANES)[number];

export interface Bar {
  readonly lane: Lane;
  readonly turn: number;
  /** `stripe.refund, 184 ms` */
  readonly label: string;
  /** 0 to 1000 */
  readonly x: number;
  readonly width: number;
}
/** A stretch of time that is drawn shorter than it was. */
export interface Cut {
  readonly x: number;
  readonly width: number;
  /** `4 h` */
  readonly text: string;
}
export interface Timeline {
  readonly bars: readonly Bar[];
  readonly cuts: readonly Cut[];
  /** the whole run's length */
  readonly totalMs: number;
}

interface Span {
  readonly lane: Lane;
  readonly turn: number;
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
}
const WIDTH = 1000;
/** Narrower bars would not be seen. */
const LEAST = 6;
/** A cut is as wide as this share of everything that works. */
const CUT_SHARE = 0.12;

export function timelineOf(facts: ReportFacts): Timeline {
  const spans = spansOf(facts);
  const times = facts.events.map(({ at }) => Date.parse(at));
  const ends = spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const marks = [...new Set([...times, ...ends])].sort((a, b) => a - b);
  const scale = scaleOf(marks, spans);
  const bars = spans.map((span) => {
    const x = scale.at(span.fromMs);
    return { lane: span.lane, turn: span.turn, label: span.label, x, width: Math.max(LEAST, scale.at(span.toMs) - x) };
  });
  return { bars: bars.map(within), cuts: scale.cuts, totalMs: (marks.at(-1) ?? 0) - (marks[0] ?? 0) };
}

const within = (bar: Bar): Bar => ({ ...bar, x: Math.min(bar.x, WIDTH - bar.width) });

function spansOf({ turns }: ReportFacts): readonly Span[] {
  return turns.flatMap((turn): Span[] => {
    const said = turn.proposed ?? turn.finished ?? turn.invalid;
    const saidMs = said === undefined ? 0 : Date.parse(said.at);
    const model =
      said === undefined ? [] : [span("model", turn.turn, said.data.model, saidMs - said.data.latency_ms, saidMs)];
    const gates = [...turn.decisions.map(({ at, data }) => ({ at, what: data.decision })), ...ends(turn)].map(
      ({ at, what }) => span("gate", turn.turn, what, Date.parse(at), Date.parse(at)),
    );
    const wait = waitOf(turn);
    const people =
      wait === undefined ? [] : [span("people", turn.turn, turn.requested?.data.type ?? "", wait.fromMs, wait.toMs)];
    const { permitted, returned } = turn;
    const startMs = permitted === undefined ? 0 : Date.parse(permitted.at);
    const tool =
      permitted === undefined || returned === undefined
        ? []
        : [span("tool", turn.turn, permitted.data.tool, startMs, startMs + returned.data.latency_ms)];
    return [...model, ...gates, ...people, ...tool];
  });
}

const ends = ({ finished, invalid }: ReportFacts["turns"][number]) => [
  ...(finished === undefined ? [] : [{ at: finished.at, what: "finish" }]),
  ...(invalid === undefined ? [] : [{ at: invalid.at, what: "no valid action" }]),
];

function span(lane: Lane, turn: number, what: string, fromMs: number, toMs: number): Span {
  const took = lane === "gate" ? "" : `, ${msText(toMs - fromMs)}`;
  return { lane, turn, label: `${what}${took}`, fromMs, toMs };
}

/** `184 ms`, `1.2 s`, `4 h 2 min` */
export function msText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : durationText(ms);
}

interface Scale {
  at(ms: number): number;
  readonly cuts: readonly Cut[];
}

function scaleOf(marks: readonly number[], spans: readonly Span[]): Scale {
  const works = spans.filter(({ lane, fromMs, toMs }) => lane !== "people" && toMs > fromMs);
  const pieces = marks.slice(1).map((toMs, index) => {
    const fromMs = marks[index] ?? toMs;
    return { fromMs, toMs, busy: works.some((one) => one.fromMs < toMs && one.toMs > fromMs) };
  });
  const busyMs = pieces.reduce((sum, { fromMs, toMs, busy }) => (busy ? sum + toMs - fromMs : sum), 0);
  const longest = Math.max(1, busyMs) * CUT_SHARE;
  const drawn = pieces.map((piece) => {
    const ms = piece.toMs - piece.fromMs;
    const cut = !piece.busy && ms > longest;
    return { ...piece, ms, cut, weight: cut ? longest : ms };
  });
  const total = drawn.reduce((sum, { weight }) => sum + weight, 0) || 1;
  const places = new Map<number, number>();
  const cuts: Cut[] = [];
  let x = 0;
  for (const { fromMs, toMs, ms, cut, weight } of drawn) {
    places.set(fromMs, x);
    const width = (weight / total) * WIDTH;
    // a short one needs no words
    if (cut && ms >= 1000) cuts.push({ x, width, text: durationText(ms) });
    x += width;
    places.set(toMs, x);
  }
  return { at: (ms) => places.get(ms) ?? 0, cuts };
}
