import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { reportHtml } from "../../lib/audit/report/report.js";
import { runsInFiles } from "../../lib/client/recorded-files.js";
import { policyTexts } from "../../lib/client/report-policies.js";
import { verifyEvents } from "../../lib/client/verify.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { root } from "../../scripts/ensure.mjs";
import { act, lookedUp, REFUND } from "../run/support.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { rechained } from "./support.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));

/** A run of whose question the answer was an edit, a handed-on decision and a rejection: what the first report does not show. */
function edited(): readonly RecordedEvent[] {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.edits("ana@example.com", { ...REFUND, amount_cents: 20_000 }).approval();
  world.now += 90_000;
  world.decides("ana@example.com", "approve", { comment: "half is right" }).approval();
  world.returns({ status: "ok", output: { refund_id: "re_1" } }, true);
  world.propose({ kind: "finish", outcome: "escalated" });
  return world.events;
}

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
    const broken = { ok: false, summary: "run bd-1, record 3: hash differs from the content (edited)" };
    const other = reportHtml({ events: edited(), policies, verdict: broken, madeAt: "2026-11-24T17:00:00.000Z" });
    writeFileSync(join(folder, "edited.html"), other);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (options: Parameters<Browser["newPage"]>[0], name = "report"): Promise<Page> => {
    const page = await browser.newPage(options);
    page.on("console", (message) => said.push(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) said.push(request.url());
    });
    await page.goto(`file://${join(folder, `${name}.html`)}`);
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
  test.each(["report", "edited"])("axe-core finds nothing in %s: light, dark, on paper, on a phone", async (name) => {
    // axe-core is a script, which the report's own policy rightly forbids
    for (const look of [
      { colorScheme: "light" as const },
      { colorScheme: "dark" as const },
      { viewport: { width: 390, height: 800 } },
    ]) {
      const page = await open({ bypassCSP: true, ...look }, name);
      await page.evaluate(AXE);
      for (const media of ["screen", "print"] as const) {
        await page.emulateMedia({ media });
        const violations = found.parse(await page.evaluate("axe.run().then(({ violations }) => violations)"));
        expect({ look, media, violations }).toEqual({ look, media, violations: [] });
      }
      await page.close();
    }
  });
  test("nothing is wider than a phone, apart from the timeline, which scrolls", async () => {
    const page = await open({ viewport: { width: 390, height: 800 } });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    expect(readFileSync(join(folder, "report.html"), "utf8").length).toBeLessThan(100_000);
  });
});
