import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunRef } from "../../lib/run/keys.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

const ana = "ana@example.com";
const HOSTILE =
  '<script>document.title="owned"</script><img src=x onerror="document.title=1"> \u202Eevil\u200B \u001b[31m';
const REASON = "Two charges for the same order within a minute: the second is a duplicate.";

describe.skipIf(chromiumPath === undefined)("the approval page in Chromium", () => {
  let flow: Flow;
  let browser: Browser;
  let run: RunRef;
  beforeAll(async () => {
    flow = await Flow.shared();
    browser = await launchBrowser(chromiumPath ?? "");
  });
  afterAll(async () => {
    await browser.close();
  });
  const askFor = async (say: string) => {
    await flow.begin([LOOKUP, { ...REFUND, say, confidence: 92 }, FINISH]);
    run = await flow.start();
    await flow.asked(run);
  };
  beforeEach(() => askFor(REASON));
  const visit = async (link: string, options: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> => {
    const page = await browser.newPage(options);
    await page.goto(link);
    return page;
  };

  test("a person reads it, types code and amount, approves, and the refund runs", async () => {
    const { link, code } = flow.challenge(ana);
    const page = await visit(link, { viewport: { width: 1100, height: 900 } });
    await page.getByLabel(/code/i).fill(code);
    await page.getByLabel(/420\.00/).fill("420.00");
    await page.getByLabel(/comment/i).fill("customer was charged twice");
    await page.getByRole("button", { name: /approve/i }).click();
    expect(await page.locator("main").innerText()).toContain("customer was charged twice");
    await page.close();

    const events = await flow.play(run);
    expect(
      events.some((event) => event.type === "ApprovalDecided" && event.data.comment === "customer was charged twice"),
    ).toBe(true);
    expect(flow.refunds()).toEqual({ refunds: [{ charge: "ch_77", amount: 42_000, reason: "duplicate" }] });
  });

  test("a wrong code is told on the page, and what was typed is not lost for nothing", async () => {
    const page = await visit(flow.challenge(ana).link);
    await page.getByLabel(/code/i).fill("AAAAAAAA");
    await page.getByLabel(/420\.00/).fill("420.00");
    await page.getByRole("button", { name: /approve/i }).click();
    expect(await page.getByRole("alert").innerText()).toMatch(/code is wrong/);
    await page.close();
  });

  test("Enter in a field decides nothing", async () => {
    const { link, code } = flow.challenge(ana);
    const page = await visit(link);
    await page.getByLabel(/420\.00/).fill("420.00");
    await page.getByLabel(/code/i).fill(code);
    await page.getByLabel(/code/i).press("Enter");
    await page.waitForTimeout(200);
    await page.close();
    expect((await flow.settled(run)).some((event) => event.type === "ApprovalDecided")).toBe(false);
  });

  test("what the agent says is inert: no script runs, and hidden characters show", async () => {
    await askFor(`${REASON} ${HOSTILE}`);
    const page = await visit(flow.challenge(ana).link);
    // The run knows a sensitive value, so whoever holds only the link does not see the agent's words.
    expect(await page.locator("main").innerText()).not.toContain("Two charges");
    await page.getByRole("link", { name: "Sign in to see all of it" }).click();
    await page.getByRole("button", { name: ana }).click();
    await page.waitForURL(/\/inbox\/billing-dispute\//);
    expect(await page.title()).toContain("Refund €420.00 to cus_9");
    const said = await page.locator("main").innerText();
    for (const shown of ["<script>", "U+202E", "U+200B", "U+001B"]) expect(said).toContain(shown);
    await page.close();
  });

  test("it fits a phone in dark mode: nothing runs off sideways", async () => {
    const page = await visit(flow.challenge(ana).link, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    await page.close();
  });
});
