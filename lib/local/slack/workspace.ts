/**
 * A Slack workspace on this machine: takes what the bot posts, shows it to the console, and sends what people press as Slack does,
 * signed. As far as approvals use it; anything else is refused as Slack refuses what it does not know.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import { slackSignature } from "../../slack/signature.js";
import { messageBlocks, modalView, type SlackBlock, type SlackModal } from "./limits.js";

const MAX_BODY_BYTES = 256 * 1024;
/** A trigger is good for this long. */
const TRIGGER_MS = 3_000;
export const TEAM = "T0LOCAL";

export interface WorkspaceMessage {
  /** member or channel id that it was posted to */
  readonly to: string;
  readonly channel: string;
  readonly ts: string;
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
  /** how often it was changed */
  readonly updates: number;
}
export interface OpenModal {
  readonly id: string;
  readonly user: string;
  readonly view: SlackModal;
}
/** How the app answered an interaction. */
export interface Interaction {
  readonly status: number;
  readonly body: string;
}
export type Submission = Interaction & {
  /** what the modal shows now */
  readonly modal?: OpenModal;
  /** by `block_id`, in the app's words */
  readonly errors?: Readonly<Record<string, string>>;
};
export interface WorkspaceOptions {
  readonly botToken: string;
  readonly signingSecret: string;
  /** where interactions go; the app's URL is known later than the workspace starts */
  readonly interactions: () => string;
  /** epoch ms */
  readonly now: () => number;
}

const textFields = z.object({ text: z.string().min(1).max(40_000) });
const post = textFields.extend({ channel: z.string().regex(/^[CDGUW][A-Z0-9]{2,}$/) });
const update = post.extend({ ts: z.string() });
const responseAction = z.discriminatedUnion("response_action", [
  z.strictObject({ response_action: z.literal("errors"), errors: z.record(z.string(), z.string().min(1)) }),
  z.strictObject({ response_action: z.literal("update"), view: modalView }),
]);
const open = z.object({ trigger_id: z.string() });

export class SlackWorkspace {
  private readonly server: Server;
  private readonly messages = new Map<string, WorkspaceMessage>();
  private readonly modals = new Map<string, OpenModal>();
  private readonly triggers = new Map<string, { readonly user: string; readonly untilMs: number }>();
  private posted = 0;

  private constructor(private readonly options: WorkspaceOptions) {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(options: WorkspaceOptions): Promise<SlackWorkspace> {
    const workspace = new SlackWorkspace(options);
    await new Promise<void>((resolve) => workspace.server.listen(0, "127.0.0.1", resolve));
    return workspace;
  }

  /** Stands in for `https://slack.com`. */
  get url(): string {
    const address = this.server.address();
    const { port } = z.object({ port: z.number() }).parse(address satisfies AddressInfo | string | null);
    return `http://127.0.0.1:${port}`;
  }
  /** Oldest first. */
  list(): readonly WorkspaceMessage[] {
    return [...this.messages.values()];
  }
  modal(id: string): OpenModal | undefined {
    return this.modals.get(id);
  }
  reset(): void {
    this.messages.clear();
    this.modals.clear();
    this.triggers.clear();
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  // ---- people ---------------------------------------------------------------------------------------------------

  /** Presses a button of a message; answers with the modal it opened, if it did. */
  async press(user: string, ts: string, actionId: string): Promise<Interaction & { readonly modal?: OpenModal }> {
    const message = this.messages.get(ts);
    const buttons = message?.blocks.flatMap((one) => (one.type === "actions" ? one.elements : [])) ?? [];
    const button = buttons.find((one) => one.action_id === actionId);
    if (message === undefined || button === undefined) return { status: 404, body: "there is no such button" };
    const trigger = randomBytes(12).toString("hex");
    this.triggers.set(trigger, { user, untilMs: this.options.now() + TRIGGER_MS });
    const before = new Set(this.modals.keys());
    const answer = await this.send({
      type: "block_actions",
      user: { id: user, team_id: TEAM },
      team: { id: TEAM },
      trigger_id: trigger,
      channel: { id: message.channel },
      message: { ts },
      actions: [
        { type: "button", action_id: actionId, ...(button.value === undefined ? {} : { value: button.value }) },
      ],
    });
    const modal = [...this.modals.values()].find((one) => !before.has(one.id) && one.user === user);
    return modal === undefined ? answer : { ...answer, modal };
  }

  /** Submits a modal with what was typed, by `block_id`. It stays when the app answers with errors, and shows what it is updated to. */
  async submit(modalId: string, typed: Readonly<Record<string, string>>): Promise<Submission> {
    const modal = this.modals.get(modalId);
    if (modal === undefined) return { status: 404, body: "there is no such modal" };
    const { user, view } = modal;
    const values = Object.fromEntries(
      view.blocks.flatMap((one) =>
        one.type === "input"
          ? [[one.block_id, { [one.element.action_id]: stateOf(one.element, typed[one.block_id]) }]]
          : [],
      ),
    );
    const { callback_id, private_metadata } = view;
    const answer = await this.send({
      type: "view_submission",
      user: { id: user, team_id: TEAM },
      team: { id: TEAM },
      trigger_id: randomBytes(12).toString("hex"),
      view: { id: modalId, callback_id, private_metadata, state: { values } },
    });
    const { data } = responseAction.safeParse(jsonOf(answer.body));
    if (answer.status !== 200) return answer;
    if (data?.response_action === "errors") return { ...answer, errors: data.errors };
    if (data?.response_action === "update") {
      const updated = { id: modalId, user, view: data.view };
      this.modals.set(modalId, updated);
      return { ...answer, modal: updated };
    }
    // Anything but an empty answer is one that Slack does not understand: the modal stays, and says so.
    if (answer.body === "") this.modals.delete(modalId);
    return answer;
  }

  /** Closes a modal without submitting it; Slack tells nobody. */
  dismiss(modalId: string): void {
    this.modals.delete(modalId);
  }

  /** A signed request; `headers` replace or add, for requests that should be refused. */
  async send(payload: object, headers: Readonly<Record<string, string>> = {}): Promise<Interaction> {
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const timestamp = String(Math.floor(this.options.now() / 1000));
    const answer = await fetch(this.options.interactions(), {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": slackSignature(this.options.signingSecret, timestamp, Buffer.from(body, "utf8")),
        ...headers,
      },
      body,
      redirect: "error",
    });
    return { status: answer.status, body: await answer.text() };
  }

  // ---- the Web API ----------------------------------------------------------------------------------------------

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (body: object) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    try {
      if (request.headers.authorization !== `Bearer ${this.options.botToken}`)
        return void answer({ ok: false, error: "invalid_auth" });
      const fields = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
      answer(this.call(request.url ?? "", fields));
    } catch (error) {
      answer({ ok: false, error: error instanceof Refused ? error.message : "internal_error" });
    }
  }

  private call(path: string, fields: Readonly<Record<string, string>>): object {
    switch (path) {
      case "/api/chat.postMessage":
        return this.post(fields);
      case "/api/chat.update":
        return this.update(fields);
      case "/api/views.open":
        return this.open(fields);
      default:
        throw new Refused("unknown_method");
    }
  }

  private post(fields: Readonly<Record<string, string>>): object {
    const { channel: to, text } = parsed(post, fields, "channel_not_found");
    const blocks = parsed(messageBlocks, jsonOf(fields.blocks), "invalid_blocks");
    this.posted += 1;
    // A message to a member stands in the direct channel with them.
    const channel = /^[UW]/.test(to) ? `D${to.slice(1)}` : to;
    const ts = `${Math.floor(this.options.now() / 1000)}.${String(this.posted).padStart(6, "0")}`;
    this.messages.set(ts, { to, channel, ts, text, blocks, updates: 0 });
    return { ok: true, channel, ts };
  }

  private update(fields: Readonly<Record<string, string>>): object {
    const { channel, ts, text } = parsed(update, fields, "channel_not_found");
    const message = this.messages.get(ts);
    if (message === undefined || message.channel !== channel) throw new Refused("message_not_found");
    const blocks = parsed(messageBlocks, jsonOf(fields.blocks), "invalid_blocks");
    this.messages.set(ts, { ...message, text, blocks, updates: message.updates + 1 });
    return { ok: true, channel, ts };
  }

  private open(fields: Readonly<Record<string, string>>): object {
    const { trigger_id: trigger } = parsed(open, fields, "invalid_arguments");
    const view = parsed(modalView, jsonOf(fields.view), "invalid_arguments");
    const pressed = this.triggers.get(trigger);
    if (pressed === undefined) throw new Refused("invalid_trigger_id");
    this.triggers.delete(trigger);
    if (this.options.now() > pressed.untilMs) throw new Refused("expired_trigger_id");
    const id = `V${randomBytes(6).toString("hex").toUpperCase()}`;
    this.modals.set(id, { id, user: pressed.user, view });
    return { ok: true, view: { id } };
  }
}

/** What an input holds when a modal is submitted; undefined: nobody touched it. */
function stateOf(element: Extract<SlackBlock, { type: "input" }>["element"], typed: string | undefined) {
  if (element.type === "plain_text_input") {
    const value = typed ?? element.initial_value ?? "";
    return { type: element.type, value: value === "" ? null : value };
  }
  const chosen = typed === undefined ? element.initial_option : element.options.find(({ value }) => value === typed);
  return { type: element.type, selected_option: chosen ?? null };
}

/** Slack's own error code. */
class Refused extends Error {}

function parsed<T extends z.ZodType>(schema: T, value: unknown, code: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const long = result.error.issues.find(({ message }) => message === "msg_blocks_too_long");
  throw new Refused(long?.message ?? code);
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new Refused("msg_too_long");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
