/** The desk as an HTTP application: pages for people, JSON for the command line, the same rules for both. */
import { type Context, Hono } from "hono";
import { Refusal } from "../../lib/approval/refusal.js";
import { approvalStatus } from "../../lib/approval/status.js";
import { titleLine } from "../../lib/approval/wording.js";
import { readJsonOr } from "../../lib/run/json.js";
import { decisionForm } from "../../lib/run/protocol.js";
import { logLine } from "../shared/log.js";
import { type DecisionForm, type DeskDeps, decide, type Opened, openLink } from "./decide.js";
import { ProblemPage } from "./layout.js";
import { ApprovalPage } from "./page.js";
import { SECURITY_HEADERS } from "./style.js";

const MAX_BODY_BYTES = 16 * 1024;

export function createApp(deps: DeskDeps): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
  });
  app.get("/approvals/:link", async (context) => {
    const opened = await openLink(deps, context.req.param("link"));
    const over = approvalStatus(opened.view, opened.decisions, deps.nowMs()).kind === "expired";
    return shown(context, deps, opened, over ? 410 : 200);
  });
  app.post("/approvals/:link", async (context) => {
    const opened = await openLink(deps, context.req.param("link"));
    const contentType = context.req.header("content-type") ?? "";
    const form = readForm(contentType, await context.req.text());
    try {
      const channel = isJson(contentType) ? "cli" : "page";
      return shown(context, deps, await decide(deps, opened, form, channel), 200);
    } catch (error) {
      if (!(error instanceof Refusal) || wantsJson(context)) throw error;
      const { linkId } = opened;
      const { confirmation, comment } = form;
      const page = {
        opened: await openLink(deps, linkId),
        nowMs: deps.nowMs(),
        problem: error,
        typed: { confirmation, comment },
      };
      return context.html(<ApprovalPage {...page} />, error.status);
    }
  });
  app.notFound((context) =>
    refused(context, new Refusal("CS-2101", 404, "link: there is nothing here; open the link of the mail as it is")),
  );
  app.onError((error, context) => refused(context, error));
  return app;
}

function shown(context: Context, deps: DeskDeps, opened: Opened, status: 200 | 410): Response | Promise<Response> {
  if (!wantsJson(context)) return context.html(<ApprovalPage opened={opened} nowMs={deps.nowMs()} />, status);
  const { view, decisions } = opened;
  const { nonces: _nonces, ...approval } = view;
  const now = approvalStatus(view, decisions, deps.nowMs());
  const message = `${titleLine(view)}: ${now.kind === "open" ? `${now.approvals} of ${view.needed} approvals given` : now.kind}`;
  return context.json({ message, status: now.kind, approver: opened.link.approver, decisions, approval }, status);
}

function refused(context: Context, error: Error): Response | Promise<Response> {
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

function wantsJson(context: Context): boolean {
  return (context.req.header("accept") ?? "").includes("application/json");
}

/** @throws Refusal CS-2113 for a body that the page does not send */
function readForm(contentType: string, body: string): DecisionForm {
  if (Buffer.byteLength(body, "utf8") > MAX_BODY_BYTES)
    throw new Refusal("CS-2113", 413, `form: more than ${MAX_BODY_BYTES} bytes; shorten the comment`);
  const parsed = decisionForm.safeParse(fieldsOf(contentType, body));
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => issue.path.join(".") || "form").join(", ");
  throw new Refusal(
    "CS-2113",
    400,
    `form: ${names} missing or wrong; send decision (approve or reject), code, confirmation, comment`,
  );
}

/** A page's form cannot send it: it comes from a program. */
const isJson = (contentType: string) => contentType.startsWith("application/json");

function fieldsOf(contentType: string, body: string): unknown {
  if (contentType.startsWith("application/x-www-form-urlencoded")) {
    const fields = [...new URLSearchParams(body)];
    // A field given twice could be shown with one value and read with the other.
    return new Set(fields.map(([name]) => name)).size === fields.length ? Object.fromEntries(fields) : undefined;
  }
  return isJson(contentType) ? readJsonOr(body, MAX_BODY_BYTES, undefined) : undefined;
}
