/**
 * How a question ends. Whoever first sees that it is over (desk, or the gate when it is woken) inserts one closing row, and that row decides
 * between answers that came at the same moment: everybody is told the same, and the gate counts the decisions it names.
 */
import * as z from "zod";
import type { ActOf, ApprovalAct } from "./acts.js";
import type { ApprovalDecision } from "./events.js";
import { type Delegation, type Panel, standingOf } from "./panel.js";
import { isSamePerson, personKey } from "./people.js";
import type { ApprovalView } from "./protocol.js";
import { isoTime, msOf } from "./time.js";
import { signInOf } from "./withheld.js";

const at = z.iso.datetime({ precision: 3 });
export const closing = z.discriminatedUnion("kind", [
  /** by whom: as many as were needed, or the one who rejected */
  z.strictObject({ kind: z.enum(["approved", "rejected"]), at, by: z.array(z.string()).min(1).max(2) }),
  /** somebody changed the arguments: another question takes its place */
  z.strictObject({ kind: z.literal("edited"), at, by: z.array(z.string()).length(1) }),
  z.strictObject({ kind: z.literal("expired"), at, by: z.array(z.string()).length(0) }),
]);
export type Closing = z.infer<typeof closing>;

/** What is asked, of the request in the log or of what people see. */
export interface Asked extends Panel {
  readonly approval_id: string;
  readonly action_hash: string;
  readonly view_hash: string;
  readonly needed: number;
  readonly sign_in: "code" | "required";
  /** ISO */
  readonly deadline: string;
  readonly requester: string;
}

export const askedOf = (view: ApprovalView, viewHash: string): Asked => ({
  ...view,
  sign_in: signInOf(view),
  view_hash: viewHash,
});

export const delegationsOf = (acts: readonly ApprovalAct[]): readonly Delegation[] =>
  acts.filter((act) => act.kind === "delegation");

/** Why a decision or an edit does not count; null when it does. */
export function barOf(
  asked: Asked,
  acts: readonly ApprovalAct[],
  row: {
    readonly person: string;
    readonly atIso: string;
    readonly method: ApprovalDecision["method"];
    readonly action_hash: string;
    readonly view_hash: string;
  },
): string | null {
  const { person, atIso, method } = row;
  if (row.action_hash !== asked.action_hash || row.view_hash !== asked.view_hash)
    return `${person} was shown something else`;
  const standing = standingOf(asked, delegationsOf(acts), person, atIso);
  if (isSamePerson(asked.requester, person)) return `${person} asked for the run`;
  if (standing === "delegated") return `${person} had handed the decision on`;
  if (standing !== "decider") return `${person} was not asked`;
  if (asked.sign_in === "required" && (method ?? "code") === "code")
    return `${person} gave a mailed code, and a sign-in is required`;
  if (msOf(atIso) >= msOf(asked.deadline)) return `${person} came after the deadline`;
  return null;
}

export interface Counted {
  /** in the order they were made, each person once */
  readonly decisions: readonly ApprovalDecision[];
  /** why others do not count */
  readonly barred: readonly string[];
}

export function countDecisions(asked: Asked, rows: readonly ApprovalDecision[], acts: readonly ApprovalAct[]): Counted {
  const counted = new Map<string, ApprovalDecision>();
  const barred: string[] = [];
  for (const row of [...rows].sort(byTime)) {
    if (row.approval_id !== asked.approval_id || counted.has(personKey(row.approver))) continue;
    const bar = barOf(asked, acts, { ...row, person: row.approver, atIso: row.decided_at, method: row.method });
    if (bar === null) counted.set(personKey(row.approver), row);
    else barred.push(bar);
  }
  return { decisions: [...counted.values()], barred };
}

export function countedEdit(asked: Asked, acts: readonly ApprovalAct[]): ActOf<"edit"> | undefined {
  return acts.find(
    (act): act is ActOf<"edit"> =>
      act.kind === "edit" && barOf(asked, acts, { ...act, person: act.by, atIso: act.at }) === null,
  );
}

/** The end as these rows tell it; null: still open. One rejection ends it; an edit goes before an approval, as it asks again. */
export function closingOf(
  asked: Asked,
  rows: readonly ApprovalDecision[],
  acts: readonly ApprovalAct[],
  nowMs: number,
): Closing | null {
  const { decisions } = countDecisions(asked, rows, acts);
  const now = isoTime(nowMs);
  const rejected = decisions.find(({ decision }) => decision === "reject");
  if (rejected !== undefined) return { kind: "rejected", at: now, by: [rejected.approver] };
  const edit = countedEdit(asked, acts);
  if (edit !== undefined) return { kind: "edited", at: now, by: [edit.by] };
  if (decisions.length >= asked.needed)
    return { kind: "approved", at: now, by: decisions.slice(0, asked.needed).map(({ approver }) => approver) };
  return nowMs >= msOf(asked.deadline) ? { kind: "expired", at: now, by: [] } : null;
}

const byTime = (left: ApprovalDecision, right: ApprovalDecision) =>
  msOf(left.decided_at) - msOf(right.decided_at) || (left.approver < right.approver ? -1 : 1);
