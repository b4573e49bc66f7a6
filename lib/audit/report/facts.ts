/** What a report says of a run, from its events alone: turns, waits, costs, and the answers to an incident's four questions. */
import type { EventOf, EventType, RecordedEvent } from "../../run/events.js";
import { GENESIS } from "../chain.js";
import { type RunRecord, runRecord } from "../record.js";

export interface Turn {
  readonly turn: number;
  readonly proposed: EventOf<"ActionProposed"> | undefined;
  readonly finished: EventOf<"FinishProposed"> | undefined;
  readonly invalid: EventOf<"ProposalInvalid"> | undefined;
  /** in order: asked, then decided again after people answered */
  readonly decisions: readonly EventOf<"ActionDecided">[];
  /** the first question; an edit is followed by another */
  readonly requested: EventOf<"ApprovalRequested"> | undefined;
  readonly requests: readonly EventOf<"ApprovalRequested">[];
  readonly edits: readonly EventOf<"ActionEdited">[];
  readonly voids: readonly EventOf<"ApprovalVoided">[];
  readonly notes: readonly EventOf<"ApprovalNoted">[];
  readonly answers: readonly EventOf<"ApprovalDecided">[];
  readonly expired: EventOf<"ApprovalExpired"> | undefined;
  readonly permitted: EventOf<"ActionPermitted"> | undefined;
  readonly returned: EventOf<"ToolReturned"> | undefined;
}

export interface ReportFacts {
  readonly record: RunRecord;
  readonly events: readonly RecordedEvent[];
  readonly started: EventOf<"RunStarted"> | undefined;
  readonly refused: EventOf<"RunRefused"> | undefined;
  readonly closed: EventOf<"RunClosed"> | undefined;
  readonly turns: readonly Turn[];
  readonly head: string;
}

/** @throws CountersignError CS-5130 without events */
export function reportFacts(events: readonly RecordedEvent[]): ReportFacts {
  const first = <T extends EventType>(type: T) => events.find((event): event is EventOf<T> => event.type === type);
  const numbers = events.flatMap(({ data }) => ("turn" in data ? [data.turn] : []));
  return {
    record: runRecord(events),
    events,
    started: first("RunStarted"),
    refused: first("RunRefused"),
    closed: first("RunClosed"),
    turns: [...new Set(numbers)].sort((a, b) => a - b).map((turn) => turnOf(events, turn)),
    head: events.at(-1)?.hash ?? GENESIS,
  };
}

function turnOf(events: readonly RecordedEvent[], turn: number): Turn {
  const own = events.filter(({ data }) => "turn" in data && data.turn === turn);
  const all = <T extends EventType>(type: T) => own.filter((event): event is EventOf<T> => event.type === type);
  return {
    turn,
    proposed: all("ActionProposed")[0],
    finished: all("FinishProposed")[0],
    invalid: all("ProposalInvalid")[0],
    decisions: all("ActionDecided"),
    requested: all("ApprovalRequested")[0],
    requests: all("ApprovalRequested"),
    edits: all("ActionEdited"),
    voids: all("ApprovalVoided"),
    notes: all("ApprovalNoted"),
    answers: all("ApprovalDecided"),
    expired: all("ApprovalExpired")[0],
    permitted: all("ActionPermitted")[0],
    returned: all("ToolReturned")[0],
  };
}

/** How long people were waited for, and until when; undefined when nobody was asked or the answer is not there yet. */
export function waitOf({
  requested,
  requests,
  decisions,
  expired,
  voids,
}: Turn): { readonly fromMs: number; readonly toMs: number } | undefined {
  if (requested === undefined) return undefined;
  const last = requests.at(-1)?.data.approval_id;
  const answered =
    decisions.findLast(({ seq, data }) => seq > requested.seq && data.decision !== "ask") ??
    expired ??
    voids.find(({ data }) => data.approval_id === last);
  return answered === undefined ? undefined : { fromMs: Date.parse(requested.at), toMs: Date.parse(answered.at) };
}
