/** Every picture of approvals and of the console in docs/images: `npm run docs:screenshots` writes them, and somebody looks at them. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import { root } from "../../scripts/ensure.mjs";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";
import { LOOKS, signIn } from "../support/looks.js";

const ana = "ana@example.com";
const wanted = process.env.UPDATE_SCREENSHOTS === "1" && chromiumPath !== undefined;
const TICKET = { tool: "zendesk.get_ticket", args: { ticket_id: "4411" } };
const SAYS =
  "Order 5120 was charged twice within a minute, as the customer says; the second charge is a duplicate. I propose to refund it in full.";

describe.skipIf(!wanted)("pictures for the documentation", () => {
  let flow: Flow;
  let browser: Browser;
  beforeAll(async () => {
    flow = await Flow.open();
    browser = await launchBrowser(chromiumPath ?? "");
    await flow.begin([LOOKUP, TICKET, { ...REFUND, say: SAYS, confidence: 92 }, FINISH]);
    await flow.asked(await flow.start());
    await flow.clock.settled();
  });
  afterAll(async () => {
    await browser.close();
    await flow.close();
  });

  test.each(LOOKS)("%s", async (look, options) => {
    const page = await browser.newPage(options);
    const { endpoint, ses } = flow.session.cloud;
    const shoot = async (name: string, path: string) => {
      await page.goto(new URL(path, endpoint).href);
      await picture(page, `${name}-${look}`);
    };
    const mail = ses.mailbox.list().find(({ to }) => to.includes(ana));
    const message = flow.session.slack?.workspace.list().find(({ to }) => to === "U012ANA3CD");
    await shoot("page-by-link", flow.challenge(ana).link);
    await shoot("mail", `/mailbox/${mail?.id}/html`);
    await shoot("slack", `/mailbox/slack/${message?.ts}`);
    await shoot("console", "/");
    await page.goto(new URL(`/mailbox/slack/${message?.ts}`, endpoint).href);
    await page.getByRole("button", { name: "Change…" }).click();
    await page.waitForURL(/\/modals\//);
    await picture(page, `slack-change-${look}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await signIn(page, endpoint, ana);
    await picture(page, `inbox-${look}`);
    await page.getByRole("link", { name: /Refund €420\.00/ }).click();
    await picture(page, `page-${look}`);
    await page.close();
  });
});

async function picture(page: Page, name: string): Promise<void> {
  // As high as what there is, and no higher.
  await page.setViewportSize({ width: page.viewportSize()?.width ?? 1100, height: 300 });
  await page.screenshot({ path: join(root, "docs/images", `${name}.png`), fullPage: true });
}
