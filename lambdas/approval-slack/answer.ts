/** What a signed interaction does, and what Slack is told. Who acts is the approver whom the contract names the Slack user. */
import { othersFor } from "../../lib/approval/act.js";
import { type DecideDeps, decideApproval, mayAct, onRecord } from "../../lib/approval/decide.js";
import { type Question, readQuestion, stateOf } from "../../lib/approval/question.js";
import { Refusal } from "../../lib/approval/refusal.js";
import * as refusals from "../../lib/approval/refusals.js";
import type { Who } from "../../lib/approval/who.js";
import type { Slack } from "../../lib/aws/slack.js";
import { personKey } from "../../lib/run/people.js";
import { isoTime } from "../../lib/run/time.js";
import { SLACK_IDS, type SlackInteraction } from "../../lib/slack/interaction.js";
import { isOneClick, isWholeInSlack } from "../../lib/slack/messages.js";
import { approveModal, askModal, delegateModal, editModal, noticeModal, rejectModal } from "../../lib/slack/modals.js";
import { logLine } from "../shared/log.js";
import { submittedAct } from "./submitted-act.js";
import { update } from "./update.js";

export interface SlackDeps extends DecideDeps {
  readonly slack: Pick<Slack, "openModal">;
}
type Acting = Exclude<SlackInteraction, { readonly kind: "opened" }>;
type Pressed = Extract<Acting, { readonly triggerId: string }>;
type Submitted = Exclude<Acting, Pressed>;

/** The body of the answer; empty: Slack does nothing, or closes the modal. @param receipt the request's own hash */
export async function answerTo(deps: SlackDeps, interaction: Acting, receipt: string): Promise<string> {
  try {
    const question = await readQuestion(deps, refOf(interaction));
    const who = await whoIs(deps, question, interaction, receipt);
    return isPress(interaction)
      ? await pressed(deps, question, who, interaction)
      : await submitted(deps, question, who, interaction);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logLine("info", "refused in slack", { code: error.code, approval_id: interaction.subject.approval_id });
    return isPress(interaction) ? notice(deps, interaction, "Not done", error.message) : refusedModal(error);
  }
}

/** A request that was rightly signed and came too late is on record; what it wants is not looked at. */
export async function tooLate({ approvals, nowMs }: SlackDeps, interaction: SlackInteraction): Promise<void> {
  if (interaction.kind === "opened" || (await approvals.readRequest(refOf(interaction))) === undefined) return;
  await approvals.insertAct(refOf(interaction), {
    kind: "refused",
    code: "CS-2143",
    channel: "slack",
    who: slackName(interaction),
    at: isoTime(nowMs()),
  });
}

const isPress = (interaction: Acting): interaction is Pressed => "triggerId" in interaction;
const refOf = ({ subject }: Acting) => ({ workflow: subject.workflow, approvalId: subject.approval_id });
const slackName = ({ team, user }: Acting): string => `slack:${team}/${user}`;

async function whoIs(deps: SlackDeps, { ref, view }: Question, interaction: Acting, receipt: string): Promise<Who> {
  const named = Object.entries(view.slack_users).find(([, id]) => id === interaction.user)?.[0];
  const who: Who = {
    approver: named ?? slackName(interaction),
    channel: "slack",
    method: "slack",
    subject: `${slackName(interaction)}#${receipt.slice(0, 32)}`,
  };
  if (named === undefined)
    await onRecord(deps, who, ref, async () => {
      throw refusals.unknownSlackUser(interaction.user);
    });
  return who;
}

async function pressed(deps: SlackDeps, question: Question, who: Who, interaction: Pressed): Promise<string> {
  const { view, ref } = question;
  const shown = interaction.subject.view_hash;
  if (interaction.kind === "approve" && isOneClick(view)) {
    const after = await decidedOnce(deps, who, question, { decision: "approve", confirmation: "", comment: "", shown });
    // Once it is over the message itself says so.
    return after.closing === null ? notice(deps, interaction, "Written down", stillOpen(after)) : "";
  }
  const modal = await onRecord(deps, who, ref, async () => {
    mayAct(deps, who, question, shown);
    return modalFor(interaction.kind, question, othersFor(question, who.approver, deps.nowMs()));
  });
  await deps.slack.openModal(interaction.triggerId, modal);
  return "";
}

/** @throws Refusal where the message does not show what the modal would be about, or nobody is there to hand it to */
function modalFor(kind: Pressed["kind"], { view }: Question, others: readonly string[]) {
  switch (kind) {
    case "approve":
    case "edit":
      if (!isWholeInSlack(view)) throw refusals.notWholeInSlack();
      return kind === "approve" ? approveModal(view) : editModal(view);
    case "reject":
      return rejectModal(view);
    case "ask":
      return askModal(view);
    case "delegate":
      if (others.length === 0) throw refusals.nobodyElse();
      return delegateModal(view, others);
  }
}

async function submitted(deps: SlackDeps, question: Question, who: Who, interaction: Submitted): Promise<string> {
  const { kind, subject, typed } = interaction;
  if (kind !== "approved" && kind !== "rejected") return submittedAct(deps, question, who, { ...interaction, kind });
  const decision = kind === "approved" ? "approve" : "reject";
  if (decision === "approve") await mustBeWhole(deps, question, who);
  const [confirmation, comment] = [typed.get(SLACK_IDS.confirmation) ?? "", typed.get(SLACK_IDS.comment) ?? ""];
  const choice = { decision, confirmation, comment, shown: subject.view_hash } as const;
  const after = await decidedOnce(deps, who, question, choice);
  return after.closing === null ? update("Written down", stillOpen(after)) : "";
}

/** A forged or outdated modal is no way around what the message may show. */
async function mustBeWhole(deps: SlackDeps, { view, ref }: Question, who: Who): Promise<void> {
  if (isWholeInSlack(view)) return;
  await onRecord(deps, who, ref, async () => {
    throw refusals.notWholeInSlack();
  });
}

/** A row of this very request is there when its answer was lost on the way to Slack: then it is not the same person twice. */
async function decidedOnce(
  deps: SlackDeps,
  who: Who,
  question: Question,
  choice: Parameters<typeof decideApproval>[3],
): Promise<Question> {
  if (isDecidedBy(question, who)) return truth(deps, who, question);
  try {
    return await decideApproval(deps, who, question.ref, choice);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const after = await readQuestion(deps, question.ref);
    if (!isDecidedBy(after, who)) throw error;
    return truth(deps, who, after);
  }
}

const isDecidedBy = ({ decisions }: Question, { subject }: Who) => decisions.some((one) => one.subject === subject);

/** The decision is there; whether it counted is for the row that ended the question to say. */
function truth({ nowMs }: SlackDeps, { approver }: Who, question: Question): Question {
  if (question.closing === null || question.closing.by.includes(personKey(approver))) return question;
  throw refusals.over(question, stateOf(question, nowMs()));
}

function stillOpen({ view, decisions }: Question): string {
  const given = decisions.filter(({ decision }) => decision === "approve").length;
  return `Your approval is written down. ${given} of ${view.needed} approvals are given; others must decide too.`;
}

async function notice({ slack }: SlackDeps, { triggerId }: Pressed, title: string, text: string): Promise<string> {
  await slack.openModal(triggerId, noticeModal(title, text));
  return "";
}

/** What can be put right is said beside its field, and the modal stays open. */
function refusedModal({ code, message, details }: Refusal): string {
  const named = { "CS-2109": SLACK_IDS.confirmation, "CS-2108": SLACK_IDS.comment, "CS-2126": SLACK_IDS.comment }[code];
  const field = typeof details.block === "string" ? details.block : named;
  if (field === undefined) return update("Not done", message);
  return JSON.stringify({ response_action: "errors", errors: { [field]: message } });
}
