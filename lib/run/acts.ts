/**
 * What people do about an open question besides deciding, and what becomes of it: rows of the approvals table, inserted once. The gate
 * reads acts when it decides again, and writes outcomes.
 */
import * as z from "zod";
import { approvalChannel, approvalMethod } from "./events.js";

const isoTime = z.iso.datetime({ precision: 3 });
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
/** What people may type, in UTF-16 units; longer words are cut before they are written down. */
export const MAX_WORDS = 2000;
const text = z.string().min(1).max(MAX_WORDS);
/** Who acted and how they showed it. */
const acted = { by: z.string(), channel: approvalChannel, method: approvalMethod, at: isoTime };

export const approvalAct = z.discriminatedUnion("kind", [
  /** the n-th edit, from 1: its insert decides between two at once */
  z.strictObject({
    kind: z.literal("edit"),
    n: z.int().min(1),
    ...acted,
    args: z.record(z.string(), z.json()),
    /** of the action that was edited and of what was shown with it */
    action_hash: hex64,
    view_hash: hex64,
  }),
  z.strictObject({ kind: z.literal("question"), id: z.string(), ...acted, text }),
  /** by the run's owner; everybody who may decide sees it */
  z.strictObject({ kind: z.literal("answer"), id: z.string(), question: z.string(), ...acted, text }),
  /** the delegator does not decide any more, `to` does */
  z.strictObject({ kind: z.literal("delegation"), ...acted, to: z.string(), comment: z.string().max(2000) }),
  /** a fresh code for a link is wanted; `issue` numbers the codes of a link, the first mail's is 0 */
  z.strictObject({
    kind: z.literal("code-wish"),
    link: z.string(),
    issue: z.int().min(1),
    by: z.string(),
    at: isoTime,
  }),
  /** something was not done; one row per code, channel and person, so that nobody can flood */
  z.strictObject({
    kind: z.literal("refused"),
    code: z.string(),
    channel: approvalChannel,
    who: z.string(),
    at: isoTime,
  }),
]);
export type ApprovalAct = z.infer<typeof approvalAct>;
export type ActOf<K extends ApprovalAct["kind"]> = Extract<ApprovalAct, { kind: K }>;

/** Sort key of an act: what may be there once has the same key twice. */
export function actSk(act: ApprovalAct): string {
  switch (act.kind) {
    case "edit":
      return `edit#${String(act.n).padStart(4, "0")}`;
    case "question":
    case "answer":
      return `${act.kind}#${act.id}`;
    case "delegation":
      return `delegation#${act.by}`;
    case "code-wish":
      return `code-wish#${act.link}#${String(act.issue).padStart(4, "0")}`;
    case "refused":
      return `refused#${act.code}#${act.channel}#${act.who}`;
  }
}

/** Somebody was reminded, or told that time has brought them in: by the sender, once the message went out. */
export const approvalTold = z.strictObject({
  kind: z.enum(["reminder", "escalation"]),
  /** of its kind, from 1 */
  n: z.int().min(1).max(20),
  to: z.string(),
  at: isoTime,
});
export type ApprovalTold = z.infer<typeof approvalTold>;

/** What became of a question; `ran` comes after `permitted`. */
export const approvalOutcome = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.enum(["permitted", "rejected", "expired", "voided", "edited", "stopped"]),
    at: isoTime,
    /** ours; no sensitive values */
    reasons: z.array(z.string()),
    /** of `edited`: the question that is open instead; null when none is */
    next_approval_id: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal("ran"),
    at: isoTime,
    status: z.enum(["ok", "error", "unknown"]),
    /** what the outside system calls it (`re_1…`), when the tool's answer says so in clear */
    reference: z.string().max(200).nullable(),
  }),
]);
export type ApprovalOutcome = z.infer<typeof approvalOutcome>;
