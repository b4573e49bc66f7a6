import type { Preview } from "../../../../../../lib/index.js";
import { commentsAnswer, ticketAnswer, zendesk } from "./zendesk.client.js";
import type { reply } from "./zendesk.js";
import { replyText } from "./zendesk.reply-text.js";

export const preview: Preview<typeof reply> = async (input, context) => {
  const { ticket } = await zendesk(context, ticketAnswer, `/api/v2/tickets/${input.ticket_id}.json`);
  const { comments } = await zendesk(
    context,
    commentsAnswer,
    `/api/v2/tickets/${input.ticket_id}/comments.json?include=users`,
  );
  const fixed = { ticket: String(ticket.id), status: ticket.status };
  const publicAnswers = comments.filter((comment) => comment.public).length;
  return {
    before: { ...fixed, public_comments: publicAnswers },
    after: { ...fixed, public_comments: publicAnswers + 1, new_comment: replyText(input) },
    notes: [],
  };
};
