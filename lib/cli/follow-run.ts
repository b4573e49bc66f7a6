/** Follows one run at a terminal: tells each step, answers approvals when asked to, tells the outcome and what it cost. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { runRecord } from "../audit/record.js";
import { listApprovals } from "../aws/approval-index.js";
import type { Connection } from "../client/connection.js";
import { readChallenge } from "../client/desk.js";
import { executionHistory, hasEnded, statesEntered } from "../client/history.js";
import { type RunReader, runReader } from "../client/runs.js";
import { verifyEvents } from "../client/verify.js";
import type { Contract } from "../contract/model.js";
import type { SkippingClock } from "../local/clock.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import type { RunRef } from "../run/keys.js";
import { actAs } from "../scenario/act-as.js";
import { of } from "../scenario/compare.js";
import type { Session } from "../scenario/session.js";
import type { Interruption } from "./interruption.js";
import { printable } from "./io.js";
import { timelineLine, usd } from "./timeline.js";

const POLL_MS = 120;
/** Step Functions Standard, eu-central-1 and us-east-1, November 2026: 25 USD per million states entered. */
const MICRO_USD_PER_STATE = 25;

export interface Following {
  readonly session: Session;
  readonly connection: Connection;
  readonly contract: Contract;
  readonly run: RunRef;
  readonly interruption: Interruption;
  /** a person decides, when left out */
  readonly decide?: "approve" | "reject" | "none";
  /** time that is skipped where nobody decides */
  readonly skipping?: SkippingClock;
  say(line: string): void;
}

/** Returns the run's record when it is closed, nothing when interrupted before. */
export async function followRun(following: Following): Promise<ReturnType<typeof runRecord> | undefined> {
  const reader = await runReader(following.connection);
  let told = 0;
  while (!following.interruption.happened) {
    if (following.skipping !== undefined) await following.skipping.settled();
    const events = await reader.events(following.run);
    for (const event of events.slice(told)) {
      const line = timelineLine(event, events.slice(0, event.seq - 1), following.contract);
      if (line !== undefined) following.say(line);
      if (event.type === "ApprovalRequested") await ask(following, event);
    }
    told = events.length;
    if (events.at(-1)?.type === "RunClosed") return conclude(following, reader, events);
    await passTime(following);
  }
  return undefined;
}

async function passTime({ skipping, interruption }: Following): Promise<void> {
  const next = skipping?.nextTimerMs();
  if (skipping !== undefined && next !== undefined) await skipping.advanceTo(next);
  else await interruption.wait(POLL_MS);
}

async function ask(following: Following, asked: EventOf<"ApprovalRequested">): Promise<void> {
  const { endpoint, ses } = following.session.cloud;
  const listed = await waitForMail(following, asked);
  const title = listed?.title ?? asked.data.type;
  const deadline = new Date(asked.data.deadline);
  following.say(
    `\n  ${printable(title)}${asked.data.typed_confirmation ? ": cannot be undone" : ""}. Silence until ${deadline.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })} (your time) denies it.`,
  );
  const mails = ses.mailbox
    .list()
    .filter((mail) => readChallenge(mail.text) !== undefined)
    .filter((mail) => asked.data.approvers.some((approver) => mail.to.includes(approver)));
  const newest = new Map(mails.map((mail) => [mail.to[0] ?? "", mail]));
  const [first, ...others] = newest;
  const challenge = readChallenge(first?.[1].text ?? "");
  if (first !== undefined && challenge !== undefined) {
    following.say(`  Decide:   ${challenge.link}`);
    following.say(`            as ${first[0]}; the code is in the mail: ${endpoint}/mailbox/${first[1].id}`);
    if (others.length > 0)
      following.say(
        `            ${others.map(([approver]) => approver).join(", ")} ${others.length === 1 ? "was" : "were"} asked too, each with a link of their own: ${endpoint}/mailbox`,
      );
  }
  if (following.decide === "approve" || following.decide === "reject")
    await answerAs(following, asked, [...newest.keys()]);
  else
    following.say(
      following.skipping === undefined
        ? "  Waiting… (Ctrl-C stops the local cloud and closes the run as stopped)\n"
        : "  Nobody decides; time skips to the deadline.\n",
    );
}

/** The log has the question before the mails are out. */
async function waitForMail(following: Following, asked: EventOf<"ApprovalRequested">) {
  const { ApprovalsTable } = await following.connection.controlPlane();
  const ref = { client: new DynamoDBClient(following.connection.client("approver")), table: ApprovalsTable };
  while (!following.interruption.happened) {
    const listed = await listApprovals(ref, following.run.workflow, Date.now(), "all");
    const found = listed.find((one) => one.approval_id === asked.data.approval_id);
    const mailed = following.session.cloud.ses.mailbox.list().filter((mail) => mail.text.includes(asked.run_id)).length;
    if (found !== undefined && mailed >= found.approvers.length) return found;
    await following.interruption.wait(POLL_MS);
  }
  return undefined;
}

/** As many people as are needed decide, over the approval desk's own HTTP; signed where a code does not count. */
async function answerAs(
  following: Following,
  asked: EventOf<"ApprovalRequested">,
  people: readonly string[],
): Promise<void> {
  const decision = following.decide === "approve" ? "approve" : "reject";
  const comment = `decided by npm start -- --decide ${decision}`;
  for (const by of people.slice(0, decision === "approve" ? asked.data.needed : 1))
    await actAs(following.session, following.connection, asked, { by, decision, comment });
}

/** The run is closed a moment before its execution ends: the gate gives its lease and places back in between. */
async function endedHistory({ connection, run, interruption, skipping }: Following) {
  const client = new SFNClient(connection.client("operator"));
  const { StateMachineArn } = await connection.workflow(run.workflow);
  for (;;) {
    await skipping?.settled();
    const history = await executionHistory(client, StateMachineArn, run.runId);
    if (hasEnded(history) || interruption.happened) return history;
    await interruption.wait(POLL_MS);
  }
}

async function conclude(following: Following, reader: RunReader, events: readonly RecordedEvent[]) {
  const { contract, run, say } = following;
  const closed = of(events, "RunClosed").at(-1);
  const states = statesEntered(await endedHistory(following));
  const spent = closed?.data.spent_micro_usd ?? 0;
  const verdict = await verifyEvents([await reader.events(run)]);
  say(
    `\nOutcome: ${closed?.data.outcome.status ?? "open"}${closed === undefined || closed.data.outcome.reason === "" ? "" : ` (${printable(closed.data.outcome.reason)})`} · ${states} states · model ${usd(spent)} of ${(contract.budget.perRunMicroUsd / 1e6).toFixed(2)}, Step Functions ${usd(states * MICRO_USD_PER_STATE)} · ${verdict.summary}`,
  );
  say(
    "Next:  npx countersign run show --local      npx countersign run export --local --out run.jsonl      npx countersign workflow new my-first",
  );
  return runRecord(events);
}
