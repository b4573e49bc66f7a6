/** Every kind of damage that docs/log-format.md names, done to an export by somebody who writes the manifest anew and has no key. */
import { appendToChain } from "../../lib/audit/chain.js";
import { jcs } from "../../lib/run/canonical.js";
import type { NewEvent, RecordedEvent } from "../../lib/run/events.js";
import { parse, resigned, withOwnManifest } from "./exported.js";

export interface Damage {
  readonly lines: readonly string[];
  /** codes of which the first fault must be one */
  readonly expected: readonly string[];
}
/** @param place of the record, checkpoint or digest; undefined when there is no such damage there */
export type Kind = (lines: readonly string[], place: number, other: number) => Damage | undefined;

const isEvent = (line: string) => line.includes('"data":{');
const isCheckpoint = (line: string) => line.includes('"type":"Checkpoint"');
const isDigest = (line: string) => line.includes('"type":"Digest"');
const nameOf = (line: string) => {
  const { workflow, tenant, run_id } = parse(line) ?? {};
  return `${workflow}#${tenant}#${run_id}`;
};
const nth = (lines: readonly string[], is: (line: string) => boolean, place: number): number => {
  const places = lines.flatMap((line, index) => (is(line) ? [index] : []));
  return places[place % Math.max(1, places.length)] ?? -1;
};
/** lines of the run that this line is of, digests apart */
const runAt = (lines: readonly string[], index: number): number[] => {
  const name = nameOf(lines[index] ?? "");
  return lines.flatMap((line, at) =>
    !isDigest(line) && !line.includes("ExportManifest") && nameOf(line) === name ? [at] : [],
  );
};
const coveredTo = (lines: readonly string[], run: readonly number[]): number =>
  Math.max(0, ...run.filter((at) => isCheckpoint(lines[at] ?? "")).map((at) => parse(lines[at] ?? "").seq));

/** The run's records with one changed, or one more, and every hash after it made anew. */
function rewritten(lines: readonly string[], index: number, change: (event: NewEvent) => NewEvent[]): string[] {
  const seq = parse(lines[index] ?? "").seq;
  const chained: RecordedEvent[] = [];
  const made = [...lines];
  const run = runAt(lines, index).filter((at) => isEvent(lines[at] ?? ""));
  const added: string[] = [];
  for (const at of run) {
    const {
      v: _v,
      workflow,
      tenant,
      run_id,
      seq: old,
      at: time,
      step,
      prev: _p,
      hash: _h,
      ...event
    } = parse(lines[at] ?? "");
    const events = old === seq ? change(event) : [event];
    const next = appendToChain(chained.at(-1) ?? null, { workflow, tenant, run_id, step, at: time }, events);
    chained.push(...next);
    made[at] = jcs(next[0]);
    if (next[1] !== undefined) added.push(jcs(next[1]));
  }
  if (added[0] !== undefined) made.splice(index + 1, 0, added[0]);
  return made;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  "a record edited": (lines, place) => {
    const index = nth(lines, isEvent, place);
    const line = lines[index] ?? "";
    const edited = line.replace(/"step":"([^"]*)"/, '"step":"$1x"');
    return { lines: withOwnManifest(lines.with(index, edited)), expected: ["CS-5103"] };
  },
  "a record edited, and every hash after it made anew": (lines, place) => {
    const index = nth(lines, isEvent, place);
    if (parse(lines[index] ?? "").seq > coveredTo(lines, runAt(lines, index))) return undefined;
    const changed = rewritten(lines, index, (event) => [
      { ...event, data: { ...event.data, ...marked(event) } } as NewEvent,
    ]);
    return {
      lines: withOwnManifest(changed),
      expected: ["CS-5164", "CS-5122", "CS-5123", "CS-5124", "CS-5126", "CS-5127", "CS-5128", "CS-5129"],
    };
  },
  "a record removed": (lines, place) => {
    const index = nth(lines, isEvent, place);
    if (parse(lines[index] ?? "").seq > coveredTo(lines, runAt(lines, index))) return undefined;
    const expected = ["CS-5105", "CS-5164", "CS-5167"];
    return { lines: withOwnManifest(lines.toSpliced(index, 1)), expected };
  },
  "a record inserted, and every hash after it made anew": (lines, place) => {
    const index = nth(lines, isEvent, place);
    const { seq, type } = parse(lines[index] ?? "");
    if (seq > coveredTo(lines, runAt(lines, index)) || type === "RunClosed" || type === "RunRefused") return undefined;
    const note = {
      type: "ApprovalExpired",
      data: { turn: 99, approval_id: "ap_x", deadline: "2026-11-21T12:00:00.000Z" },
    } as NewEvent;
    return { lines: withOwnManifest(rewritten(lines, index, (event) => [event, note])), expected: ["CS-5164"] };
  },
  "two records swapped": (lines, place) => {
    const index = nth(lines, isEvent, place);
    const next = runAt(lines, index).find((at) => at > index && isEvent(lines[at] ?? ""));
    if (next === undefined) return undefined;
    const swapped = lines.with(index, lines[next] ?? "").with(next, lines[index] ?? "");
    return { lines: withOwnManifest(swapped), expected: ["CS-5105"] };
  },
  "a record repeated": (lines, place) => {
    const index = nth(lines, isEvent, place);
    return { lines: withOwnManifest(lines.toSpliced(index, 0, lines[index] ?? "")), expected: ["CS-5107"] };
  },
  "a run cut off": (lines, place) => {
    const index = nth(lines, isEvent, place);
    const run = runAt(lines, index);
    const cut = new Set(run.filter((at) => at >= index));
    if (cut.size === run.length || parse(lines[index] ?? "").seq > coveredTo(lines, run)) return undefined;
    return { lines: withOwnManifest(lines.filter((_, at) => !cut.has(at))), expected: ["CS-5167"] };
  },
  "a run put back to an old checkpoint": (lines, place) => {
    const index = nth(lines, (line) => isCheckpoint(line) && parse(line).from > 1, place);
    if (index < 0) return undefined;
    const before =
      runAt(lines, index)
        .filter((at) => isCheckpoint(lines[at] ?? "") && at < index)
        .at(-1) ?? 0;
    const cut = new Set(runAt(lines, index).filter((at) => at > before));
    return { lines: withOwnManifest(lines.filter((_, at) => !cut.has(at))), expected: ["CS-5167"] };
  },
  "an old segment put in again": (lines, place) => {
    const index = nth(lines, isCheckpoint, place);
    const segment = runAt(lines, index)
      .filter((at) => at <= index)
      .map((at) => lines[at] ?? "");
    return { lines: withOwnManifest(lines.toSpliced(index + 1, 0, ...segment)), expected: ["CS-5107"] };
  },
  "records of two runs exchanged": (lines, place, other) => {
    const [a, b] = [nth(lines, isEvent, place), nth(lines, isEvent, other)];
    if (nameOf(lines[a] ?? "") === nameOf(lines[b] ?? "")) return undefined;
    const exchanged = lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "");
    return { lines: withOwnManifest(exchanged), expected: ["CS-5105", "CS-5106", "CS-5107", "CS-5164"] };
  },
  "a record passed off as another run's": (lines, place, other) => {
    const [a, b] = [nth(lines, isEvent, place), nth(lines, isEvent, other)];
    if (nameOf(lines[a] ?? "") === nameOf(lines[b] ?? "")) return undefined;
    const { tenant } = parse(lines[b] ?? "");
    const renamed = (lines[a] ?? "").replace(/"tenant":"[^"]*"/, `"tenant":"${tenant}"`);
    return { lines: withOwnManifest(lines.with(a, renamed)), expected: ["CS-5103", "CS-5105", "CS-5106", "CS-5107"] };
  },
  "a whole run removed": (lines, place) => {
    const run = new Set(runAt(lines, nth(lines, isCheckpoint, place)));
    return { lines: withOwnManifest(lines.filter((_, at) => !run.has(at))), expected: ["CS-5167"] };
  },
  "a whole run added": (lines, place) => {
    const index = nth(lines, (line) => isEvent(line) && parse(line).seq === 1, place);
    // A chain of its own, under a name that no digest knows, begun before most of them.
    const run = runAt(lines, index).filter((at) => isEvent(lines[at] ?? ""));
    const chained: RecordedEvent[] = [];
    for (const at of run) {
      const {
        v: _v,
        workflow,
        tenant: _t,
        run_id,
        seq: _s,
        at: _a,
        step,
        prev: _p,
        hash: _h,
        ...event
      } = parse(lines[at] ?? "");
      const envelope = { workflow, tenant: "added", run_id, step, at: "2026-11-21T12:00:00.000Z" };
      chained.push(...appendToChain(chained.at(-1) ?? null, envelope, [event]));
    }
    return {
      lines: withOwnManifest(lines.toSpliced(run[0] ?? 0, 0, ...chained.map((event) => jcs(event)))),
      expected: ["CS-5168"],
    };
  },
  "a checkpoint removed": (lines, place) => {
    const index = nth(lines, isCheckpoint, place);
    return { lines: withOwnManifest(lines.toSpliced(index, 1)), expected: ["CS-5163", "CS-5167"] };
  },
  "a checkpoint edited": (lines, place) => {
    const index = nth(lines, isCheckpoint, place);
    const edited = (lines[index] ?? "").replace(
      /"closed":(true|false)/,
      (_, closed) => `"closed":${closed !== "true"}`,
    );
    return { lines: withOwnManifest(lines.with(index, edited)), expected: ["CS-5160"] };
  },
  "a checkpoint signed with another key": (lines, place) => {
    const index = nth(lines, isCheckpoint, place);
    return { lines: withOwnManifest(lines.with(index, resigned(lines[index] ?? "", {}))), expected: ["CS-5162"] };
  },
  "a checkpoint with another one's signature": (lines, place) => {
    const [a, b] = [nth(lines, isCheckpoint, place), nth(lines, isCheckpoint, place + 1)];
    if (a === b) return undefined;
    const { signature } = parse(lines[b] ?? "");
    const forged = (lines[a] ?? "").replace(/"signature":"[^"]*"/, `"signature":"${signature}"`);
    return { lines: withOwnManifest(lines.with(a, forged)), expected: ["CS-5161"] };
  },
  "a checkpoint of another run": (lines, place) => {
    const [a, b] = [nth(lines, isCheckpoint, place), nth(lines, isCheckpoint, place + 1)];
    if (nameOf(lines[a] ?? "") === nameOf(lines[b] ?? "")) return undefined;
    return { lines: withOwnManifest(lines.with(a, lines[b] ?? "")), expected: ["CS-5164"] };
  },
  "a digest removed": (lines, place) => {
    const places = lines.flatMap((line, index) => (isDigest(line) ? [index] : []));
    // With the newest goes all that tells of it: the manifest that was written with it still counts it.
    const index = places[place % places.length] ?? -1;
    const cut = lines.toSpliced(index, 1);
    return { lines: index === places.at(-1) ? cut : withOwnManifest(cut), expected: ["CS-5166"] };
  },
  "all digests removed": (lines) => ({
    lines: withOwnManifest(lines.filter((line) => !isDigest(line))),
    expected: ["CS-5166"],
  }),
  "two digests swapped": (lines, place) => {
    const [a, b] = [nth(lines, isDigest, place), nth(lines, isDigest, place + 1)];
    if (a === b) return undefined;
    return {
      lines: withOwnManifest(lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "")),
      expected: ["CS-5166", "CS-5168"],
    };
  },
  "a digest edited": (lines, place) => {
    const index = nth(lines, isDigest, place);
    const edited = (lines[index] ?? "").replace(/"stage":"dev"/, '"stage":"prod"');
    return { lines: withOwnManifest(lines.with(index, edited)), expected: ["CS-5160"] };
  },
  "a line cut in two": (lines, place) => {
    const index = nth(lines, () => true, place);
    const line = lines[index] ?? "";
    return { lines: lines.toSpliced(index, 1, line.slice(0, 40), line.slice(40)), expected: ["CS-5101"] };
  },
  "the file cut off": (lines, place) => {
    const keep = place % (lines.length - 1);
    return { lines: lines.slice(0, keep), expected: ["CS-5108", "CS-5166", "CS-5167"] };
  },
};

/** Some member of the event's data, changed so that the event still has its form. */
function marked(event: NewEvent): object {
  const numbers = Object.entries(event.data).find(
    ([name, value]) => typeof value === "number" && /latency|tokens|attempts/.test(name),
  );
  if (numbers !== undefined) return { [numbers[0]]: Number(numbers[1]) + 1 };
  const texts = Object.entries(event.data).find(
    ([name, value]) => typeof value === "string" && /agent|reason|comment|requester|type$/.test(name),
  );
  if (texts !== undefined) return { [texts[0]]: `${texts[1]}x` };
  if ("typed_confirmation" in event.data) return { typed_confirmation: !event.data.typed_confirmation };
  if ("reasons" in event.data) return { reasons: ["x"] };
  if ("not_after" in event.data) return { not_after: "2030-01-01T00:00:00.000Z" };
  return { outcome: { status: "refunded", reason: "forged" } };
}
