/** The states that do no work of their own: Pass, Choice, Wait, Succeed and Fail. */
import { EvaluationFault, StateFailure } from "./failure.js";
import type { ChoiceState, FailState, WaitState } from "./machine.js";
import type { Outcome, StateRun } from "./state-run.js";
import type { Template } from "./template.js";
import { parseTimestamp } from "./timestamp.js";

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isString = (value: unknown): value is string => typeof value === "string";

/** The first rule whose condition holds; else the state's own Output and Assign, and its Default. */
export async function runChoice(run: StateRun, state: ChoiceState): Promise<Outcome> {
  for (const [index, rule] of state.rules.entries()) {
    if (await run.evaluateAs(rule.condition, `Choices[${index}]/Condition`, "boolean", isBoolean)) {
      return run.exit(rule, run.input, rule.next);
    }
  }
  if (state.next === undefined) {
    const cause = run.describe("No choice rule matched, and the state has no Default.");
    throw new StateFailure("States.NoChoiceMatched", cause);
  }
  return run.exit(state, run.input, state.next);
}

export async function runWait(run: StateRun, state: WaitState): Promise<Outcome> {
  const { clock } = run.scope.run.seams;
  if (state.seconds !== undefined) {
    await run.scope.sleepUntil(clock.now() + (await run.evaluateCount(state.seconds, "Seconds", 0)) * 1000);
  } else if (state.timestamp !== undefined) {
    const text = await run.evaluateAs(state.timestamp, "Timestamp", "string", isString);
    await run.scope.sleepUntil(waitUntil(text));
  }
  return run.exit(state, run.input, state.next);
}

function waitUntil(text: string): number {
  const atMs = parseTimestamp(text);
  if (atMs !== undefined) return atMs;
  throw new EvaluationFault(
    "Timestamp",
    `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${text}`,
    true,
  );
}

/** Fails with the evaluated Error and Cause; what is not given stays absent. */
export async function runFail(run: StateRun, state: FailState): Promise<never> {
  const evaluate = async (template: Template | undefined, location: string): Promise<string | undefined> =>
    template === undefined ? undefined : run.evaluateAs(template, location, "string", isString);
  const error = await evaluate(state.error, "Error");
  const cause = await evaluate(state.cause, "Cause");
  throw new StateFailure(error, cause);
}
