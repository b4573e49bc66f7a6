/** What people did about a question besides deciding, as it goes to the log when the gate decides again. */
import type { ApprovalAct } from "./acts.js";
import { sha256Hex } from "./canonical.js";
import { seal } from "./redact.js";
import type { Pending } from "./state.js";
import { isoTime, msOf } from "./time.js";
import type { Entry, GateInput } from "./types.js";

/**
 * The log's transaction holds a hundred events; what people did beyond this stays in the approvals table, but never who handed the decision
 * on (once per person): whether a decision counts depends on it.
 */
const MAX_NOTES = 60;

/** In the order of the rows. Edits have events of their own. */
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
        by: "the clock",
        to: people.join(", "),
        at,
        channel: null,
        code: null,
      }),
    );
  let room = MAX_NOTES - escalated.length - done.filter(isDelegation).length;
  return [...escalated, ...done.filter((entry) => isDelegation(entry) || room-- > 0)];
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
