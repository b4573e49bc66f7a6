/** The Slack workspace of this machine in the console: its messages, with buttons and modals that send really signed requests. */
import type { Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import * as z from "zod";
import type { Interaction, OpenModal, Submission, WorkspaceMessage } from "../slack/workspace.js";
import type { FormGuard } from "./guard.js";
import { Page } from "./pages.js";
import { Blocks, type Button, type InputBlock } from "./slack-blocks.js";

export interface Member {
  readonly id: string;
  readonly name: string;
}
export interface ConsoleSlack {
  readonly members: readonly Member[];
  list(): readonly WorkspaceMessage[];
  press(user: string, ts: string, actionId: string): Promise<Interaction & { readonly modal?: OpenModal }>;
  modal(id: string): OpenModal | undefined;
  submit(id: string, typed: Readonly<Record<string, string>>): Promise<Submission>;
  dismiss(id: string): void;
}
interface SlackPages {
  readonly stage: string;
  readonly slack: () => ConsoleSlack | undefined;
  readonly guard: FormGuard;
}

const pressForm = z.object({ token: z.string(), user: z.string().max(64), action: z.string().max(255) });
const tokenForm = z.looseObject({ token: z.string(), cancel: z.string().optional() });

/** `/mailbox/slack` and below. */
export function slackRoutes(app: Hono, { stage, slack, guard }: SlackPages): void {
  const problem = (context: Context, title: string, status: 403 | 404 | 502, text = "") =>
    context.html(
      <Page title={title} stage={stage}>
        <p>{text}</p>
        <p>
          <a href="/mailbox">Back to the mailbox</a>
        </p>
      </Page>,
      status,
    );
  const notOurs = (context: Context) =>
    problem(
      context,
      "Not sent",
      403,
      "The form is not this console's, or is older than its start. Open the page again.",
    );
  const failed = (context: Context, { status, body }: Interaction) =>
    problem(context, "The app did not answer as Slack expects", 502, `${status}: ${body.slice(0, 500)}`);
  const back = (ts: string) => `/mailbox/slack/${encodeURIComponent(ts)}`;

  app.get("/mailbox/slack/modals/:id", (context) => {
    const modal = slack()?.modal(context.req.param("id"));
    if (modal === undefined) return problem(context, "No such modal", 404, "It was closed, or submitted.");
    return context.html(<ModalPage {...{ stage, modal, guard, errors: {}, typed: {} }} />);
  });
  app.post("/mailbox/slack/modals/:id", async (context) => {
    const id = context.req.param("id");
    const form = tokenForm.safeParse(await context.req.parseBody());
    if (!form.success || !guard.isOurs(context, form.data.token)) return notOurs(context);
    const open = slack()?.modal(id);
    const workspace = slack();
    if (workspace === undefined || open === undefined)
      return problem(context, "No such modal", 404, "It was closed, or submitted.");
    if (form.data.cancel !== undefined || open.view.submit === undefined) {
      workspace.dismiss(id);
      return context.redirect("/mailbox", 303);
    }
    const typed = Object.fromEntries(
      Object.entries(form.data).flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as const] : [])),
    );
    const answer = await workspace.submit(id, typed);
    if (answer.status !== 200) return failed(context, answer);
    if (answer.errors !== undefined)
      return context.html(<ModalPage {...{ stage, modal: open, guard, errors: answer.errors, typed }} />, 422);
    return context.redirect(answer.modal === undefined ? "/mailbox" : `/mailbox/slack/modals/${answer.modal.id}`, 303);
  });
  app.get("/mailbox/slack/:ts", (context) => {
    const message = slack()
      ?.list()
      .find(({ ts }) => ts === context.req.param("ts"));
    if (message === undefined) return problem(context, "No such message", 404);
    return context.html(
      <Page title={`Slack: ${nameOf(slack()?.members ?? [], message)}`} stage={stage}>
        <Message message={message} members={slack()?.members ?? []} guard={guard} />
      </Page>,
    );
  });
  app.post("/mailbox/slack/:ts/press", async (context) => {
    const form = pressForm.safeParse(await context.req.parseBody());
    if (!form.success || !guard.isOurs(context, form.data.token)) return notOurs(context);
    const workspace = slack();
    const { user, action } = form.data;
    if (workspace === undefined || !workspace.members.some(({ id }) => id === user))
      return problem(context, "No such member", 404);
    const ts = context.req.param("ts");
    const answer = await workspace.press(user, ts, action);
    if (answer.status !== 200) return failed(context, answer);
    return context.redirect(answer.modal === undefined ? back(ts) : `/mailbox/slack/modals/${answer.modal.id}`, 303);
  });
}

const nameOf = (members: readonly Member[], { to }: WorkspaceMessage): string =>
  members.find(({ id }) => id === to)?.name ?? `#${to}`;

export const SlackList: FC<{ messages: readonly WorkspaceMessage[]; members: readonly Member[] }> = ({
  messages,
  members,
}) =>
  messages.length === 0 ? (
    <p>No message yet: approvers whom a contract names in Slack get one when a run asks.</p>
  ) : (
    <table>
      <thead>
        <tr>
          <th scope="col">To</th>
          <th scope="col">Message</th>
          <th scope="col">Sent (UTC)</th>
        </tr>
      </thead>
      <tbody>
        {messages.map((message) => (
          <tr>
            <td data-label="To">{nameOf(members, message)}</td>
            <td>
              <a href={`/mailbox/slack/${message.ts}`}>{plain(message.text)}</a>
              {message.updates > 0 && <span class="quiet"> (changed since)</span>}
            </td>
            <td data-label="Sent (UTC)">{utc(message.ts)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );

/** Slack reads `&lt;` in a notification as `<`. */
const plain = (text: string) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const utc = (ts: string) => new Date(Number(ts.split(".")[0]) * 1000).toISOString().slice(0, 19).replace("T", " ");

const Message: FC<{ message: WorkspaceMessage; members: readonly Member[]; guard: FormGuard }> = ({
  message,
  members,
  guard,
}) => {
  // In a direct message only they are there; in a channel, whoever is in it.
  const direct = members.filter(({ id }) => id === message.to);
  const people = direct.length > 0 ? [...direct, ...members.filter(({ id }) => id === "U0STRANGER")] : members;
  const form = `press-${message.ts.replace(".", "-")}`;
  const PressButton: FC<{ button: Button }> = ({ button }) =>
    button.url === undefined ? (
      <button type="submit" form={form} name="action" value={button.action_id} class={button.style ?? ""}>
        {button.text.text}
      </button>
    ) : (
      <a class="button" href={button.url} rel="noreferrer">
        {button.text.text}
      </a>
    );
  return (
    <article class="slack" aria-label="Slack message">
      <p class="who">
        <strong>Countersign</strong> <span class="app">APP</span>
        <span class="dim">
          {utc(message.ts)} UTC to {nameOf(members, message)}
          {message.updates > 0 && " (edited)"}
        </span>
      </p>
      <Blocks blocks={message.blocks} button={PressButton} input={() => <></>} />
      <form id={form} method="post" action={`/mailbox/slack/${message.ts}/press`}>
        <input type="hidden" name="token" value={guard.token} />
        <label for={`${form}-user`}>You are, in this workspace</label>
        <select id={`${form}-user`} name="user">
          {people.map(({ id, name }) => (
            <option value={id}>
              {name} ({id})
            </option>
          ))}
        </select>
      </form>
    </article>
  );
};

const Control: FC<{
  element: InputBlock["element"];
  shared: Readonly<Record<string, string>>;
  typed: string | undefined;
}> = ({ element, shared, typed }) => {
  if (element.type === "static_select") {
    const chosen = typed ?? element.initial_option?.value;
    return (
      <select {...shared}>
        {element.options.map(({ text, value }) => (
          <option value={value} selected={value === chosen}>
            {text.text}
          </option>
        ))}
      </select>
    );
  }
  const value = typed ?? element.initial_value ?? "";
  return element.multiline ? (
    <textarea {...shared} maxlength={element.max_length} rows={3}>
      {/* A form drops the first line end of a text area. */}
      {value.startsWith("\n") ? `\n${value}` : value}
    </textarea>
  ) : (
    <input type="text" autocomplete="off" maxlength={element.max_length} {...shared} value={value} />
  );
};

const ModalPage: FC<{
  stage: string;
  modal: OpenModal;
  guard: FormGuard;
  errors: Readonly<Record<string, string>>;
  typed: Readonly<Record<string, string>>;
}> = ({ stage, modal, guard, errors, typed }) => {
  const { view } = modal;
  const Field: FC<{ block: InputBlock }> = ({ block }) => {
    const wrong = errors[block.block_id];
    const shared = {
      id: block.block_id,
      name: block.block_id,
      ...(wrong === undefined ? {} : { "aria-invalid": "true", "aria-describedby": `${block.block_id}-wrong` }),
    } as const;
    return (
      <div>
        <label for={block.block_id}>
          {block.label.text}
          {block.optional ? " (optional)" : ""}
        </label>
        <Control element={block.element} shared={shared} typed={typed[block.block_id]} />
        {wrong !== undefined && (
          <p class="wrong" id={`${block.block_id}-wrong`}>
            {wrong}
          </p>
        )}
      </div>
    );
  };
  return (
    <Page title={view.title.text} stage={stage}>
      <form class="slack" method="post" action={`/mailbox/slack/modals/${modal.id}`} aria-label="Slack modal">
        <input type="hidden" name="token" value={guard.token} />
        <Blocks blocks={view.blocks} button={() => <></>} input={Field} />
        <div class="slack-actions">
          {view.submit !== undefined && (
            <button type="submit" class="primary">
              {view.submit.text}
            </button>
          )}
          <button type="submit" name="cancel" value="1" formnovalidate>
            {view.close.text}
          </button>
        </div>
      </form>
    </Page>
  );
};
