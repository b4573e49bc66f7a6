/** Measured questions by workflow and tool: what `countersign approval stats` prints. Pure. */
import type { Measured } from "./measures.js";

export interface ToolStats {
  readonly workflow: string;
  readonly tool: string;
  /** asked in the time that was wanted; the others are how they stand */
  readonly asked: number;
  readonly open: number;
  readonly approved: number;
  readonly rejected: number;
  /** changed by a person and asked again */
  readonly edited: number;
  readonly expired: number;
  /** approved, but what was seen did not hold any more */
  readonly voided: number;
  readonly stopped: number;
  /** of those that people approved or rejected, how many they approved, also when it did not hold; null: none */
  readonly approval_rate: number | null;
  /** from the question to the answer that ended it */
  readonly seconds_to_decision: Quantiles | null;
  /** one for each person */
  readonly decisions: number;
  /** of them, made less than three seconds after the page was opened, or the person was asked */
  readonly hurried: number;
  readonly channels: Readonly<Record<"page" | "slack" | "cli", number>>;
}
export interface Quantiles {
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

export interface AskedOf {
  readonly workflow: string;
  readonly tool: string;
  /** null: open */
  readonly measured: Measured | null;
}

/** By workflow and tool, in the order of their names. */
export function statsOf(questions: readonly AskedOf[]): readonly ToolStats[] {
  const groups = new Map<string, AskedOf[]>();
  for (const one of questions) {
    const name = JSON.stringify([one.workflow, one.tool]);
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, group]) => statsOfTool(group));
}

function statsOfTool(questions: readonly AskedOf[]): readonly ToolStats[] {
  const [first] = questions;
  if (first === undefined) return [];
  const ended = questions.flatMap(({ measured }) => (measured === null ? [] : [measured]));
  const count = (end: Measured["end"]) => ended.filter((one) => one.end === end).length;
  const [approved, rejected, voided] = [count("approved"), count("rejected"), count("voided")];
  const judged = approved + rejected + voided;
  const decisions = ended.flatMap((one) => one.decisions);
  const by = (channel: string) => decisions.filter((one) => one.channel === channel).length;
  return [
    {
      workflow: first.workflow,
      tool: first.tool,
      asked: questions.length,
      open: questions.length - ended.length,
      approved,
      rejected,
      edited: count("edited"),
      expired: count("expired"),
      voided,
      stopped: count("stopped"),
      approval_rate: judged === 0 ? null : (approved + voided) / judged,
      seconds_to_decision: quantiles(ended.flatMap(({ takenMs }) => (takenMs === null ? [] : [takenMs / 1000]))),
      decisions: decisions.length,
      hurried: decisions.filter(({ hurried }) => hurried).length,
      channels: { page: by("page"), slack: by("slack"), cli: by("cli") },
    },
  ];
}

/** Nearest rank: each is a value that was measured. */
function quantiles(values: readonly number[]): Quantiles | null {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const [median, p90, max] = [at(0.5), at(0.9), at(1)];
  return median === undefined || p90 === undefined || max === undefined ? null : { median, p90, max };
}
