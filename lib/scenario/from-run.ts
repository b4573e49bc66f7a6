/**
 * A recorded run as a scenario of the bank: what came in, what the agent said, how people answered, and what came of it. Values that are in the log as
 * commitments only stand as `(not in the log)`; what the outside systems held is not in the log either and comes from `sandbox/seed.json`.
 */
import { fieldsOf } from "../approval/fields.js";
import { CountersignError } from "../errors.js";
import { isJsonObject, type Json, type JsonObject } from "../run/canonical.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import { approvalResults, of } from "./compare.js";

const NOT_IN_LOG = "(not in the log)";
type Proposed = EventOf<"ActionProposed"> | EventOf<"FinishProposed"> | EventOf<"ProposalInvalid">;

export interface FromRun {
  /** as `scenarioFile` reads it; JSON */
  readonly scenario: JsonObject;
  /** paths in it whose values are not in the log */
  readonly missing: readonly string[];
}

/** @throws CountersignError CS-5143 for a run that a scenario cannot tell */
export function scenarioFromRun(events: readonly RecordedEvent[]): FromRun {
  const [started] = events;
  const closed = of(events, "RunClosed")[0];
  if (started?.type !== "RunStarted" || closed === undefined)
    throw untold(events, "it was refused or is still open, and a scenario is a run that ended");
  if (closed.data.closed_by === "close-run")
    throw untold(events, "its execution ended from outside, which no scenario does");
  const missing: string[] = [];
  const plain = (value: Json, path: string) => withoutCommitments(value, path, missing);
  const proposals = events.filter(
    (event): event is Proposed =>
      event.type === "ActionProposed" || event.type === "FinishProposed" || event.type === "ProposalInvalid",
  );
  const scenario: JsonObject = {
    description: `From run ${started.run_id}: ${closed.data.outcome.status} (${closed.data.outcome.reason}).`,
    at: started.at,
    tenant: started.tenant,
    input: plain(started.data.input, "input"),
    turns: proposals.map((event, index) => turnOf(event, (value) => plain(value, `turns[${index}].args`))),
    approvals: of(events, "ApprovalRequested").map((asked, index) =>
      answersTo(events, asked, (value) => plain(value, `approvals[${index}].answers`)),
    ),
    expect: expectations(events, closed),
  };
  return { scenario, missing };
}

const untold = (events: readonly RecordedEvent[], why: string) =>
  new CountersignError(
    "CS-5143",
    `run ${events[0]?.run_id ?? ""}: ${why}; name another run (\`countersign run list\`)`,
  );

function withoutCommitments(value: Json, path: string, missing: string[]): Json {
  if (Array.isArray(value))
    return value.map((item: Json, index) => withoutCommitments(item, `${path}[${index}]`, missing));
  if (!isJsonObject(value)) return value;
  if (typeof value.$commitment === "string" && Object.keys(value).length === 1) {
    missing.push(path);
    return NOT_IN_LOG;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withoutCommitments(member, `${path}.${key}`, missing)]),
  );
}

function turnOf(event: Proposed, plain: (value: Json) => Json): JsonObject {
  const usage = { inputTokens: event.data.prompt_tokens, outputTokens: event.data.completion_tokens };
  switch (event.type) {
    case "ActionProposed": {
      const { tool, args, confidence_percent: confidence, rationale } = event.data;
      return { tool, args: plain(args), confidence, ...(rationale === null ? {} : { say: NOT_IN_LOG }), usage };
    }
    case "FinishProposed": {
      const { outcome, summary } = event.data;
      return { finish: { outcome, ...(summary === null ? {} : { summary: NOT_IN_LOG }) }, usage };
    }
    case "ProposalInvalid":
      return invalidTurn(event.data.reason);
  }
}

/** Something else that is wrong in the same way, as what was said is not in the log. */
function invalidTurn(reason: EventOf<"ProposalInvalid">["data"]["reason"]): JsonObject {
  switch (reason) {
    case "unknown-tool":
      return { tool: "unknown.tool", args: {} };
    case "unknown-outcome":
      return { finish: { outcome: NOT_IN_LOG } };
    case "model-error":
      return { fault: "ModelErrorException" };
    case "prose":
      return { text: NOT_IN_LOG };
    default:
      throw new CountersignError(
        "CS-5143",
        `the run holds an invalid answer (${reason}) whose text is not in the log; write this scenario by hand (docs/scenarios.md)`,
      );
  }
}

/** Decisions, and what decides who decides and about what; questions to the owner change neither, and their words are not in the log. */
function answersTo(
  events: readonly RecordedEvent[],
  asked: EventOf<"ApprovalRequested">,
  plain: (value: Json) => Json,
): JsonObject {
  const own = ({ data }: { readonly data: { readonly approval_id: string } }) =>
    data.approval_id === asked.data.approval_id;
  const decisions = of(events, "ApprovalDecided")
    .filter(own)
    .map(({ data: { approver: by, decision, comment, decided_at: at } }) => ({
      at,
      answer: { by, decision, comment },
    }));
  const delegations = of(events, "ApprovalNoted")
    .filter(own)
    .flatMap(({ data: { kind, by, to, at } }) =>
      kind === "delegation" && to !== null ? [{ at, answer: { by, decision: "delegate", to } }] : [],
    );
  const edits = of(events, "ActionEdited")
    .filter(own)
    .map(({ data: { editor: by, edited_at: at, args } }) => ({
      at,
      answer: { by, decision: "edit", args: plain(changedArgs(argsBefore(events, asked), args)) },
    }));
  const answers = [...decisions, ...delegations, ...edits]
    .sort((one, other) => one.at.localeCompare(other.at))
    .map(({ answer }) => answer);
  const step = `${asked.data.turn}.approval`;
  const stopped = events.some(
    (event) => event.step === step && event.type === "RunClosed" && event.data.outcome.reason === "brake",
  );
  return { answers, ...(stopped ? { stop: true } : {}) };
}

/** Of the action that was asked about: what the agent proposed, or the edit before. */
function argsBefore(events: readonly RecordedEvent[], asked: EventOf<"ApprovalRequested">): Json {
  const before = events.findLast(
    (event) =>
      event.seq < asked.seq &&
      (event.type === "ActionProposed" || event.type === "ActionEdited") &&
      event.data.turn === asked.data.turn,
  );
  return before?.type === "ActionProposed" || before?.type === "ActionEdited" ? before.data.args : {};
}

function changedArgs(before: Json, after: Json): JsonObject {
  const fields = (args: Json) => (isJsonObject(args) ? fieldsOf(args, []) : []);
  const was = new Map(fields(before).map(({ name, value }) => [name, value]));
  const changed = fields(after).filter(({ name, value }) => was.get(name) !== value);
  return Object.fromEntries(changed.map(({ label, value }) => [label, value]));
}

function expectations(events: readonly RecordedEvent[], closed: EventOf<"RunClosed">): JsonObject {
  return {
    decisions: of(events, "ActionDecided").map(({ data }) => {
      const { turn, tool, decision, policy, checks } = data;
      const failed = checks.find(({ result }) => result === "failed")?.name;
      return {
        turn,
        tool,
        decision,
        ...(policy === null ? {} : { determining: [...policy.determining], denied_by: [...policy.denied_by] }),
        ...(failed === undefined ? {} : { failed }),
      };
    }),
    invalid: of(events, "ProposalInvalid").map(({ data }) => ({ turn: data.turn, reason: data.reason })),
    approvals: approvalResults(events),
    tools: of(events, "ToolReturned").map(({ data }) => ({ tool: data.tool, status: data.status })),
    outcome: { ...closed.data.outcome },
  };
}
