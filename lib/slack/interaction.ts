/** What Slack sends when somebody presses a button or submits a modal: parsed, and nothing of it believed but who, where and what. */
import * as z from "zod";

const user = z.object({ id: z.string().min(1).max(64), team_id: z.string().max(64).optional() });
const team = z.object({ id: z.string().max(64) }).nullish();
/** Identifies a question, in a button's value and a modal's metadata. Opaque ids; a task token is never in them. */
export const slackSubject = z.strictObject({
  workflow: z.string().max(64),
  approval_id: z.string().max(64),
  /** hash of what the message showed */
  view_hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type SlackSubject = z.infer<typeof slackSubject>;

/** `block_id`s and `action_id`s of our own messages and modals. */
export const SLACK_IDS = {
  approve: "approve",
  reject: "reject",
  open: "open-page",
  approveModal: "approve-modal",
  rejectModal: "reject-modal",
  notice: "notice",
  confirmation: "confirmation",
  comment: "comment",
  value: "value",
} as const;

const pressed = z.object({
  type: z.literal("block_actions"),
  user,
  team,
  trigger_id: z.string().max(256),
  actions: z.array(z.object({ action_id: z.string().max(255), value: z.string().max(2000).optional() })).length(1),
});
const inputs = z.record(z.string(), z.record(z.string(), z.object({ value: z.string().max(2000).nullish() })));
const submitted = z.object({
  type: z.literal("view_submission"),
  user,
  team,
  view: z.object({
    callback_id: z.string().max(255),
    private_metadata: z.string().max(3000),
    state: z.object({ values: inputs }),
  }),
});
const payload = z.discriminatedUnion("type", [pressed, submitted]);

/** `user` is the member who acted, as Slack signed it. */
export type SlackInteraction =
  | {
      readonly kind: "approve" | "reject";
      readonly subject: SlackSubject;
      readonly user: string;
      readonly team: string;
      /** to open a modal with, for three seconds */
      readonly triggerId: string;
    }
  | {
      readonly kind: "approved" | "rejected";
      readonly subject: SlackSubject;
      readonly user: string;
      readonly team: string;
      readonly confirmation: string;
      readonly comment: string;
    }
  /** a link button: Slack tells, there is nothing to do */
  | { readonly kind: "opened" };

/** Undefined for what our messages and modals do not send. */
export function readInteraction(rawBody: string): SlackInteraction | undefined {
  const fields = new URLSearchParams(rawBody).getAll("payload");
  const [text] = fields;
  if (text === undefined || fields.length !== 1) return undefined;
  const parsed = payload.safeParse(jsonOf(text));
  if (!parsed.success) return undefined;
  return parsed.data.type === "block_actions" ? press(parsed.data) : submission(parsed.data);
}

function press({ user, team, trigger_id: triggerId, actions }: z.output<typeof pressed>): SlackInteraction | undefined {
  const [action] = actions;
  if (action?.action_id === SLACK_IDS.open) return { kind: "opened" };
  const kind = action?.action_id === SLACK_IDS.approve ? "approve" : "reject";
  if (action?.action_id !== SLACK_IDS.approve && action?.action_id !== SLACK_IDS.reject) return undefined;
  const subject = slackSubject.safeParse(jsonOf(action.value ?? ""));
  if (!subject.success) return undefined;
  return { kind, subject: subject.data, user: user.id, team: team?.id ?? user.team_id ?? "", triggerId };
}

function submission({ user, team, view }: z.output<typeof submitted>): SlackInteraction | undefined {
  const subject = slackSubject.safeParse(jsonOf(view.private_metadata));
  const kinds = { [SLACK_IDS.approveModal]: "approved", [SLACK_IDS.rejectModal]: "rejected" } as const;
  const kind = Object.entries(kinds).find(([id]) => id === view.callback_id)?.[1];
  if (kind === undefined || !subject.success) return undefined;
  const typed = (block: string) => view.state.values[block]?.[SLACK_IDS.value]?.value ?? "";
  return {
    kind,
    subject: subject.data,
    user: user.id,
    team: team?.id ?? user.team_id ?? "",
    confirmation: typed(SLACK_IDS.confirmation),
    comment: typed(SLACK_IDS.comment),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
