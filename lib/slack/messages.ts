/**
 * What approvers get in Slack: the question with its changes, and the same message once it is decided. Nothing sensitive, nothing
 * shortened that a click would be bound to: what does not fit whole is decided on the page.
 */
import type { Button, KnownBlock } from "@slack/types";
import { argumentRows } from "../approval/argument-rows.js";
import { changesOf } from "../approval/changes.js";
import { type Field, fieldsOf } from "../approval/fields.js";
import { instantText } from "../approval/times.js";
import { messageTitle, recordLine } from "../approval/wording.js";
import { cut } from "../run/cut.js";
import { viewHash } from "../run/hash.js";
import { callerName } from "../run/people.js";
import type { ApprovalView } from "../run/protocol.js";
import { isWholeAction } from "../run/withheld.js";
import { SLACK_IDS, type SlackSubject } from "./interaction.js";
import { escaped, line, literal, plainText, quoted } from "./literal.js";

export interface SlackMessage {
  /** what notifications show */
  readonly text: string;
  readonly blocks: KnownBlock[];
}

/** Slack takes 50 blocks and some 13,000 characters of JSON; the buttons need some of both. */
const MAX_BLOCKS = 45;
const MAX_JSON_CHARACTERS = 11_000;
/** Of an input, and of a modal. */
export const MAX_INPUT_CHARACTERS = 3000;
const MAX_FIELDS = 50;
/** Of a text that is cut because the whole stands on the page. */
const CUT_AT = 300;

/** The rows of the message: changes when there is a preview, else arguments. Sensitive values are named and not shown. */
export function shownRows(view: ApprovalView): readonly (readonly [string, string])[] {
  if (!showsPreview(view) || view.preview === null)
    return argumentRows(view, "withheld").map(([field, text]) => [field, text ?? "(sensitive: only after sign-in)"]);
  return changesOf(view.preview)
    .filter((change) => change.changed)
    .map(({ field, before, after }) => [field, `${before ?? "(not there)"} → ${after ?? "(removed)"}`]);
}

const showsPreview = ({ preview, page_only: pageOnly, sensitive_paths: paths }: ApprovalView) =>
  preview !== null && paths.length === 0 && !["preview", "args"].some((part) => pageOnly?.some((one) => one === part));
const showsWords = ({ says, page_only: pageOnly }: ApprovalView) =>
  says !== null && says !== "" && pageOnly?.includes("says") !== true;

/**
 * Whether the message shows everything that an approval is bound to: whole title, arguments and changes, nothing sensitive, nothing too
 * long. Only then has it an Approve button. (The agent's words are no part of the action: they may stay on the page.)
 */
export function isWholeInSlack(view: ApprovalView): boolean {
  if (!isWholeAction(view)) return false;
  if (view.preview !== null && !showsPreview(view)) return false;
  const blocks = [...head(view, messageTitle(view)), ...whole(view)];
  return blocks.length <= MAX_BLOCKS && JSON.stringify(blocks).length <= MAX_JSON_CHARACTERS;
}

/** Whether the button alone approves: what can be undone, by one person, who had all of it before them. All else asks once more. */
export function isOneClick(view: ApprovalView): boolean {
  const { reversibility, needed, typed_confirmation: typed, says } = view;
  const wholeWords = says === null || says === "" || showsWords(view);
  return reversibility === "reversible" && typed === null && needed === 1 && wholeWords && isWholeInSlack(view);
}

/** What a modal can carry and give back exactly as it was: the action whole, and of its fields those that fit. */
export function editableFields(view: ApprovalView): readonly Field[] {
  if (!isWholeInSlack(view)) return [];
  const fits = ({ value }: Field) => value.length <= MAX_INPUT_CHARACTERS && value.trim() === value;
  return fieldsOf(view.args, Object.keys(view.nonces)).filter(fits).slice(0, MAX_FIELDS);
}

/** Whether there is anybody besides each who is asked. */
const mayBeHandedOn = ({ approvers, delegates, escalation }: ApprovalView): boolean =>
  approvers.length > 1 || delegates.length > 0 || escalation.length > 0;

export const subjectOf = (view: ApprovalView): SlackSubject => ({
  workflow: view.workflow,
  approval_id: view.approval_id,
  view_hash: viewHash(view),
});

/** The question. `url`: a person's way to the page, without a code; null in a channel, where everybody has their own in their mail. `lead`: a line on top. */
export function askedMessage(view: ApprovalView, url: string | null, lead?: string): SlackMessage {
  const value = JSON.stringify(subjectOf(view));
  const button = (text: string, id: string, more: Partial<Button>): Button => ({
    type: "button",
    action_id: id,
    text: plainText(text, 75),
    ...more,
  });
  const mayApprove = isWholeInSlack(view);
  return {
    text: escaped(shortened(messageTitle(view))),
    blocks: [
      ...(lead === undefined ? [] : [line(...literal(shortened(lead)))]),
      ...head(view, mayApprove ? messageTitle(view) : shortened(messageTitle(view))),
      ...(mayApprove ? whole(view) : short(view)),
      {
        type: "actions",
        elements: [
          ...(mayApprove ? [button("Approve", SLACK_IDS.approve, { value, style: "primary" })] : []),
          button("Reject", SLACK_IDS.reject, { value, style: "danger" }),
          ...(editableFields(view).length > 0 ? [button("Change…", SLACK_IDS.edit, { value })] : []),
          ...(view.owner === null ? [] : [button("Ask…", SLACK_IDS.ask, { value })]),
          ...(mayBeHandedOn(view) ? [button("Hand on…", SLACK_IDS.delegate, { value })] : []),
          ...(url === null ? [] : [button("Open the page", SLACK_IDS.open, { url })]),
        ],
      },
    ],
  };
}

/** The message once nobody can decide any more: the same question, who decided what, and no buttons. */
export function closedMessage(view: ApprovalView, standing: readonly string[], url: string | null): SlackMessage {
  return {
    text: escaped(`${shortened(messageTitle(view))}: ${shortened(standing[0] ?? "")}`),
    blocks: [
      ...head(view, shortened(messageTitle(view))),
      ...standing.slice(0, 10).map((text) => line(...literal(shortened(text), { bold: true }))),
      { type: "context", elements: [plainText(recordLine(view), 2000)] },
      ...(url === null ? [] : [openButton(url)]),
    ],
  };
}

const openButton = (url: string): KnownBlock => ({
  type: "actions",
  elements: [{ type: "button", action_id: SLACK_IDS.open, text: plainText("Open the page", 75), url }],
});

/** Between texts: a blank at the edge of one would be marked. */
const BLANK = { type: "text", text: " " } as const;
export const shortened = (text: string): string =>
  text.length <= CUT_AT ? text : `${cut(text, CUT_AT)}… (whole on the page)`;

function head(view: ApprovalView, title: string): KnownBlock[] {
  const where = `${view.workflow} · ${view.tenant} · ${view.stage} · run ${view.run_id}, step ${view.turn}`;
  return [line(...literal(title, { bold: true })), { type: "context", elements: [plainText(where, 2000)] }];
}

/** Everything there is to see. */
function whole(view: ApprovalView): KnownBlock[] {
  return [
    ...shownRows(view).map(([field, text]) => line(...literal(field, { bold: true }), ...literal(`: ${text}`))),
    ...(!showsPreview(view)
      ? []
      : [
          line(
            ...literal(`All arguments of ${view.tool}:`),
            BLANK,
            ...literal(JSON.stringify(view.args), { code: true }),
          ),
        ]),
    ...(showsPreview(view) ? (view.preview?.notes ?? []) : []).map((note) => line(...literal(`Note: ${note}`))),
    ...reasons(view),
    ...words(view),
    closing(view),
  ];
}

function words(view: ApprovalView): KnownBlock[] {
  if (view.says === null || view.says === "") return [];
  if (!showsWords(view)) return [line(...literal("What the agent says may be sensitive: it is on the page only."))];
  return [line(...literal("The agent says (unverified):")), quoted(...literal(view.says))];
}

/** What it is about, for what is decided on the page. */
function short(view: ApprovalView): KnownBlock[] {
  const rows = shownRows(view);
  const few = rows.length <= 10 ? rows : [];
  return [
    ...few.map(([field, text]) =>
      line(...literal(shortened(field), { bold: true }), ...literal(`: ${shortened(text)}`)),
    ),
    ...reasons(view),
    closing(view),
    line(
      ...literal(
        "Too much, or too sensitive, to be shown whole here: approve on the page, whose link is in your mail.",
      ),
    ),
  ];
}

const reasons = (view: ApprovalView): KnownBlock[] =>
  view.because
    .slice(0, 5)
    .map(({ policy_id: id, reason }) =>
      line(
        ...literal("Why:"),
        BLANK,
        ...literal(id, { code: true }),
        ...(reason === "" ? [] : [BLANK, ...literal(shortened(reason))]),
      ),
    );

function closing(view: ApprovalView): KnownBlock {
  const people = view.needed === 1 ? "one person" : `${view.needed} different people`;
  const until = instantText(view.deadline, view.time_zone);
  const text = `Asked for by ${callerName(view.requester)}. Needs ${people}. Decide by ${until}; no answer means no.`;
  return line(...literal(text));
}
