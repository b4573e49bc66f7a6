/** What people see, in Chromium: nothing that axe-core objects to, nothing hostile that acts, nothing that runs off a phone's screen. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { RunRef } from "../../lib/run/keys.js";
import { root } from "../../scripts/ensure.mjs";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));
const ana = "ana@example.com";
const MARKUP = [
  '<script>document.title="owned"</script><img src=x onerror="document.title=1"></textarea></title></form>',
  "[click](javascript:alert(1)) **bold** <@U012AB3CD> <!channel>",
].join(" ");
const HOSTILE = `${MARKUP} \u001b[2J\u001b[31m \u202Eevil\u200B`;
const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ["", { viewport: { width: 1100, height: 900 } }],
  ["-dark", { viewport: { width: 1100, height: 900 }, colorScheme: "dark" }],
  ["-phone", { viewport: { width: 360, height: 740 } }],
  ["-phone-dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
];

describe.skipIf(chromiumPath === undefined)("what people see, in Chromium", () => {
  let flow: Flow;
  let browser: Browser;
  let run: RunRef;
  beforeAll(async () => {
    flow = await Flow.open();
    browser = await launchBrowser(chromiumPath ?? "");
    await askFor({ ...REFUND, say: "Two charges within a minute.", confidence: 92 });
  });
  afterAll(async () => {
    await browser.close();
    await flow.close();
  });
  const askFor = async (turn: Parameters<Flow["begin"]>[0][number]) => {
    await flow.begin([LOOKUP, turn, FINISH]);
    run = await flow.start();
    return flow.asked(run);
  };
  const url = (path: string) => new URL(path, flow.session.cloud.endpoint).href;
  // axe-core is a script, which the pages' own policy rightly forbids.
  const open = (options: BrowserContextOptions = {}) => browser.newPage({ bypassCSP: true, ...options });
  const signIn = async (page: Page) => {
    await page.goto(url("/inbox"));
    await page.getByRole("button", { name: ana }).click();
    await page.waitForURL(/\/inbox$/);
  };
  const faultsOf = async (page: Page) => {
    // A folded part is looked at too.
    await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
    await page.evaluate(AXE);
    const violations = found.parse(await page.evaluate("axe.run().then(({ violations }) => violations)"));
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  };
  const fits = (page: Page) =>
    page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth");
  const shoot = async (page: Page, name: string) => {
    if (process.env.UPDATE_SCREENSHOTS === "1")
      await page.screenshot({ path: join(root, "docs/images", `${name}.png`), fullPage: true });
  };

  test.each(LOOKS)("axe-core finds nothing and nothing runs off sideways%s", async (look, options) => {
    const page = await open(options);
    const { link } = flow.challenge(ana);
    await page.goto(link);
    await shoot(page, `approval-page${look}`);
    expect([await faultsOf(page), await fits(page)], "page by link").toEqual([[], true]);
    await page.goto(`${link}x`);
    expect(await faultsOf(page), "unknown link").toEqual([]);
    await page.goto(url("/sign-in/callback?error=access_denied"));
    expect(await faultsOf(page), "sign-in problem").toEqual([]);
    await signIn(page);
    await shoot(page, `inbox${look}`);
    expect([await faultsOf(page), await fits(page)], "inbox").toEqual([[], true]);
    await page.getByRole("link", { name: /Refund €420\.00/ }).click();
    expect([await faultsOf(page), await fits(page)], "signed in").toEqual([[], true]);
    await page.close();
  });

  test("a scanner with scripts presses every button of every form, and decides nothing", async () => {
    const { link } = flow.challenge(ana);
    const page = await browser.newPage();
    page.on("dialog", (dialog) => void dialog.dismiss());
    await page.goto(link);
    const buttons = await page.locator("button").count();
    expect(buttons).toBeGreaterThan(4);
    for (let at = 0; at < buttons; at++) {
      await page.goto(link);
      await page.evaluate(
        "for (const part of document.querySelectorAll('details')) part.open = true;" +
          "for (const field of document.querySelectorAll('input:not([type=hidden]), textarea')) field.value ||= 'AAAA';",
      );
      // Without the browser's own checks, as a program would.
      const sent = page.waitForEvent("framenavigated");
      await page.evaluate(`(() => {
        const button = document.querySelectorAll("button")[${at}];
        button.disabled = false;
        button.form.noValidate = true;
        button.form.requestSubmit(button);
      })()`);
      await sent;
      await page.waitForLoadState();
    }
    await page.close();
    expect((await flow.settled(run)).some(({ type }) => type === "ApprovalDecided")).toBe(false);
    // And keeps nobody from it: the code of the first mail is still good.
    await flow.decide(ana, { decision: "reject", comment: "not yet" });
    expect((await flow.play(run)).some(({ type }) => type === "ApprovalDecided")).toBe(true);
  });

  test("hostile text in every field of the agent's is inert, also in the fields that can be edited", async () => {
    const events = await askFor({
      tool: "zendesk.reply",
      args: { ticket_id: "4411", template: "handed-over", note: `${MARKUP} ${"wide".repeat(60)}` },
      say: `${HOSTILE} ${"long".repeat(15_000)}`,
      confidence: 92,
      usage: { inputTokens: 100, outputTokens: 100 },
    });
    const refused = events.flatMap((event) =>
      event.type === "ActionDecided" || event.type === "ProposalInvalid" ? [JSON.stringify(event.data)] : [],
    );
    expect(events.at(-1)?.type, refused.at(-1)).toBe("ApprovalRequested");
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    const opened: string[] = [];
    page.on("dialog", (dialog) => {
      opened.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(flow.challenge(ana).link);
    const look = async (...more: readonly string[]) => {
      await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
      const main = await page.locator("main").innerText();
      for (const shown of ["<script>", "[click](javascript:alert(1))", ...more]) expect(main).toContain(shown);
      expect(await page.locator("textarea[name^='edit.']").inputValue()).toContain(MARKUP);
      expect(await page.title()).not.toMatch(/owned|^1$/);
      expect(await page.locator("main script, main img, main a[href^='javascript']").count()).toBe(0);
      expect(await fits(page)).toBe(true);
    };
    await look();
    await signIn(page);
    expect(await page.locator("main script, main img").count()).toBe(0);
    await page.locator("main table a").first().click();
    // The agent's words, which who holds only the link does not see.
    await look("U+202E", "U+200B", "U+001B");
    expect(opened).toEqual([]);
    await page.close();
  });
});
