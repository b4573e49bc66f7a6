import * as z from "zod";
import type { SandboxStart } from "../../../../../../lib/contract/model.js";
import {
  cannedAnswers,
  type SandboxAnswer,
  type SandboxRequest,
  type SandboxSystem,
  serveSandbox,
} from "../../../../../../lib/local/sandbox.js";

const SUPPORT_USER_ID = 1;

const seedSchema = z.strictObject({
  users: z.array(z.strictObject({ id: z.int(), name: z.string() })),
  tickets: z.array(
    z.strictObject({
      id: z.int(),
      status: z.string(),
      subject: z.string(),
      comments: z.array(z.strictObject({ author_id: z.int(), public: z.boolean(), body: z.string() })),
    }),
  ),
  answers: cannedAnswers,
});
type Seed = z.output<typeof seedSchema>;

const update = z.object({ ticket: z.object({ comment: z.object({ body: z.string().min(1), public: z.boolean() }) }) });

interface Comment {
  readonly id: number;
  readonly ticket: number;
  readonly author_id: number;
  readonly public: boolean;
  readonly body: string;
}

/** As much of Zendesk as the tools use: tickets, their comments, answers. */
class ZendeskSandbox implements SandboxSystem {
  private readonly comments: Comment[] = [];
  private readonly sent: Comment[] = [];
  constructor(private readonly seed: Seed) {
    for (const ticket of seed.tickets) for (const comment of ticket.comments) this.add(ticket.id, comment);
  }

  state(): unknown {
    return { answers: this.sent.map(({ ticket, body }) => ({ ticket, body })) };
  }

  answer(request: SandboxRequest): SandboxAnswer {
    if (!/^Basic \S+$/.test(request.headers.authorization ?? ""))
      return { status: 401, body: { error: "Couldn't authenticate you" } };
    const match = /^\/api\/v2\/tickets\/(\d+)(\/comments)?\.json$/.exec(request.path);
    const ticket = this.seed.tickets.find((candidate) => String(candidate.id) === match?.[1]);
    if (ticket === undefined) return { status: 404, body: { error: "RecordNotFound" } };
    if (request.method === "GET" && match?.[2] !== undefined)
      return {
        status: 200,
        body: { comments: this.comments.filter((comment) => comment.ticket === ticket.id), users: this.seed.users },
      };
    if (request.method === "GET")
      return { status: 200, body: { ticket: { id: ticket.id, status: ticket.status, subject: ticket.subject } } };
    if (request.method === "PUT") return this.update(ticket.id, request.body);
    return { status: 405, body: { error: "MethodNotAllowed" } };
  }

  private update(ticket: number, body: string): SandboxAnswer {
    const parsed = update.safeParse(JSON.parse(body));
    if (!parsed.success) return { status: 422, body: { error: "RecordInvalid" } };
    const comment = this.add(ticket, { author_id: SUPPORT_USER_ID, ...parsed.data.ticket.comment });
    this.sent.push(comment);
    return {
      status: 200,
      body: { ticket: { id: ticket }, audit: { events: [{ id: comment.id, type: "Comment", body: comment.body }] } },
    };
  }

  private add(ticket: number, comment: Omit<Comment, "id" | "ticket">): Comment {
    const added = { id: 70_000 + this.comments.length, ticket, ...comment };
    this.comments.push(added);
    return added;
  }
}

export const start: SandboxStart = ({ seed }) =>
  serveSandbox(
    (value) => seedSchema.parse(value),
    (parsed) => new ZendeskSandbox(parsed),
    seed,
  );
