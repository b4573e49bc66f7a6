/** The local console in Chromium: axe-core finds nothing on any of its pages, and nothing runs off a phone's screen. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunRef } from "../../lib/run/keys.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";
import { BOTH_LOOKS, faultsOf, fits } from "../support/looks.js";

describe.skipIf(chromiumPath === undefined)("the console in Chromium", () => {
  let flow: Flow;
  let browser: Browser;
  let run: RunRef;
  beforeAll(async () => {
    flow = await Flow.shared();
    browser = await launchBrowser(chromiumPath ?? "");
    await flow.begin([LOOKUP, { ...REFUND, say: "Two charges within a minute.", confidence: 92 }, FINISH]);
    run = await flow.start();
    await flow.asked(run);
    await flow.clock.settled();
  });
  afterAll(async () => {
    await browser.close();
  });

  test.each(BOTH_LOOKS)("every page, %s", async (_, options) => {
    const page = await browser.newPage({ bypassCSP: true, ...options });
    const { endpoint, ses } = flow.session.cloud;
    const looked = async (name: string) => {
      // A mail is drawn by a mail program, whose page has the landmarks.
      const mails = /^(landmark-one-main|region):/;
      const faults = (await faultsOf(page)).filter((fault) => !(name.endsWith("/html") && mails.test(fault)));
      expect([faults, await fits(page)], name).toEqual([[], true]);
    };
    const at = async (path: string) => {
      await page.goto(new URL(path, endpoint).href);
      await looked(path);
    };
    const [message] = flow.session.slack?.workspace.list().filter(({ to }) => to === "U012ANA3CD") ?? [];
    const [mail] = ses.mailbox.list();
    const folder = `/console/runs/${run.workflow}/${run.tenant}/${run.runId}`;
    const slack = `/mailbox/slack/${message?.ts}`;
    for (const path of [
      "/",
      folder,
      `${folder}/report`,
      "/mailbox",
      `/mailbox/${mail?.id}`,
      `/mailbox/${mail?.id}/html`,
      slack,
    ])
      await at(path);
    for (const path of [
      "/console/runs/none/acme/none",
      "/mailbox/none",
      "/mailbox/slack/1.0",
      "/mailbox/slack/modals/V0",
    ])
      await at(path);
    for (const button of ["Approve", "Reject", "Change…", "Ask…", "Hand on…"])
      await modalOf(page, slack, button, looked);
    await page.close();
  });

  async function modalOf(page: Page, slack: string, button: string, looked: (name: string) => Promise<void>) {
    await page.goto(new URL(slack, flow.session.cloud.endpoint).href);
    await page.getByRole("button", { name: button }).click();
    await page.waitForURL(/\/modals\//);
    await looked(button);
    const submit = page.locator("button.primary");
    if (button === "Approve") {
      await submit.click();
      await page.locator(".wrong").waitFor();
      await looked("with an error beside a field");
    }
    await page.getByRole("button", { name: "Cancel" }).click();
  }
});
