import { rmSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { type Launched, launch } from "../support/launch.js";
import { copyProject } from "../support/project-copy.js";

describe.skipIf(chromiumPath === undefined)("npm start, answered by a person in a browser", () => {
  let clone: string;
  let browser: Browser;
  let started: Launched;
  beforeAll(async () => {
    clone = copyProject(inject("assembly"));
    browser = await launchBrowser(chromiumPath ?? "");
    started = launch(clone, "scripts/start.mjs", ["--port", "0", "--exit"]);
  });
  afterAll(async () => {
    await browser.close();
    started.child.kill("SIGKILL");
    await started.ended;
    rmSync(clone, { recursive: true, force: true });
  });

  test("link from the terminal, code from the mailbox, approve: the run finishes and the console tells it", async () => {
    await expect.poll(() => started.said(), { timeout: 90_000 }).toContain("Waiting…");
    const link = /Decide: +(\S+)/.exec(started.said())?.[1] ?? "";
    const mailUrl = /code is in the mail: (\S+)/.exec(started.said())?.[1] ?? "";
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });

    await page.goto(new URL("/", link).href);
    expect(await page.locator("main").innerText()).toContain("waiting for people");
    await page
      .getByRole("button", { name: /Skip to the reminder/ })
      .first()
      .click();
    expect(await page.locator("main").innerText()).toMatch(/time is (1 h 0|0 h 59) min ahead/);
    const mails = await (await page.request.get(new URL("/mailbox.json", link).href)).text();
    expect(mails.includes("Reminder: 2 h 59 min left to decide")).toBe(true);
    await page.goto(mailUrl);
    const code = /^Code: (\S+)$/m.exec(await page.locator("pre").innerText())?.[1] ?? "";
    await page.goto(link);
    await page.getByLabel(/code/i).fill(code);
    await page.getByLabel(/420\.00/).fill("420.00");
    await page.getByRole("button", { name: /approve/i }).click();
    await page.close();

    const { code: exit, said } = await started.ended;
    expect(said).toMatch(/✔ approved by ana@example\.com[\s\S]*Outcome: refunded/);
    expect(exit).toBe(0);
  }, 150_000);
});
