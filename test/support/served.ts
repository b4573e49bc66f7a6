/** Applications answered to a browser without a network: what asks for anything else is refused, and noted. */
import type { BrowserContext, Page } from "playwright-core";

export interface Served {
  /** URLs outside the applications that pages asked for */
  readonly foreign: string[];
  /** dialogs, messages on the console (among them what a page's own policy stopped) and pages that were opened */
  readonly signs: string[];
}

/** Of a Hono application. */
export interface App {
  request(url: string, init: RequestInit): Response | Promise<Response>;
}

/** @param apps by origin */
export async function serveTo(context: BrowserContext, apps: ReadonlyMap<string, App>): Promise<Served> {
  const served: Served = { foreign: [], signs: [] };
  await context.route("**/*", async (route) => {
    const request = route.request();
    const app = apps.get(new URL(request.url()).origin);
    if (app === undefined) {
      served.foreign.push(request.url());
      return route.abort();
    }
    const body = request.postDataBuffer();
    const answer = await app.request(request.url(), {
      method: request.method(),
      headers: await request.allHeaders(),
      ...(body === null ? {} : { body }),
    });
    await route.fulfill({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    });
  });
  context.on("page", (page) => watch(page, served));
  return served;
}

function watch(page: Page, { signs }: Served): void {
  page.on("dialog", (dialog) => {
    signs.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => signs.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => signs.push(`error: ${error.message}`));
  page.on("popup", (popup) => signs.push(`popup: ${popup.url()}`));
}
