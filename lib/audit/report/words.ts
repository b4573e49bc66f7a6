/** A run in sentences, and the answers to the four questions of an incident. Ours, from recorded facts; names and ids of the record are data. */
import { durationText } from "../../contract/units.js";
import { usdText } from "../../run/money.js";
import { type ReportFacts, type Turn, waitOf } from "./facts.js";

/** Whole sentences. */
export function summaryOf(facts: ReportFacts): readonly string[] {
  const { record, started, refused, closed, turns } = facts;
  if (refused !== undefined)
    return [
      `${record.requester} asked for a run of ${record.workflow} for tenant ${record.tenant_id}. It was refused at the front door: ${refused.data.code}, ${refused.data.reason}. Nothing ran.`,
    ];
  const acted = turns.filter(({ permitted }) => permitted !== undefined);
  const asked = turns.filter(({ requested }) => requested !== undefined);
  const denied = turns.filter(({ decisions }) => decisions.at(-1)?.data.decision === "deny");
  const recommended = turns.filter(({ decisions }) => decisions.at(-1)?.data.decision === "recommend");
  const spent = closed?.data.spent_micro_usd ?? 0;
  return [
    `${record.requester} asked for this run of ${record.workflow} (contract version ${started?.data.contract_version ?? "?"}) for tenant ${record.tenant_id}. The agent, ${record.model ?? "unknown"}, made ${count(turns.length, "proposal")}, at autonomy ${started?.data.autonomy ?? "unknown"}.`,
    `${count(acted.length, "tool call")} ${acted.length === 1 ? "was" : "were"} permitted${listed(acted)}. ${count(denied.length, "action")} ${denied.length === 1 ? "was" : "were"} denied${listed(denied)}.${recommended.length === 0 ? "" : ` ${count(recommended.length, "write")} ${recommended.length === 1 ? "was" : "were"} recorded as recommendations and did not run${listed(recommended)}.`}`,
    ...asked.map(approvalSentence),
    closed === undefined
      ? "The run is still open."
      : `It ended as ${closed.data.outcome.status} (${closed.data.outcome.reason}), ${closed.data.closed_by === "gate" ? "as the gate recorded" : "closed from outside because its state machine did not finish"}, and cost ${usdText(spent)} USD of ${usdText(started?.data.budget_micro_usd ?? 0)} USD.`,
  ];
}

const count = (value: number, what: string) => `${value} ${what}${value === 1 ? "" : "s"}`;
const toolOf = ({ proposed }: Turn) => proposed?.data.tool ?? "";
function listed(turns: readonly Turn[]): string {
  return turns.length === 0 ? "" : `: ${turns.map((turn) => `${toolOf(turn)} (step ${turn.turn})`).join(", ")}`;
}

function approvalSentence(turn: Turn): string {
  const { requested, requests, answers, expired, voids } = turn;
  const last = requests.at(-1)?.data;
  const needed = last?.needed === 2 ? "Two people were" : "One person was";
  const wait = waitOf(turn);
  const after = wait === undefined ? "" : ` after ${durationText(wait.toMs - wait.fromMs)}`;
  const said = answers
    .map(({ data }) => `${data.approver} ${data.decision === "approve" ? "approved" : "rejected"}`)
    .join(", ");
  // What ended a question before the last one put another in its place.
  const again = voids.filter(({ data }) => data.approval_id !== last?.approval_id);
  const came = [
    ...again.map(({ data }) => `it was asked again (${data.reason})`),
    said,
    expired === undefined ? "" : "the time ran out, which denies",
    ...voids.filter((one) => !again.includes(one)).map(({ data }) => `the approval became void (${data.reason})`),
  ].filter((part) => part !== "");
  return `${needed} asked about ${toolOf(turn)} in step ${turn.turn} by the policy ${requested?.data.type ?? ""}; ${came.length === 0 ? "nobody has answered yet" : came.join("; ")}${after}.`;
}

export interface CallAnswer {
  readonly turn: number;
  readonly tool: string;
  /** SHA-256 of the context object that the proposal was made from, and what it held */
  readonly contextHash: string;
  readonly context: readonly string[];
  /** `@id`s */
  readonly policies: readonly string[];
  readonly approvals: readonly string[];
  readonly result: string;
  /** checks that looked at this action and let it pass, with what they said */
  readonly passed: readonly string[];
  readonly untrusted: boolean;
  readonly confidencePercent: number;
}

/** One for every call that ran, writes and reads alike. */
export function callAnswers({ turns, started }: ReportFacts): readonly CallAnswer[] {
  return turns.flatMap((turn) => {
    const { permitted, proposed, returned, answers } = turn;
    const decided = turn.decisions.at(-1);
    if (permitted === undefined || proposed === undefined || decided === undefined) return [];
    const before = turns.filter((other) => other.turn < turn.turn && other.returned?.data.status === "ok");
    const untrusted = before.filter((other) => other.returned?.data.untrusted === true);
    return [
      {
        turn: turn.turn,
        tool: permitted.data.tool,
        contextHash: proposed.data.context_hash,
        context: [
          `the admitted input (hash ${started?.data.input_hash.slice(0, 16) ?? "?"})`,
          ...before.map(
            (other) =>
              `the result of ${toolOf(other)} in step ${other.turn}${other.returned?.data.untrusted === true ? ", text written outside" : ""}`,
          ),
        ],
        policies: decided.data.policy?.determining ?? [],
        approvals: answers.filter(({ data }) => data.decision === "approve").map(({ data }) => data.approver),
        result:
          returned === undefined
            ? "no outcome is recorded"
            : `${returned.data.status}${returned.data.error === null ? "" : ` (${returned.data.error.code})`}`,
        passed: decided.data.checks
          .filter(({ result }) => result === "passed")
          .map(({ name, detail }) => (detail === "" ? name : `${name} (${detail})`)),
        untrusted: untrusted.length > 0,
        confidencePercent: proposed.data.confidence_percent,
      },
    ];
  });
}
