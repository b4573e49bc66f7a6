/** What a run did against what its scenario expects. Pure: reads the recorded events and the sandboxes' state. */
import { isDeepStrictEqual } from "node:util";
import type { EventOf, RecordedEvent } from "../run/events.js";
import type { Scenario } from "./format.js";

/** What came of a scenario's run. */
export interface Observed {
  readonly events: readonly RecordedEvent[];
  /** the front door's error code, when it was not admitted */
  readonly refused?: string;
  /** host → state */
  readonly sandbox: Readonly<Record<string, unknown>>;
}

/** Every difference, one line each; empty when the run did what was expected. */
export function differences(expected: Scenario["expect"], observed: Observed): string[] {
  return [
    ...same("refused", expected.refused, observed.refused),
    ...decisionDifferences(expected, observed.events),
    ...same(
      "invalid proposals",
      expected.invalid,
      of(observed.events, "ProposalInvalid").map(({ data }) => ({ turn: data.turn, reason: data.reason })),
    ),
    ...same("approvals", expected.approvals, approvalResults(observed.events)),
    ...toolDifferences(expected, observed.events),
    ...outcomeDifferences(expected, observed.events),
    ...Object.entries(expected.sandbox).flatMap(([host, state]) =>
      same(`sandbox ${host}`, state, observed.sandbox[host]),
    ),
  ];
}

function decisionDifferences(expected: Scenario["expect"], events: readonly RecordedEvent[]): string[] {
  const decided = of(events, "ActionDecided").map((event) => event.data);
  const found: string[] = [];
  const wanted = expected.decisions;
  for (let at = 0; at < Math.max(wanted.length, decided.length); at++) {
    const want = wanted[at];
    const got = decided[at];
    if (want === undefined || got === undefined) {
      found.push(
        `decision ${at + 1}: expected ${want ? `${want.tool} ${want.decision}` : "none"}, got ${got ? `${got.tool} ${got.decision} (${got.reasons.join("; ")})` : "none"}`,
      );
      continue;
    }
    const label = `decision ${at + 1} (${want.tool})`;
    found.push(
      ...same(label, [want.turn, want.tool, want.decision], [got.turn, got.tool, got.decision], got.reasons.join("; ")),
    );
    if (want.determining !== undefined)
      found.push(
        ...same(`${label} determining`, [...want.determining].sort(), [...(got.policy?.determining ?? [])].sort()),
      );
    if (want.denied_by !== undefined)
      found.push(...same(`${label} denied by`, [...want.denied_by].sort(), [...(got.policy?.denied_by ?? [])].sort()));
    if (
      want.failed !== undefined &&
      !got.checks.some((check) => check.name === want.failed && check.result === "failed")
    )
      found.push(
        `${label}: check ${want.failed} did not fail; failed: ${
          got.checks
            .filter((check) => check.result === "failed")
            .map((check) => check.name)
            .join(", ") || "none"
        }`,
      );
  }
  return found;
}

export function approvalResults(events: readonly RecordedEvent[]): { type: string; result: string }[] {
  return of(events, "ApprovalRequested").map(({ data }) => {
    const about = <E extends { data: { approval_id: string } }>(list: readonly E[]) =>
      list.filter((event) => event.data.approval_id === data.approval_id);
    const votes = about(of(events, "ApprovalDecided"));
    const result = votes.some((vote) => vote.data.decision === "reject")
      ? "rejected"
      : about(of(events, "ActionEdited")).length > 0
        ? "edited"
        : about(of(events, "ApprovalVoided")).length > 0
          ? "voided"
          : about(of(events, "ApprovalExpired")).length > 0
            ? "expired"
            : votes.length >= data.needed
              ? "approved"
              : "stopped";
    return { type: data.type, result };
  });
}

function toolDifferences(expected: Scenario["expect"], events: readonly RecordedEvent[]): string[] {
  if (expected.tools === undefined) return [];
  return same(
    "tools",
    expected.tools,
    of(events, "ToolReturned").map(({ data }) => ({ tool: data.tool, status: data.status })),
  );
}

function outcomeDifferences(expected: Scenario["expect"], events: readonly RecordedEvent[]): string[] {
  const closed = of(events, "RunClosed").map((event) => event.data.outcome);
  if (expected.outcome === undefined)
    return closed.length === 0 ? [] : [`outcome: expected none, got ${JSON.stringify(closed)}`];
  const [outcome, ...more] = closed;
  if (outcome === undefined || more.length > 0) return [`outcome: expected exactly one, got ${JSON.stringify(closed)}`];
  return [
    ...same("outcome", expected.outcome.status, outcome.status, outcome.reason),
    ...(expected.outcome.reason === undefined ? [] : same("outcome reason", expected.outcome.reason, outcome.reason)),
  ];
}

function same(what: string, expected: unknown, got: unknown, why = ""): string[] {
  if (isDeepStrictEqual(expected, got)) return [];
  return [`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}${why === "" ? "" : ` (${why})`}`];
}

/** The events of one type, typed. */
export function of<T extends RecordedEvent["type"]>(events: readonly RecordedEvent[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
}
