/** Reminders and escalations of a question: when they come, and what the call says. Who is told is decided when it comes. */
import * as z from "zod";
import { sha256Hex } from "../run/canonical.js";
import type { ApprovalView } from "../run/protocol.js";

export const dueCall = z.strictObject({
  due: z.strictObject({
    workflow: z.string().max(64),
    approval_id: z.string().max(64),
    kind: z.enum(["reminder", "escalation"]),
    /** of its kind, from 1 */
    n: z.int().min(1).max(20),
  }),
});
export type DueCall = z.infer<typeof dueCall>["due"];

export interface DueTime {
  readonly name: string;
  /** ISO */
  readonly at: string;
  readonly call: DueCall;
}

/** Names begin with the workflow, by which IAM limits who may create them; the same question gives the same names. */
export const dueNames = (workflow: string): string => `${workflow}-*`;

/** Those that are still to come. */
export function dueTimes(view: ApprovalView, nowMs: number): readonly DueTime[] {
  const { workflow, approval_id } = view;
  const id = sha256Hex(JSON.stringify([view.stage, workflow, approval_id])).slice(0, 16);
  const timesOf = (kind: DueCall["kind"], times: readonly string[]) =>
    times.map((at, index) => ({
      name: `${workflow}-${id}-${kind.slice(0, 1)}${index + 1}`,
      at,
      call: { workflow, approval_id, kind, n: index + 1 },
    }));
  const all = [
    ...timesOf("reminder", view.remind_at),
    ...timesOf(
      "escalation",
      view.escalation.map(({ at }) => at),
    ),
  ];
  return all.filter(({ at }) => Date.parse(at) > nowMs && Date.parse(at) < Date.parse(view.deadline));
}
