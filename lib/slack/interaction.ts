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
  edit: "edit",
  ask: "ask",
  delegate: "delegate",
  open: "open-page",
  approveModal: "approve-modal",
  rejectModal: "reject-modal",
  editModal: "edit-modal",
  askModal: "ask-modal",
  delegateModal: "delegate-modal",
  notice: "notice",
  confirmation: "confirmation",
  comment: "comment",
  to: "to",
  /** and a number: the view's editable fields in their order */
  field: "field-",
  value: "value",
} as const;

const pressed = z.object({
  type: z.literal("block_actions"),
  user,
  team,
  trigger_id: z.string().max(256),
  actions: z.array(z.object({ action_id: z.string().max(255), value: z.string().max(2000).optional() })).length(1),
});
const inputValue = z.object({
  value: z.string().max(3000).nullish(),
  /** of a menu */
  selected_option: z.object({ value: z.string().max(150) }).nullish(),
});
const inputs = z.record(z.string(), z.record(z.string(), inputValue));
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

/** What a button of a message begins. */
const PRESSES = {
  [SLACK_IDS.approve]: "approve",
  [SLACK_IDS.reject]: "reject",
  [SLACK_IDS.edit]: "edit",
  [SLACK_IDS.ask]: "ask",
  [SLACK_IDS.delegate]: "delegate",
} as const;
/** What submitting a modal does. */
const SUBMISSIONS = {
  [SLACK_IDS.approveModal]: "approved",
  [SLACK_IDS.rejectModal]: "rejected",
  [SLACK_IDS.editModal]: "edited",
  [SLACK_IDS.askModal]: "asked",
  [SLACK_IDS.delegateModal]: "delegated",
} as const;

/** `user` is the member who acted, as Slack signed it. */
export type SlackInteraction =
  | {
      readonly kind: (typeof PRESSES)[keyof typeof PRESSES];
      readonly subject: SlackSubject;
      readonly user: string;
      readonly team: string;
      /** to open a modal with, for three seconds */
      readonly triggerId: string;
    }
  | {
      readonly kind: (typeof SUBMISSIONS)[keyof typeof SUBMISSIONS];
      readonly subject: SlackSubject;
      readonly user: string;
      readonly team: string;
      /** what was typed or chosen, by `block_id` */
      readonly typed: ReadonlyMap<string, string>;
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
  const kind = entryOf(PRESSES, action?.action_id);
  const subject = slackSubject.safeParse(jsonOf(action?.value ?? ""));
  if (kind === undefined || !subject.success) return undefined;
  return { kind, subject: subject.data, user: user.id, team: team?.id ?? user.team_id ?? "", triggerId };
}

function submission({ user, team, view }: z.output<typeof submitted>): SlackInteraction | undefined {
  const subject = slackSubject.safeParse(jsonOf(view.private_metadata));
  const kind = entryOf(SUBMISSIONS, view.callback_id);
  if (kind === undefined || !subject.success) return undefined;
  const typed = Object.entries(view.state.values).map(([block, elements]) => {
    const one = elements[SLACK_IDS.value];
    return [block, one?.selected_option?.value ?? one?.value ?? ""] as const;
  });
  return {
    kind,
    subject: subject.data,
    user: user.id,
    team: team?.id ?? user.team_id ?? "",
    typed: new Map(typed),
  };
}

const entryOf = <V>(values: Readonly<Record<string, V>>, key: string | undefined): V | undefined =>
  key !== undefined && Object.hasOwn(values, key) ? values[key] : undefined;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
