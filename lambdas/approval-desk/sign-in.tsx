/** Signing in with the company's own provider, and what a signed-in person sees: the inbox, and questions without a code. */
import { type Context, Hono } from "hono";
import { hasPart, readQuestion, stateOf } from "../../lib/approval/question.js";
import { Refusal } from "../../lib/approval/refusal.js";
import type { Who } from "../../lib/approval/who.js";
import type { ApprovalRef } from "../../lib/aws/approvals.js";
import type { Inbox } from "../../lib/aws/inbox.js";
import type { Session, Sessions } from "../../lib/aws/sessions.js";
import { CountersignError } from "../../lib/errors.js";
import { isoTime } from "../../lib/run/time.js";
import type { SignIn } from "../../lib/sign-in/oidc.js";
import {
  dropCookie,
  isSameToken,
  newId,
  ownPath,
  PENDING_COOKIE,
  readCookie,
  SESSION_COOKIE,
  SESSION_MS,
  SIGN_IN_MS,
  setCookie,
} from "../../lib/sign-in/session.js";
import { logLine } from "../shared/log.js";
import { InboxPage, type InboxRow, SignedOutPage } from "./inbox.js";
import { type DeskDeps, perform, type Visitor } from "./open.js";
import { ApprovalPage } from "./page.js";
import { readForm } from "./read-form.js";

export interface SignInDeps {
  readonly oidc: SignIn;
  readonly sessions: Sessions;
  readonly inbox: Inbox;
}

/** An inbox shows this many of each kind. */
const INBOX_ROWS = 50;

export function signInRoutes(desk: DeskDeps, signIn: SignInDeps | undefined): Hono {
  const app = new Hono();
  const needed = (): SignInDeps => {
    if (signIn === undefined)
      throw new Refusal("CS-2130", 404, "sign-in: it is not set up for this stage; decide with the code of the mail");
    return signIn;
  };
  app.get("/sign-in", (context) => leave(context, needed(), desk.nowMs()));
  app.get("/sign-in/callback", (context) => comeBack(context, needed(), desk.nowMs()));
  app.post("/sign-out", async (context) => {
    const { sessions } = needed();
    const id = readCookie(context.req.header("cookie"), SESSION_COOKIE);
    if (id !== undefined) await sessions.endSession(id, desk.nowMs() + SESSION_MS);
    context.header("set-cookie", dropCookie(SESSION_COOKIE));
    // A page, not the inbox: that would sign in again where the provider still knows the person.
    return context.html(<SignedOutPage />);
  });
  app.get("/inbox", async (context) => {
    const session = await sessionOf(context, needed(), desk.nowMs());
    if (session === undefined) return context.redirect("/sign-in?to=/inbox", 303);
    const [waiting, past] = await Promise.all(
      (["waiting", "past"] as const).map((which) => rowsOf(desk, needed(), session, which)),
    );
    return context.html(<InboxPage session={session} waiting={waiting ?? []} past={past ?? []} nowMs={desk.nowMs()} />);
  });
  app.get("/inbox/:workflow/:approval", async (context) => {
    const session = await sessionOf(context, needed(), desk.nowMs());
    if (session === undefined) return context.redirect(`/sign-in?to=${encodeURIComponent(context.req.path)}`, 303);
    const question = await questionFor(desk, session, refOf(context));
    return context.html(<ApprovalPage question={question} visitor={visitorOf(session)} nowMs={desk.nowMs()} />);
  });
  app.post("/inbox/:workflow/:approval", async (context) => {
    const session = await sessionOf(context, needed(), desk.nowMs());
    if (session === undefined) throw new Refusal("CS-2131", 403, "session: it is over; sign in again");
    return act(context, desk, session);
  });
  return app;
}

// ---- the way to the issuer and back --------------------------------------------------------------------------------

async function leave(context: Context, { oidc, sessions }: SignInDeps, nowMs: number): Promise<Response> {
  const { url, attempt } = await oidc.begin();
  const id = newId();
  const to = ownPath(context.req.query("to"));
  await sessions.insertPending(id, { ...attempt, to, expiresMs: nowMs + SIGN_IN_MS });
  context.header("set-cookie", setCookie(PENDING_COOKIE, id, SIGN_IN_MS / 1000));
  return context.redirect(url.href, 303);
}

async function comeBack(context: Context, { oidc, sessions }: SignInDeps, nowMs: number): Promise<Response> {
  const pendingId = readCookie(context.req.header("cookie"), PENDING_COOKIE);
  const pending = pendingId === undefined ? undefined : await sessions.takePending(pendingId, nowMs);
  if (pending === undefined)
    throw new Refusal("CS-2130", 403, "sign-in: this is not the browser it began in, or it took too long; begin again");
  const identity = await oidc.finish(new URL(context.req.url), pending).catch((error: unknown) => {
    if (error instanceof CountersignError) throw new Refusal("CS-2130", 403, error.message);
    throw error;
  });
  const id = newId();
  await sessions.insertSession(id, { ...identity, csrf: newId(), expiresMs: nowMs + SESSION_MS });
  logLine("info", "signed in", { subject: identity.subject });
  context.header("set-cookie", setCookie(SESSION_COOKIE, id, SESSION_MS / 1000), { append: true });
  context.header("set-cookie", dropCookie(PENDING_COOKIE), { append: true });
  return context.redirect(pending.to, 303);
}

async function sessionOf(context: Context, { sessions }: SignInDeps, nowMs: number): Promise<Session | undefined> {
  const id = readCookie(context.req.header("cookie"), SESSION_COOKIE);
  return id === undefined ? undefined : sessions.readSession(id, nowMs);
}

// ---- what a signed-in person sees and does ---------------------------------------------------------------------------

const visitorOf = ({ email, csrf, timeZone }: Session): Visitor => ({
  person: email,
  role: "approver",
  csrf,
  timeZone,
});
const refOf = (context: Context): ApprovalRef => ({
  workflow: context.req.param("workflow") ?? "",
  approvalId: context.req.param("approval") ?? "",
});

/** Signed in is not yet asked: who has no part in a question does not learn that it is there. */
async function questionFor(desk: DeskDeps, { email }: Session, ref: ApprovalRef) {
  const question = await readQuestion(desk, ref).catch((error: unknown) => {
    if (error instanceof Refusal) return undefined;
    throw error;
  });
  if (question === undefined || !hasPart(question, email))
    throw new Refusal("CS-2118", 404, "approval: you are not asked about anything here; look into your inbox");
  return question;
}

async function act(context: Context, desk: DeskDeps, session: Session): Promise<Response> {
  const form = readForm(context.req.header("content-type") ?? "", await context.req.text());
  if (!isSameToken(session.csrf, form.fields.csrf))
    throw new Refusal("CS-2131", 403, "form: it is not of this session; open the page again");
  const question = await questionFor(desk, session, refOf(context));
  const { email: approver, subject } = session;
  const who: Who = { approver, channel: "page", method: "oidc", subject };
  const page = { visitor: visitorOf(session), nowMs: desk.nowMs() };
  try {
    const after = await perform(desk, who, question, form);
    const notice = { kind: "done", act: form.fields.decision } as const;
    return await context.html(<ApprovalPage {...page} question={after} notice={notice} />);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { confirmation, comment, opened } = form.fields;
    const typed = { confirmation, comment, edited: form.edited, opened };
    const now = await readQuestion(desk, question.ref);
    return context.html(<ApprovalPage {...page} question={now} problem={error} typed={typed} />, error.status);
  }
}

async function rowsOf(
  desk: DeskDeps,
  { inbox }: SignInDeps,
  { email }: Session,
  which: "waiting" | "past",
): Promise<readonly InboxRow[]> {
  const refs = await inbox.asked(email, which, isoTime(desk.nowMs()), INBOX_ROWS);
  const questions = await Promise.all(refs.map((ref) => readQuestion(desk, ref)));
  return questions.map((question) => ({ question, state: stateOf(question, desk.nowMs()) }));
}
