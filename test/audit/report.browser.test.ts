import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportHtml } from "../../lib/audit/report/report.js";
import { runsInFiles } from "../../lib/client/recorded-files.js";
import { policyTexts } from "../../lib/client/report-policies.js";
import { verifyEvents } from "../../lib/client/verify.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { root } from "../../scripts/ensure.mjs";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { rechained } from "./support.js";

/** The recorded run in the time that it would have taken with a real model and a real person: scenarios skip time. */
async function timed(): Promise<readonly RecordedEvent[]> {
  const file = join(root, "test/histories/v1/billing-dispute/duplicate-charge-refunded.jsonl");
  for await (const { events } of runsInFiles([file])) {
    let now = Date.parse(events[0]?.at ?? "");
    let last = "";
    const later = events.map((event): RecordedEvent => {
      if (event.step !== last) now += event.step.endsWith(".approval") ? 72_000 : 2300;
      last = event.step;
      const at = new Date(now).toISOString();
      if (event.type === "ActionProposed")
        return { ...event, at, data: { ...event.data, latency_ms: 1400 + 130 * event.data.turn } };
      if (event.type === "FinishProposed") return { ...event, at, data: { ...event.data, latency_ms: 900 } };
      if (event.type === "ToolReturned")
        return { ...event, at, data: { ...event.data, latency_ms: 180 + 40 * event.data.turn } };
      if (event.type === "ApprovalDecided")
        return {
          ...event,
          at,
          data: { ...event.data, decided_at: at, comment: "customer was charged twice <b>\u202E" },
        };
      return { ...event, at };
    });
    return rechained(later);
  }
  throw new Error(`${file} holds no run`);
}

describe.skipIf(chromiumPath === undefined)("the report in Chromium", () => {
  let browser: Browser;
  let folder: string;
  const said: string[] = [];
  beforeAll(async () => {
    browser = await launchBrowser(chromiumPath ?? "");
    folder = mkdtempSync(join(tmpdir(), "countersign-report-"));
    const events = await timed();
    const verdict = await verifyEvents([events]);
    expect(verdict.summary).toMatch(/^1 of 1 runs, (\d+) of \1 records valid$/);
    const policies = await policyTexts(root, events);
    const html = reportHtml({ events, policies, verdict, madeAt: "2026-05-02T17:00:00.000Z" });
    writeFileSync(join(folder, "report.html"), html);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (options: Parameters<Browser["newPage"]>[0]): Promise<Page> => {
    const page = await browser.newPage(options);
    page.on("console", (message) => said.push(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) said.push(request.url());
    });
    await page.goto(`file://${join(folder, "report.html")}`);
    return page;
  };
  const shot = async (page: Page, name: string) => {
    if (process.env.UPDATE_SCREENSHOTS === "1")
      await page.screenshot({
        path: join(root, `docs/images/report-${name}.png`),
        clip: { x: 0, y: 0, width: 1000, height: 1500 },
        fullPage: true,
      });
  };

  test("light, dark and on paper: it is styled, loads nothing, and says what it has to say", async () => {
    const light = await open({ viewport: { width: 1000, height: 900 }, colorScheme: "light" });
    expect(await light.getByRole("heading", { level: 1 }).innerText()).toMatch(/^Run bd-.*: refunded$/);
    expect(await light.getByRole("img").getAttribute("aria-label")).toMatch(/^Timeline over 1 min/);
    expect(await light.locator("section.step").count()).toBe(6);
    expect(await light.locator("b").count()).toBe(0);
    const ground = (page: Page) => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await ground(light)).toBe("rgb(255, 255, 255)");
    await shot(light, "light");
    const dark = await open({ viewport: { width: 1000, height: 900 }, colorScheme: "dark" });
    expect(await ground(dark)).toBe("rgb(22, 24, 28)");
    await shot(dark, "dark");
    await dark.emulateMedia({ media: "print" });
    expect(await ground(dark)).toBe("rgb(255, 255, 255)");
    await shot(dark, "print");
    const pdf = await dark.pdf({ format: "A4", preferCSSPageSize: true });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    expect(said).toEqual([]);
  });
  test("nothing is wider than a phone, apart from the timeline, which scrolls", async () => {
    const page = await open({ viewport: { width: 390, height: 800 } });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    expect(readFileSync(join(folder, "report.html"), "utf8").length).toBeLessThan(100_000);
  });
});
