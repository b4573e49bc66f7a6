/** What page and Slack say about an approved action once it ran. */
import type { Question } from "./question.js";
import { instantText } from "./times.js";
import { drawn } from "./visible.js";

/** Whether it ran, and as what; null: not yet. */
export function ranWords({ outcomes }: Question, timeZone: string): string | null {
  const ran = outcomes.find((outcome) => outcome.kind === "ran");
  if (ran?.kind !== "ran") return null;
  if (ran.status === "unknown")
    return "It was started, and nobody knows yet whether it happened: a person has to look.";
  const reference = ran.reference === null ? "" : ` (${drawn(ran.reference)})`;
  return `${ran.status === "ok" ? "It ran" : "It was tried and failed"} by ${instantText(ran.at, timeZone)}${reference}.`;
}
