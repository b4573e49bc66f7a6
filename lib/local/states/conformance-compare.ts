/** Compares a run with a recording: wildcards, regions without order, branches that ran at the same time. */
import { isDeepStrictEqual } from "node:util";
import type { ConformanceCase, ExpectedEvent } from "./conformance-case.js";
import type { HistoryEvent } from "./history.js";
import type { RunOutcome } from "./interpreter.js";

/** Members the recordings left out. */
const NOT_RECORDED: ReadonlySet<string> = new Set(["region", "roleArn"]);
const ANY = "<any>";
const ANY_OR_ABSENT = "<any-or-absent>";

type FlatEvent = Readonly<Record<string, unknown>>;

/** An event as the recordings write it: details beside type and ids, JSON texts as values. */
export function flatEvent({ id, previousEventId, type, details = {} }: HistoryEvent): FlatEvent {
  const flat: Record<string, unknown> = { type, id, previousEventId };
  for (const [name, value] of Object.entries(details)) {
    if (NOT_RECORDED.has(name)) continue;
    if (name === "input" || name === "output" || name === "parameters") flat[name] = JSON.parse(String(value));
    else if (name === "assignedVariables") flat[name] = parseMembers(details.assignedVariables ?? {});
    else flat[name] = value;
  }
  return flat;
}

function parseMembers(texts: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]): [string, unknown] => [name, JSON.parse(text)]));
}

/** Whether `actual` is what the recording says, wildcards included. */
export function matchesValue(expected: unknown, actual: unknown): boolean {
  if (expected === ANY || expected === ANY_OR_ABSENT) return true;
  if (typeof expected === "string" && expected.includes(ANY)) {
    return typeof actual === "string" && wildcardPattern(expected).test(actual);
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, index) => matchesValue(item, actual[index]))
    );
  }
  if (!isRecord(expected)) return isDeepStrictEqual(expected, actual);
  if (!isRecord(actual)) return false;
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].every((key) => {
    if (Object.hasOwn(expected, key) && expected[key] === ANY_OR_ABSENT) return true;
    if (!Object.hasOwn(expected, key) || !Object.hasOwn(actual, key)) return false;
    return matchesValue(expected[key], actual[key]);
  });
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function wildcardPattern(text: string): RegExp {
  const parts = text.split(ANY).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[\\s\\S]*")}$`);
}

/** What differs in how the run ended. */
export function compareOutcome(expected: ConformanceCase["expected"], outcome: RunOutcome): string[] {
  const wanted: Record<string, unknown> = { status: expected.status };
  for (const key of ["output", "error", "cause"] as const) if (key in expected) wanted[key] = expected[key];
  const actual: Record<string, unknown> =
    outcome.status === "SUCCEEDED"
      ? { status: outcome.status, output: JSON.parse(outcome.output) }
      : {
          status: outcome.status,
          ...(outcome.error === undefined ? {} : { error: outcome.error }),
          ...(outcome.cause === undefined ? {} : { cause: outcome.cause }),
        };
  return matchesValue(wanted, actual) ? [] : [difference("outcome", wanted, actual)];
}

function difference(where: string, expected: unknown, actual: unknown): string {
  return `${where}\n    - ${JSON.stringify(expected)}\n    + ${JSON.stringify(actual)}`;
}

/** What differs in the history. */
export function compareHistory(expected: ConformanceCase["expected"], events: readonly HistoryEvent[]): string[] {
  if (expected.history === undefined) return [];
  const wanted = expected.history.map(({ inferred: _, ...event }) => event);
  const actual = events.map(flatEvent);
  const problems: string[] = [];
  const regionAt = (regions: readonly (readonly [number, number])[] | undefined, index: number) =>
    regions?.find(([from]) => from === index);
  for (let index = 0; index < Math.max(wanted.length, actual.length); index++) {
    const unordered = regionAt(expected.unorderedRegions, index);
    const interleaved = regionAt(expected.interleavedRegions, index);
    const region = unordered ?? interleaved;
    if (region !== undefined) {
      const part = (all: readonly FlatEvent[]) => all.slice(region[0], region[1] + 1);
      problems.push(...compareRegion(part(wanted), part(actual), interleaved !== undefined));
      index = region[1];
      continue;
    }
    const want = wanted[index];
    const got = actual[index];
    if (want === undefined || got === undefined || !matchesEvent(want, got)) {
      problems.push(difference(`event ${index + 1}`, want ?? "(no event)", got ?? "(no event)"));
    }
  }
  return problems;
}

/** Ids count only where the recording kept them. */
function matchesEvent(expected: FlatEvent, actual: FlatEvent): boolean {
  const { id, previousEventId, ...rest } = actual;
  const ids = {
    ...("id" in expected ? { id } : {}),
    ...("previousEventId" in expected ? { previousEventId } : {}),
  };
  return matchesValue(expected, { ...rest, ...ids });
}

/** Every expected event has its own counterpart; with `chained`, one that follows the counterpart of its predecessor. */
function compareRegion(expected: readonly FlatEvent[], actual: readonly FlatEvent[], chained: boolean): string[] {
  const left = [...actual];
  const counterpart = new Map<unknown, unknown>();
  const problems: string[] = [];
  for (const want of expected) {
    const found = left.findIndex((got) => {
      const before = counterpart.get(want.previousEventId) ?? want.previousEventId;
      return matchesValue(withoutIds(want), withoutIds(got)) && (!chained || before === got.previousEventId);
    });
    const [got] = found < 0 ? [] : left.splice(found, 1);
    if (got === undefined) problems.push(difference("event in a region without order", want, "(no event)"));
    else counterpart.set(want.id, got.id);
  }
  return [...problems, ...left.map((got) => difference("event in a region without order", "(no event)", got))];
}

function withoutIds(event: FlatEvent | ExpectedEvent): FlatEvent {
  const { id: _id, previousEventId: _previous, ...rest } = event;
  return rest;
}
