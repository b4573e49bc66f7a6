/** What a preview showed, as it stands in the log: what an action would change, field by field, for whoever reads the record later. */
import type { Json } from "./canonical.js";
import type { Commitment } from "./events.js";
import { holdsSensitive } from "./outbound.js";
import { commit, noncesOf, type SealedValue, sealedAs } from "./redact.js";
import type { GateCase, PreviewEvidence } from "./types.js";

export type Preview = Extract<PreviewEvidence, { status: "ok" }>["preview"];
/** Redacted: `{ $commitment }` stands for what is sensitive. */
export interface PreviewRecord {
  readonly before: Json;
  readonly after: Json;
  readonly notes: Json;
}
export interface RedactedPreview {
  readonly record: PreviewRecord;
  /** as the vault takes it */
  readonly sealed: Readonly<Record<string, SealedValue>>;
}

/**
 * A preview has no schema, so nobody marks its fields. Of a tool that has sensitive fields it may hold them under any name: then each part is one
 * commitment. Of others, each field that holds a sensitive value of this run, or what looks like a secret; a part whose field names do is
 * one commitment.
 */
export function redactPreview(gate: GateCase, preview: Preview): RedactedPreview {
  const { input, tool } = gate;
  const isHidden = tool.sensitiveInput.length > 0 || tool.sensitiveOutput.length > 0;
  const nonces = noncesOf(input.runSecret, input.request.turn, "preview");
  const sealed: Record<string, SealedValue> = {};
  // A field has one nonce for before and after: the record tells whether it changes, and not from what to what.
  const hide = (path: string, nonce: string, value: Json): Json => {
    sealed[path] = { nonce, value };
    return { ...commit(value, nonce) } satisfies Commitment;
  };
  const side = (name: "before" | "after"): Json => {
    const fields = preview[name];
    if (isHidden || leaks(gate, namesIn(fields))) return hide(name, nonces("whole"), fields);
    return Object.fromEntries(
      Object.entries(fields).map(([field, value]) =>
        value !== undefined && leaks(gate, value)
          ? [field, hide(`${name}.${field}`, nonces(`field.${field}`), value)]
          : [field, value ?? null],
      ),
    );
  };
  const notes = [...preview.notes];
  const record = {
    before: side("before"),
    after: side("after"),
    notes: notes.length > 0 && (isHidden || leaks(gate, notes)) ? hide("notes", nonces("notes"), notes) : notes,
  };
  return { record, sealed: sealedAs("preview", sealed) };
}

const leaks = ({ input, memory, tool, args }: GateCase, value: unknown): boolean =>
  holdsSensitive(input.contract, memory, { tool, args }, value);

/** Names of all members, at any depth. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap((member) => namesIn(member));
  return Array.isArray(value) ? inside : [...Object.keys(value), ...inside];
}
