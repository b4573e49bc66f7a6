import type { Handler } from "../../../../../../lib/index.js";
import { commentsAnswer, ticketAnswer, zendesk } from "./zendesk.client.js";
import type { getTicket } from "./zendesk.js";

export const handle: Handler<typeof getTicket> = async (input, context) => {
  const { ticket } = await zendesk(context, ticketAnswer, `/api/v2/tickets/${input.ticket_id}.json`);
  const { comments, users } = await zendesk(
    context,
    commentsAnswer,
    `/api/v2/tickets/${input.ticket_id}/comments.json?include=users`,
  );
  const names = new Map(users.map((user) => [user.id, user.name]));
  return {
    ticket_id: String(ticket.id),
    status: ticket.status,
    subject: ticket.subject,
    comments: comments.map((comment) => ({
      author: names.get(comment.author_id) ?? `user ${comment.author_id}`,
      public: comment.public,
      body: comment.body,
    })),
  };
};
