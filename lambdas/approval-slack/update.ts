import { noticeModal } from "../../lib/slack/modals.js";

/** The answer that puts a notice in place of the modal that was submitted. */
export const update = (title: string, text: string): string =>
  JSON.stringify({ response_action: "update", view: noticeModal(title, text) });
