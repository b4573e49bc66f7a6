/** What people see, in Chromium: nothing that axe-core objects to, nothing hostile that acts, nothing that runs off a phone's screen. */
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunRef } from "../../lib/run/keys.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";
import { BOTH_LOOKS, faultsOf, fits, signIn } from "../support/looks.js";

const ana = "ana@example.com";
const MARKUP = [
  '<script>document.title="owned"</script><img src=x onerror="document.title=1"></textarea></title></form>',
  "[click](javascript:alert(1)) **bold** <@U012AB3CD> <!channel>",
].join(" ");
const HOSTILE = `${MARKUP} \u001b[2J\u001b[31m \u202Eevil\u200B`;
describe.skipIf(chromiumPath === undefined)("what people see, in Chromium", () => {
  let flow: Flow;
  let browser: Browser;
  let run: RunRef;
  beforeAll(async () => {
    flow = await Flow.shared();
    browser = await launchBrowser(chromiumPath ?? "");
    await askFor({ ...REFUND, say: "Two charges within a minute.", confidence: 92 });
  });
  afterAll(async () => {
    await browser.close();
  });
  const askFor = async (turn: Parameters<Flow["begin"]>[0][number]) => {
    await flow.begin([LOOKUP, turn, FINISH]);
    run = await flow.start();
    return flow.asked(run);
  };
  const url = (path: string) => new URL(path, flow.session.cloud.endpoint).href;
  // axe-core is a script, which the pages' own policy rightly forbids.
  const open = (options: BrowserContextOptions = {}) => browser.newPage({ bypassCSP: true, ...options });
  test.each(BOTH_LOOKS)("axe-core finds nothing and nothing runs off sideways, %s", async (_, options) => {
    const page = await open(options);
    const { link } = flow.challenge(ana);
    await page.goto(link);
    expect([await faultsOf(page), await fits(page)], "page by link").toEqual([[], true]);
    await page.goto(`${link}x`);
    expect(await faultsOf(page), "unknown link").toEqual([]);
    await page.goto(url("/sign-in/callback?error=access_denied"));
    expect(await faultsOf(page), "sign-in problem").toEqual([]);
    await signIn(page, flow.session.cloud.endpoint, ana);
    expect([await faultsOf(page), await fits(page)], "inbox").toEqual([[], true]);
    await page.getByRole("link", { name: /Refund €420\.00/ }).click();
    expect([await faultsOf(page), await fits(page)], "signed in").toEqual([[], true]);
    await page.close();
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
    await signIn(page, flow.session.cloud.endpoint, ana);
    expect(await page.locator("main script, main img").count()).toBe(0);
    await page.locator("main table a").first().click();
    // The agent's words, which who holds only the link does not see.
    await look("U+202E", "U+200B", "U+001B");
    expect(opened).toEqual([]);
    await page.close();
  });
});
