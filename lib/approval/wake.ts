/** Wakes the execution that waits for an answer. What it is told does not matter: the gate reads the rows. */
import type { Approvals } from "../aws/approvals.js";
import type { TokenAnswerer } from "../aws/task-tokens.js";
import type { Question } from "./question.js";

export interface WakeDeps {
  readonly approvals: Pick<Approvals, "readTokens">;
  readonly tokens: TokenAnswerer;
}

/** `waiting`: the question is open, so nobody is woken. `gone`: every task ended or was answered before, which the rows settle. */
export async function wake(
  { approvals, tokens }: WakeDeps,
  { ref, closing }: Pick<Question, "ref" | "closing">,
): Promise<"waiting" | "woken" | "gone"> {
  if (closing === null || closing.kind === "expired") return "waiting";
  const answers = await Promise.all((await approvals.readTokens(ref)).map((sealed) => tokens.answer(ref, sealed)));
  return answers.includes("answered") ? "woken" : "gone";
}
