/** The desk as an HTTP application: pages for people, JSON for the command line, the same rules for both. */
import { type Context, Hono } from "hono";
import { type Question, readQuestion, stateOf } from "../../lib/approval/question.js";
import { Refusal } from "../../lib/approval/refusal.js";
import { titleLine } from "../../lib/approval/wording.js";
import { viewHash } from "../../lib/run/hash.js";
import { logLine } from "../shared/log.js";
import { ProblemPage } from "./layout.js";
import {
  type DeskDeps,
  type Form,
  freshCode,
  type Opened,
  openLink,
  perform,
  performByLink,
  visitorOf,
} from "./open.js";
import { ApprovalPage, type PageNotice } from "./page.js";
import { isJson, readForm } from "./read-form.js";
import { type SignInDeps, signInRoutes } from "./sign-in.js";
import { signedBy } from "./signed.js";
import { SECURITY_HEADERS } from "./style.js";

interface Bindings {
  /** as API Gateway handed it over; absent in a test without one */
  readonly event?: unknown;
}
type Desk = Hono<{ Bindings: Bindings }>;
type DeskContext = Context<{ Bindings: Bindings }>;

/** @param signIn absent where nobody signs in */
export function createApp(deps: DeskDeps, signIn?: SignInDeps): Desk {
  const app: Desk = new Hono<{ Bindings: Bindings }>();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
  });
  app.get("/approvals/:link", async (context) => {
    const opened = await openLink(deps, context.req.param("link"));
    const over = stateOf(opened.question, deps.nowMs()).kind === "expired";
    return shown(context, deps, opened, undefined, over ? 410 : 200);
  });
  app.post("/approvals/:link", async (context) => {
    const opened = await openLink(deps, context.req.param("link"));
    const contentType = context.req.header("content-type") ?? "";
    const form = readForm(contentType, await context.req.text());
    return performed(context, deps, opened, form, isJson(contentType) ? "cli" : "page");
  });
  signedRoutes(app, deps);
  app.route("/", signInRoutes(deps, signIn));
  app.notFound((context) =>
    refused(context, new Refusal("CS-2101", 404, "link: there is nothing here; open the link of the mail as it is")),
  );
  app.onError((error, context) => refused(context, error));
  return app;
}

/** The same for who has an AWS identity: the API lets nobody through who did not sign. */
function signedRoutes(app: Desk, deps: DeskDeps): void {
  const { approverRole } = deps;
  if (approverRole === undefined) return;
  const refOf = (context: DeskContext) => ({
    workflow: context.req.param("workflow") ?? "",
    approvalId: context.req.param("approval") ?? "",
  });
  app.post("/approver/approvals/:workflow/:approval", async (context) => {
    const who = signedBy(context.env?.event, approverRole);
    const question = await readQuestion(deps, refOf(context));
    const form = readForm("application/json", await context.req.text());
    const after = await perform(deps, who, question, form);
    return context.json(answerOf(deps, after, who.approver));
  });
}

async function performed(
  context: DeskContext,
  deps: DeskDeps,
  opened: Opened,
  form: Form,
  channel: "cli" | "page",
): Promise<Response> {
  try {
    if (form.fields.decision === "code") {
      const wish = await freshCode(deps, opened);
      return shown(context, deps, await openLink(deps, opened.linkId), { kind: "code", wish });
    }
    const question = await performByLink(deps, opened, form, channel);
    logLine("info", "acted", {
      workflow: question.view.workflow,
      run_id: question.view.run_id,
      approval_id: question.view.approval_id,
      act: form.fields.decision,
    });
    return shown(context, deps, { ...opened, question }, { kind: "done", act: form.fields.decision });
  } catch (error) {
    if (!(error instanceof Refusal) || wantsJson(context)) throw error;
    const { confirmation, comment, opened: openedAt } = form.fields;
    const page = {
      question: (await openLink(deps, opened.linkId)).question,
      visitor: visitorOf(opened),
      nowMs: deps.nowMs(),
      problem: error,
      typed: { confirmation, comment, edited: form.edited, opened: openedAt },
    };
    return context.html(<ApprovalPage {...page} />, error.status);
  }
}

function shown(
  context: DeskContext,
  deps: DeskDeps,
  opened: Opened,
  notice: PageNotice | undefined,
  status: 200 | 410 = 200,
): Response | Promise<Response> {
  if (!wantsJson(context))
    return context.html(
      <ApprovalPage question={opened.question} visitor={visitorOf(opened)} nowMs={deps.nowMs()} notice={notice} />,
      status,
    );
  return context.json(answerOf(deps, opened.question, opened.link.approver), status);
}

function answerOf({ nowMs }: DeskDeps, question: Question, approver: string) {
  const { view, decisions, acts, outcomes } = question;
  const { nonces: _nonces, ...approval } = view;
  const state = stateOf(question, nowMs());
  const standing = state.kind === "open" ? `${state.approvals} of ${view.needed} approvals given` : state.kind;
  const message = `${titleLine(view)}: ${standing}`;
  return { message, status: state.kind, approver, decisions, acts, outcomes, shown: viewHash(view), approval };
}

function refused(context: DeskContext, error: Error): Response | Promise<Response> {
  if (!(error instanceof Refusal)) logLine("error", "desk failed", { error: error.name });
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(
          "CS-2116",
          500,
          "desk: it failed; open the link again to see whether your decision was written down",
        );
  const { code, message, status, details } = refusal;
  if (wantsJson(context)) return context.json({ code, message, ...details }, status);
  return context.html(<ProblemPage code={code} message={message} />, status);
}

function wantsJson(context: DeskContext): boolean {
  return (context.req.header("accept") ?? "").includes("application/json") || context.req.path.startsWith("/approver/");
}
