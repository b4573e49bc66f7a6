/** A replayed run against the recorded one, event by event: identical, or the first place where they part. */
import { appendToChain, GENESIS } from "../audit/chain.js";
import { isJsonObject, type Json, sameJson } from "../run/canonical.js";
import type { NewEvent, RecordedEvent } from "../run/events.js";

export interface Divergence {
  /** of the recorded log, or where it would stand */
  readonly seq: number;
  readonly step: string;
  /** `ActionDecided` */
  readonly event: string;
  /** `data.decision`; the event's type when it is another, or is not there */
  readonly field: string;
  /** null: nothing */
  readonly recorded: Json;
  readonly now: Json;
}
export type Comparison =
  | { readonly identical: true; readonly head: string }
  | { readonly identical: false; readonly divergence: Divergence };

export function compareLogs(recorded: readonly RecordedEvent[], now: readonly RecordedEvent[]): Comparison {
  let head: { readonly seq: number; readonly hash: string } | null = null;
  for (let index = 0; index < Math.max(recorded.length, now.length); index++) {
    const was = recorded[index];
    const is = now[index];
    if (was === undefined || is === undefined) return parted(index, was, is);
    const { workflow, tenant, run_id, at, step } = is;
    const [chained] = appendToChain(head, { workflow, tenant, run_id, at, step }, [asThen(was, withRecorded(was, is))]);
    const place = chained === undefined ? undefined : firstDifference(was, chained, "");
    if (place !== undefined)
      return {
        identical: false,
        divergence: { seq: index + 1, step: was.step, event: was.type, ...place },
      };
    head = chained ?? null;
  }
  return { identical: true, head: head?.hash ?? GENESIS };
}

function parted(index: number, was: RecordedEvent | undefined, is: RecordedEvent | undefined): Comparison {
  const { step, type } = was ?? is ?? { step: "", type: "" };
  const divergence = {
    seq: index + 1,
    step,
    event: type,
    field: "type",
    recorded: was?.type ?? null,
    now: is?.type ?? null,
  };
  return { identical: false, divergence };
}

/** Optional fields that the format gained later: a record of before them has none, and is not told that it should. */
const GAINED: Readonly<Partial<Record<RecordedEvent["type"], readonly string[]>>> = {
  RunStarted: ["data_class"],
  ActionDecided: ["preview"],
};

function asThen(was: RecordedEvent, now: NewEvent): NewEvent {
  const later = (GAINED[now.type] ?? []).filter((field) => !Object.hasOwn(was.data, field));
  if (was.type !== now.type || later.length === 0) return now;
  const copy = structuredClone(now);
  for (const field of later) Reflect.deleteProperty(copy.data, field);
  return copy;
}

/** The replayed event with what cannot come out again, as it hides a value: taken from the record where both have it. */
function withRecorded(
  was: RecordedEvent,
  {
    v: _v,
    prev: _p,
    hash: _h,
    workflow: _w,
    tenant: _t,
    run_id: _r,
    seq: _s,
    at: _a,
    step: _st,
    ...now
  }: RecordedEvent,
): NewEvent {
  if (was.type === "ActionProposed" && now.type === "ActionProposed")
    return { ...now, data: { ...now.data, rationale: both(was.data.rationale, now.data.rationale) } };
  if (was.type === "FinishProposed" && now.type === "FinishProposed")
    return { ...now, data: { ...now.data, summary: both(was.data.summary, now.data.summary) } };
  if (was.type === "ProposalInvalid" && now.type === "ProposalInvalid") {
    const detail =
      was.data.reason === "bad-arguments" && now.data.reason === "bad-arguments" ? was.data.detail : now.data.detail;
    return { ...now, data: { ...now.data, excerpt: was.data.excerpt, detail } };
  }
  if (was.type === "ActionDecided" && now.type === "ActionDecided") {
    const reasons = [...now.data.reasons, ...was.data.reasons.filter((reason) => reason.startsWith("CS-3133 "))];
    const preview_hash = both(was.data.preview_hash, now.data.preview_hash);
    const preview =
      was.data.preview !== undefined && now.data.preview !== undefined ? { preview: was.data.preview } : {};
    return { ...now, data: { ...now.data, reasons, preview_hash, ...preview } };
  }
  if (was.type === "ApprovalNoted" && now.type === "ApprovalNoted")
    return { ...now, data: { ...now.data, text: both(was.data.text, now.data.text) } };
  if (was.type === "ApprovalVoided" && now.type === "ApprovalVoided" && was.data.reason.startsWith("CS-3130 the edit"))
    return now.data.reason.startsWith("CS-3130 the edit")
      ? { ...now, data: { ...now.data, reason: was.data.reason } }
      : now;
  if (was.type === "ApprovalRequested" && now.type === "ApprovalRequested") {
    const preview_hash = both(was.data.preview_hash, now.data.preview_hash);
    return { ...now, data: { ...now.data, preview_hash, view_hash: was.data.view_hash } };
  }
  if (was.type === "ApprovalDecided" && now.type === "ApprovalDecided")
    return { ...now, data: { ...now.data, view_hash: was.data.view_hash } };
  if (
    was.type === "ToolReturned" &&
    now.type === "ToolReturned" &&
    was.data.error !== null &&
    now.data.error !== null
  ) {
    const message = both(was.data.error.message, now.data.error.message);
    return { ...now, data: { ...now.data, error: { ...now.data.error, message } } };
  }
  return now;
}

const both = <T>(was: T | null, now: T | null): T | null => (was === null || now === null ? now : was);

/** Hashes last: they differ because something else does. */
function firstDifference(
  was: unknown,
  is: unknown,
  path: string,
): Pick<Divergence, "field" | "recorded" | "now"> | undefined {
  const [left, right] = [asValue(was), asValue(is)];
  if (sameJson(left, right)) return undefined;
  if (Array.isArray(left) && Array.isArray(right)) {
    const at = Array.from({ length: Math.max(left.length, right.length) }, (_, index) => index);
    const index = at.find((one) => !sameJson(asValue(left[one]), asValue(right[one]))) ?? 0;
    return firstDifference(left[index], right[index], `${path}[${index}]`);
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return { field: path, recorded: left, now: right };
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  for (const key of [...keys.filter((name) => !/^(prev|hash)$/.test(name)), "prev", "hash"]) {
    const found = firstDifference(left[key], right[key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return { field: path, recorded: left, now: right };
}

function asValue(value: unknown): Json {
  const plain: Json | undefined = value === undefined ? null : JSON.parse(JSON.stringify(value));
  return plain ?? null;
}

/** What of a run is compared, and what is taken from the record because the log hides its value. */
export const COMPARED =
  "compared: every event, in order, with every field of it and the hash chain. Not in the log, so taken from the record: the texts behind commitments (rationale, summary, excerpts, error messages, sensitive fields), what previews and approval pages showed (only whether it changed), the agent's and the tools' own work, the day's sums of others, and the outbound check of runs that hold sensitive values";
