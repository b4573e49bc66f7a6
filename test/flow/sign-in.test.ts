import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunRef } from "../../lib/run/keys.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";
import { csrfOf, form, Visitor } from "../support/visitor.js";

let flow: Flow;
let run: RunRef;
let at: string;

beforeAll(async () => {
  flow = await Flow.shared();
});
beforeEach(async () => {
  await flow.begin([LOOKUP, REFUND, FINISH]);
  run = await flow.start();
  const asked = (await flow.asked(run)).at(-1);
  if (asked?.type !== "ApprovalRequested") throw new Error("nobody was asked");
  at = `/inbox/${run.workflow}/${asked.data.approval_id}`;
});
const visitor = () => new Visitor(flow.session.cloud.endpoint);
const url = (path: string) => new URL(path, flow.session.cloud.endpoint).href;

describe("an approver who signs in", () => {
  it("finds the question in the inbox, decides without a code, and the gate counts it", async () => {
    const ana = visitor();
    const inbox = await ana.signIn("ana@example.com", "/inbox");
    expect(inbox.body).toContain("Refund €420.00 to cus_9");
    const page = await ana.go(url(at));
    expect(page.body).not.toContain("Code from your mail");
    const approve = { decision: "approve", confirmation: "420.00", comment: "twice", csrf: csrfOf(page.body) };
    expect((await ana.go(url(at), form(approve))).body).toContain("Approved");
    const events = await flow.play(run);
    expect(events.find(({ type }) => type === "ApprovalDecided")?.data).toMatchObject({
      approver: "ana@example.com",
      decision: "approve",
      channel: "page",
      method: "oidc",
      subject: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\|ana@example\.com$/),
    });
    expect(events.some(({ type }) => type === "ActionPermitted" || type === "ToolReturned")).toBe(true);
    expect((await ana.go(url("/inbox"))).body).toContain("You approved.");
  });

  it("signs in on this machine also when the local cloud's time was put forward past a token's usual life", async () => {
    flow.clock.restart(Date.now() + 8 * 3_600_000);
    expect(await visitor().signIn("ana@example.com", "/inbox")).toMatchObject({ status: 200, url: url("/inbox") });
  });

  it("is out after signing out", async () => {
    const ana = visitor();
    const page = await ana.signIn("ana@example.com", at);
    const cookie = ana.cookies();
    expect((await ana.go(url("/sign-out"), form({}))).body).toContain("You are signed out");
    expect(ana.cookies()).toBe("");
    // Whoever kept the cookie has nothing: the session is over, not only forgotten.
    const reject = form({ decision: "reject", comment: "no", csrf: csrfOf(page.body) });
    const again = await fetch(url(at), {
      ...reject,
      headers: { ...Object.fromEntries(new Headers(reject.headers)), cookie },
    });
    expect(again.status).toBe(403);
    expect(await again.text()).toContain("CS-2131");
  });
});

describe("refused, and nothing is decided", () => {
  const undecided = async () =>
    expect((await flow.settled(run)).some(({ type }) => type === "ApprovalDecided")).toBe(false);

  it("somebody who is signed in and not asked", async () => {
    const stranger = visitor();
    const page = await stranger.signIn("payments-ops@example.com", at);
    expect(page.status).toBe(404);
    expect(page.body).not.toMatch(/420\.00|42000|Refund/);
    await undecided();
  });

  it("a form of another session, or without one", async () => {
    const [ana, bo] = [visitor(), visitor()];
    await ana.signIn("ana@example.com", at);
    const other = csrfOf((await bo.signIn("bo@example.com", at)).body);
    for (const csrf of [other, "", "x".repeat(43)]) {
      const answer = await ana.go(url(at), form({ decision: "reject", comment: "no", csrf }));
      expect(answer.status).toBe(403);
      expect(answer.body).toContain("CS-2131");
    }
    await undecided();
  });

  it("a callback in another browser, a second time, or made up", async () => {
    const answers = await Promise.all(
      ["/sign-in/callback?code=x&state=y", "/sign-in/callback", "/sign-in/callback?error=access_denied"].map((path) =>
        visitor().go(url(path)),
      ),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(403);
      expect(body).toContain("CS-2130");
    }
  });

  it.each(["https://evil.example.com/", "//evil.example.com", "/approvals/x", "/inbox/../x", "javascript:alert(1)"])(
    "to go on to %s after signing in",
    async (to) => {
      const landed = await visitor().signIn("ana@example.com", to);
      expect(landed.url).toBe(url("/inbox"));
    },
  );

  it("a cookie that is no session", async () => {
    const answer = await fetch(url("/inbox"), {
      headers: { cookie: `__Host-countersign=${"a".repeat(43)}` },
      redirect: "manual",
    });
    expect(answer.status).toBe(303);
  });
});

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser(chromiumPath ?? "");
    page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  });
  afterAll(() => browser.close());

  it("the session's cookie is kept, and rejecting needs a comment", async () => {
    await page.goto(url("/inbox"));
    await page.getByRole("button", { name: "ana@example.com" }).click();
    await page.getByRole("link", { name: /Refund €420\.00/ }).click();
    await page.getByRole("button", { name: "Reject" }).click();
    expect(await page.locator(".alert").innerText()).toContain("CS-2108");
    await page.getByLabel("Comment", { exact: true }).fill("not this one");
    await page.getByRole("button", { name: "Reject" }).click();
    expect(await page.locator("main").innerText()).toContain("Rejected");
    expect((await flow.play(run)).find(({ type }) => type === "ApprovalDecided")?.data).toMatchObject({
      method: "oidc",
      decision: "reject",
    });
  });
});
