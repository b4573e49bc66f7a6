/**
 * What a question measured, as CloudWatch metrics: lines in embedded metric format, which CloudWatch reads from the function's log, so that
 * no function needs a grant for it.
 */
import type { Measured, MeasuredDecision } from "../../lib/approval/measures.js";

export const NAMESPACE = "Countersign/Approvals";
const DIMENSIONS = ["workflow", "tool", "channel"] as const;
/** channel of a question that nobody's answer ended */
const NOBODY = "none";

type Unit = "Count" | "Milliseconds";
type Metrics = Readonly<Record<string, readonly [number, Unit]>>;
type Dimensions = Readonly<Record<(typeof DIMENSIONS)[number], string>>;

/** One line for the question, one for each decision. */
export function metricLines(measured: Measured, nowMs: number): readonly string[] {
  const { workflow, tool, channel, decisions } = measured;
  return [
    line({ workflow, tool, channel: channel ?? NOBODY }, questionMetrics(measured), nowMs),
    ...decisions.map((one) => line({ workflow, tool, channel: one.channel }, decisionMetrics(one), nowMs)),
  ];
}

/** 0 and 1, so that the average is the share. */
function questionMetrics({ end, takenMs }: Measured): Metrics {
  const judged = end === "approved" || end === "rejected" || end === "voided";
  return {
    Questions: [1, "Count"],
    Edited: [Number(end === "edited"), "Count"],
    Expired: [Number(end === "expired"), "Count"],
    ...(judged ? { Approved: [Number(end !== "rejected"), "Count"] } : {}),
    ...(takenMs === null ? {} : { TimeToDecision: [takenMs, "Milliseconds"] }),
  };
}

const decisionMetrics = ({ takenMs, hurried }: MeasuredDecision): Metrics => ({
  DecisionUnderThreeSeconds: [Number(hurried), "Count"],
  TimeBeforeDecision: [takenMs, "Milliseconds"],
});

function line(dimensions: Dimensions, metrics: Metrics, nowMs: number): string {
  const names = Object.entries(metrics);
  return JSON.stringify({
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [DIMENSIONS],
          Metrics: names.map(([Name, [, Unit]]) => ({ Name, Unit })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(names.map(([name, [value]]) => [name, value])),
  });
}

/** Past `console`: with JSON logs the runtime puts what goes there into a `message`, where CloudWatch does not look for metrics. */
export function writeMetrics(measured: Measured, nowMs: number): void {
  process.stdout.write(
    metricLines(measured, nowMs)
      .map((text) => `${text}\n`)
      .join(""),
  );
}
