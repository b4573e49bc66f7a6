import { type Handler, ToolError } from "../../../../../../lib/index.js";
import { commentsAnswer, updateAnswer, zendesk } from "./zendesk.client.js";
import type { reply } from "./zendesk.js";
import { replyText } from "./zendesk.reply-text.js";

/** Zendesk has no idempotency key for answers: the text carries a reference, and a repeat looks for it first. */
export const handle: Handler<typeof reply> = async (input, context) => {
  const reference = `[ref ${context.idempotencyKey.slice(-12)}]`;
  if (context.repeated) {
    const { comments } = await zendesk(
      context,
      commentsAnswer,
      `/api/v2/tickets/${input.ticket_id}/comments.json?include=users`,
    );
    const sent = comments.find((comment) => comment.body.includes(reference));
    if (sent !== undefined) return { ticket_id: input.ticket_id, comment_id: String(sent.id) };
  }
  const body = `${replyText(input)}\n\n${reference}`;
  const { audit } = await zendesk(context, updateAnswer, `/api/v2/tickets/${input.ticket_id}.json`, {
    method: "PUT",
    body: { ticket: { comment: { body, public: true } } },
  });
  const event = audit.events.find((candidate) => candidate.type === "Comment");
  if (event === undefined)
    throw new ToolError("malformed_answer", "zendesk: the answer names no comment", {
      retryable: false,
      effectPossible: true,
    });
  return { ticket_id: input.ticket_id, comment_id: String(event.id) };
};
