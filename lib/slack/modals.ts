/** What opens when a button of a message is pressed: asks for what must be typed, and says how it went. */
import type { KnownBlock, ModalView, PlainTextOption } from "@slack/types";
import type { Field } from "../approval/fields.js";
import { messageTitle } from "../approval/wording.js";
import type { ApprovalView } from "../run/protocol.js";
import { SLACK_IDS } from "./interaction.js";
import { line, literal, plainText } from "./literal.js";
import { editableFields, MAX_INPUT_CHARACTERS, shortened, subjectOf } from "./messages.js";

/** Slack takes no more in one menu, and no longer value. */
const MAX_OPTIONS = 100;
const MAX_OPTION_CHARACTERS = 150;

/** Asks for what must be typed; nothing irreversible is one click. */
export function approveModal(view: ApprovalView): ModalView {
  return modal(view, SLACK_IDS.approveModal, "Approve", [
    ...(view.typed_confirmation === null
      ? []
      : [input(SLACK_IDS.confirmation, `Type ${view.typed_confirmation} to approve`, {})]),
    input(SLACK_IDS.comment, "Comment", { optional: true, long: true }),
  ]);
}

export function rejectModal(view: ApprovalView): ModalView {
  return modal(view, SLACK_IDS.rejectModal, "Reject", [
    input(SLACK_IDS.comment, "Why? The agent and the record will have it", { long: true }),
  ]);
}

/** Asks the run's owner; the clock goes on. */
export function askModal(view: ApprovalView): ModalView {
  const owner = view.owner?.name ?? "the owner";
  return modal(view, SLACK_IDS.askModal, "Ask", [
    input(SLACK_IDS.comment, `Your question to ${owner}; the time to decide goes on`, { long: true }),
  ]);
}

/** @param others who may be handed the decision by who pressed */
export function delegateModal(view: ApprovalView, others: readonly string[]): ModalView {
  const people = others.filter((person) => person.length <= MAX_OPTION_CHARACTERS).slice(0, MAX_OPTIONS);
  return modal(view, SLACK_IDS.delegateModal, "Hand on", [
    menu(SLACK_IDS.to, "To whom? You cannot decide then any more", people),
    input(SLACK_IDS.comment, "Comment", { optional: true, long: true }),
  ]);
}

/** Every field that fits, as it is. */
export function editModal(view: ApprovalView): ModalView {
  const note =
    "This makes another action: it is checked from the start, and everybody is asked about it again. What the agent proposed stays on record.";
  return modal(view, SLACK_IDS.editModal, "Propose", [
    line(...literal(note)),
    ...editableFields(view).map((field, index) => fieldInput(field, fieldBlock(index))),
  ]);
}

/** `block_id` of an editable field: its name can be longer than Slack takes. */
export const fieldBlock = (index: number): string => `${SLACK_IDS.field}${index}`;

function fieldInput({ kind, label, value }: Field, id: string): KnownBlock {
  if (kind === "boolean") return menu(id, label, ["true", "false"], value);
  // A text can be emptied on the page: here an empty field would look like one that nobody has to fill.
  return input(id, label, { optional: value === "", long: kind === "long-text", value });
}

/** Says how something went, when there is nothing to type. */
export function noticeModal(title: string, text: string): ModalView {
  return {
    type: "modal",
    callback_id: SLACK_IDS.notice,
    title: plainText(title, 24),
    close: plainText("Close", 24),
    blocks: [line(...literal(text))],
  };
}

function modal(view: ApprovalView, callbackId: string, submit: string, inputs: KnownBlock[]): ModalView {
  return {
    type: "modal",
    callback_id: callbackId,
    private_metadata: JSON.stringify(subjectOf(view)),
    title: plainText(submit, 24),
    submit: plainText(submit, 24),
    close: plainText("Cancel", 24),
    blocks: [line(...literal(shortened(messageTitle(view)), { bold: true })), ...inputs],
  };
}

function input(
  id: string,
  label: string,
  { optional = false, long = false, value }: { optional?: boolean; long?: boolean; value?: string },
): KnownBlock {
  return {
    type: "input",
    block_id: id,
    optional,
    label: plainText(label, 2000),
    element: {
      type: "plain_text_input",
      action_id: SLACK_IDS.value,
      multiline: long,
      max_length: value === undefined ? 2000 : MAX_INPUT_CHARACTERS,
      ...(value === undefined || value === "" ? {} : { initial_value: value }),
    },
  };
}

function menu(id: string, label: string, values: readonly string[], chosen?: string): KnownBlock {
  const option = (value: string): PlainTextOption => ({ text: plainText(value, 75), value });
  return {
    type: "input",
    block_id: id,
    optional: false,
    label: plainText(label, 2000),
    element: {
      type: "static_select",
      action_id: SLACK_IDS.value,
      options: values.map(option),
      ...(chosen === undefined ? {} : { initial_option: option(chosen) }),
    },
  };
}
