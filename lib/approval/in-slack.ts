/** Asking people in Slack, and telling them how it ended: one row per message, so that a repeat sends no second and each is followed up. */
import type { ApprovalRef, Approvals, SentMessage } from "../aws/approvals.js";
import { readSlackRef, type Slack, slackRefText } from "../aws/slack.js";
import { isSamePerson } from "../run/people.js";
import type { ApprovalView } from "../run/protocol.js";
import { isoTime } from "../run/time.js";
import { askedMessage, closedMessage, type SlackMessage } from "../slack/messages.js";

export interface SlackSender {
  /** absent in a stage without Slack */
  readonly slack?: Pick<Slack, "post" | "update">;
  readonly approvals: Pick<Approvals, "insertSent">;
  readonly nowMs: () => number;
}
/** A member whom a direct message reaches, or a channel. */
export interface SlackPlace {
  readonly to: string;
  /** e-mail address; null: the channel */
  readonly person: string | null;
}
export const refOf = (view: ApprovalView): ApprovalRef => ({ workflow: view.workflow, approvalId: view.approval_id });

/** Where these people are asked; those whom the contract names no member for get mail alone. */
export function placesOf(view: ApprovalView, people: readonly string[]): readonly SlackPlace[] {
  return people.flatMap((person) => {
    const to = Object.entries(view.slack_users).find(([address]) => isSamePerson(address, person))?.[1];
    return to === undefined ? [] : [{ to, person }];
  });
}
export const channelOf = ({ slack_channel: to }: ApprovalView): readonly SlackPlace[] =>
  to === null ? [] : [{ to, person: null }];

const wasSent = (sent: readonly SentMessage[], kind: string, to: string) =>
  sent.some((one) => one.channel === "slack" && one.kind === kind && one.to === to);

/**
 * Posts the question, unless it was posted. A crash between the message and its row posts it again: both ask the same, and both are refused
 * truthfully once it is over. @param lead a line on top, for whoever is asked later or again
 */
export async function postQuestion(
  deps: SlackSender,
  view: ApprovalView,
  sent: readonly SentMessage[],
  place: SlackPlace,
  { kind, url, lead }: { readonly kind: string; readonly url: string | null; readonly lead?: string },
): Promise<boolean> {
  const { slack, approvals, nowMs } = deps;
  if (slack === undefined || wasSent(sent, kind, place.to)) return false;
  const ref = await slack.post(place.to, askedMessage(view, url, lead));
  const at = isoTime(nowMs());
  await approvals.insertSent(refOf(view), { channel: "slack", kind, to: place.to, at, ref: slackRefText(ref) });
  return true;
}

/** What a message says once nobody can decide any more: that it was decided, that this held no longer, or that it ran. */
export type SlackEnding = "decided" | "voided" | "ran";
const UPDATED = /^(decided|voided|ran)-/;

/** Takes the buttons of every message that asked, and says how it ended; each ending once. */
export async function closeMessages(
  deps: SlackSender,
  view: ApprovalView,
  sent: readonly SentMessage[],
  ending: SlackEnding,
  words: readonly string[],
): Promise<number> {
  const { slack, approvals, nowMs } = deps;
  if (slack === undefined) return 0;
  const message = closedMessage(view, words, null);
  let closed = 0;
  for (const { channel, kind, to, ref } of sent) {
    const place = readSlackRef(ref);
    const done = `${ending}-${kind}`;
    if (channel !== "slack" || UPDATED.test(kind) || place === undefined || wasSent(sent, done, to)) continue;
    await updateOnce(slack, place, message);
    await approvals.insertSent(refOf(view), { channel: "slack", kind: done, to, at: isoTime(nowMs()), ref });
    closed += 1;
  }
  return closed;
}

/** A message that somebody deleted, or a channel that the bot had to leave, is no reason to try for a day. */
async function updateOnce(
  slack: Pick<Slack, "update">,
  place: NonNullable<ReturnType<typeof readSlackRef>>,
  message: SlackMessage,
): Promise<void> {
  try {
    await slack.update(place, message);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** Slack answered and will not: trying again changes nothing. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "slack_webapi_platform_error";
