/** What people did about a question besides deciding, as it goes to the log when the gate decides again. */
import type { ApprovalAct, ApprovalTold } from "./acts.js";
import { sha256Hex } from "./canonical.js";
import type { NewEvent } from "./events.js";
import { seal } from "./redact.js";
import type { Pending } from "./state.js";
import { isoTime, msOf } from "./time.js";
import type { Entry, GateInput } from "./types.js";

/**
 * The log's transaction holds a hundred events; what people did beyond this stays in the approvals table, but never who handed the decision
 * on (once per person): whether a decision counts depends on it.
 */
const MAX_NOTES = 60;

/** Who writes the note: time brings people in by itself, and the sender tells them. */
export const CLOCK = "the clock";
export const SENDER = "approval-sender";
const BETWEEN_PEOPLE = ", ";

/** A task token was answered and no row says why: by whom, Step Functions does not tell. */
const CALLBACK = { by: "whoever answered the task token", code: "CS-3135" } as const;

export function calledBack({ requested }: Pending, nowMs: number): NewEvent {
  const { turn, approval_id } = requested;
  const nobody = { to: null, channel: null, text: null };
  const data = { turn, approval_id, kind: "refusal" as const, ...CALLBACK, ...nobody, at: isoTime(nowMs) };
  return { type: "ApprovalNoted", data };
}

/** First what time did, then whom the sender told, then what people did, each in the order of its rows. Edits have events of their own. */
export function notedEntries(input: GateInput, { requested }: Pending): readonly Entry[] {
  const acts = input.acts ?? [];
  const about = { turn: requested.turn, approval_id: requested.approval_id };
  const done = acts.flatMap((act) => {
    const note = noteOf(act);
    return note === null ? [] : [noted(input, about, note)];
  });
  const escalated = (requested.escalation ?? [])
    .filter(({ at }) => msOf(at) <= input.nowMs)
    .map(({ at, people }) =>
      noted(input, about, {
        kind: "escalation",
        by: CLOCK,
        to: people.join(BETWEEN_PEOPLE),
        at,
        channel: null,
        code: null,
      }),
    );
  const told = toldNotes(input.told ?? []).map((note) => noted(input, about, note));
  let room = MAX_NOTES - escalated.length - told.length - done.filter(isDelegation).length;
  return [...escalated, ...told, ...done.filter((entry) => isDelegation(entry) || room-- > 0)];
}

/** One note for each reminder and escalation, with everybody whom it reached; the time is the first one's. */
function toldNotes(told: readonly ApprovalTold[]): readonly Note[] {
  const notes = new Map<string, Note>();
  for (const { kind, n, to, at } of told) {
    const before = notes.get(`${kind}#${n}`);
    const people = before?.to == null ? to : `${before.to}${BETWEEN_PEOPLE}${to}`;
    notes.set(`${kind}#${n}`, { kind, by: SENDER, to: people, at: before?.at ?? at, channel: null, code: null });
  }
  return [...notes.values()];
}

/** The rows that such a note was written from, to replay it; `n` tells it from the others alone. */
export function toldOf(
  { kind, by, to, at }: Pick<Note, "kind" | "by" | "to" | "at">,
  n: number,
): readonly ApprovalTold[] {
  if (by !== SENDER || to === null || (kind !== "reminder" && kind !== "escalation")) return [];
  return to.split(BETWEEN_PEOPLE).map((person) => ({ kind, n, to: person, at }));
}

const isDelegation = ({ event }: Entry) => event.type === "ApprovalNoted" && event.data.kind === "delegation";

/** An edit that was not taken: what was wanted is sealed, why not is in the question that follows. */
export const refusedEdit = (
  input: GateInput,
  { requested }: Pending,
  edit: { readonly by: string; readonly at: string; readonly channel: Note["channel"]; readonly args: unknown },
): Entry =>
  noted(
    input,
    { turn: requested.turn, approval_id: requested.approval_id },
    {
      kind: "refusal",
      by: edit.by,
      to: null,
      at: edit.at,
      channel: edit.channel,
      code: "CS-3130",
      text: JSON.stringify(edit.args),
    },
  );

interface Note {
  readonly kind: Extract<Entry["event"], { type: "ApprovalNoted" }>["data"]["kind"];
  readonly by: string;
  readonly to: string | null;
  readonly at: string;
  readonly channel: "page" | "cli" | "slack" | null;
  readonly code: string | null;
  readonly text?: string;
}

function noteOf(act: ApprovalAct): Note | null {
  switch (act.kind) {
    case "edit":
      return null;
    case "question":
    case "answer":
      return { ...act, to: null, code: null };
    case "delegation":
      return { ...act, code: null, ...(act.comment === "" ? {} : { text: act.comment }) };
    case "code-wish":
      return { kind: "code", by: act.by, to: act.by, at: act.at, channel: null, code: null };
    case "refused":
      return { kind: "refusal", by: act.who, to: null, at: act.at, channel: act.channel, code: act.code };
  }
}

function noted(
  { runSecret, nowMs }: GateInput,
  about: { readonly turn: number; readonly approval_id: string },
  { kind, by, to, at, channel, code, text }: Note,
): Entry {
  // Named by what it is, so that a repeat seals the same.
  const what = `note.${sha256Hex(JSON.stringify([about.approval_id, kind, by, at, to, code])).slice(0, 16)}` as const;
  const sealed = text === undefined ? null : seal(runSecret, about.turn, what, text);
  const data = { ...about, kind, by, to, at: at || isoTime(nowMs), channel, text: sealed?.commitment ?? null, code };
  return { event: { type: "ApprovalNoted", data }, sealed: { ...sealed?.sealed } };
}
