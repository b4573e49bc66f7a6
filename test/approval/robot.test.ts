/**
 * Robots at an approval: mail scanners that fetch links, run scripts, submit forms and press buttons. They decide nothing and keep nobody
 * from deciding. One thousand rounds as a program, some in Chromium with scripts, and one robot that guesses codes.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createApp } from "../../lambdas/approval-desk/app.js";
import { chromiumPath, launchBrowser } from "../support/browser.js";
import { serveTo } from "../support/served.js";
import { Desk } from "./desk-in-memory.js";

const [ana, bo, max] = ["ana@example.com", "bo@example.com", "max@example.com"];
const ROUNDS = 1000;
beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));

/** Whatever a form has, sent back as it came; what is empty gets something that fits. */
interface Button {
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
}

function buttonsOf(html: string, fill: (name: string) => string): readonly Button[] {
  return [...html.matchAll(/<form[^>]*>([\s\S]*?)<\/form>/g)].flatMap(([, form = ""]) => {
    const confirmation = /Type\s+<code>([^<]*)<\/code>/.exec(form)?.[1] ?? "";
    const fields = Object.fromEntries(
      [...form.matchAll(/<(?:input|textarea|select)[^>]*>/g)].flatMap(([tag]) => {
        const name = / name="([^"]+)"/.exec(tag)?.[1]?.replaceAll("&quot;", '"');
        if (name === undefined) return [];
        const filled = name === "confirmation" ? confirmation : fill(name);
        return [[name, / value="([^"]+)"/.exec(tag)?.[1] ?? filled]];
      }),
    );
    return [...form.matchAll(/<button[^>]*name="decision" value="([a-z]+)"/g)].map(([, name = ""]) => ({
      name,
      fields: { ...fields, decision: name },
    }));
  });
}

/** What a scanner puts into a field: it has not read the mail. */
const scanned = (round: number) => (name: string) =>
  name === "to" ? max : name === "code" ? `test ${round}` : "looks good to me";

/** Every link of the page, every button of every form. Every tenth round reads pages, the others JSON, which is cheaper to write. */
async function pressEverything(desk: Desk, path: string, round: number, fill: (name: string) => string) {
  const { html } = await desk.get(path);
  for (const [, link = ""] of html.matchAll(/href="(\/[^"]*)"/g)) await desk.get(link);
  const buttons = buttonsOf(html, fill);
  for (const { fields } of buttons) await desk.post(path, fields, round % 10 === 0 ? "text/html" : "application/json");
  return buttons.map(({ name }) => name);
}

async function nothingHappened(desk: Desk): Promise<void> {
  expect(await desk.approvals.readDecisions(desk.ref)).toEqual([]);
  expect(await desk.approvals.readClosing(desk.ref)).toBeUndefined();
  const acts = await desk.approvals.readActs(desk.ref);
  expect(acts.filter(({ kind }) => kind !== "refused" && kind !== "code-wish")).toEqual([]);
  // No flood: some codes at once, then one in ten minutes and link; one row for each kind of refusal.
  expect(desk.mails.length).toBeLessThan(40);
  expect(acts.filter(({ kind }) => kind === "refused").length).toBeLessThan(20);
  expect(desk.woken).toEqual([]);
}

test(`a scanner follows every link and presses every button of every form ${ROUNDS} times, and the first mail's code still decides`, async () => {
  const desk = await new Desk({ delegates: [max] }).ask();
  const { path, code } = desk.wayOf(ana);
  const paths = [path, desk.wayOf(bo).path];
  const pressed = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    desk.nowMs += 5_000;
    for (const name of await pressEverything(desk, paths[round % 2] ?? "", round, scanned(round)))
      pressed.set(name, (pressed.get(name) ?? 0) + 1);
  }
  await desk.deliver();
  for (const name of ["approve", "reject", "ask", "delegate", "edit", "code"])
    expect(pressed.get(name), name).toBe(ROUNDS);
  await nothingHappened(desk);
  const approve = { decision: "approve", code, confirmation: "420.00" };
  expect((await desk.post(path, approve)).html).toContain("Approved.");
}, 120_000);

test("a robot that guesses codes burns them, and never the person: a fresh one goes to their own address", async () => {
  const desk = await new Desk({ delegates: [max] }).ask();
  const { path, code } = desk.wayOf(ana);
  for (let round = 0; round < 100; round++) {
    desk.nowMs += 5_000;
    const guess = `ABCDEFG${"ABCDEFGHJKMNPQRSTUVWXYZ".charAt(round % 23)}`;
    await pressEverything(desk, path, round, (name) => (name === "code" ? guess : scanned(round)(name)));
  }
  await desk.deliver();
  await nothingHappened(desk);
  expect((await desk.post(path, { decision: "approve", code, confirmation: "420.00" })).code).toMatch(/^CS-210[34]$/);

  desk.nowMs += 10 * 60_000;
  expect((await desk.post(path, { decision: "code" })).html).toContain("A fresh code is on its way");
  await desk.deliver();
  const fresh = desk.wayOf(ana);
  expect(
    (await desk.post(fresh.path, { decision: "approve", code: fresh.code, confirmation: "420.00" })).html,
  ).toContain("Approved.");
}, 60_000);

describe.skipIf(chromiumPath === undefined)("in Chromium, with scripts", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser(chromiumPath ?? "");
  });
  afterAll(() => browser.close());

  test("a scanner presses every button of every form, five rounds, without the browser's own checks: nothing is decided", async () => {
    const desk = await new Desk({ delegates: [max] }).ask();
    const { path, code } = desk.wayOf(ana);
    const context = await browser.newContext();
    await serveTo(context, new Map([["https://desk.example", createApp(desk.deps)]]));
    const page = await context.newPage();
    const pressed = new Set<string>();
    let count = 0;
    for (let round = 0; round < 5; round++) {
      desk.nowMs += 60_000;
      await page.goto(`https://desk.example${path}`);
      const buttons = await page.locator("button").count();
      for (let at = 0; at < buttons; at++) {
        if (at > 0) await page.goto(`https://desk.example${path}`);
        const sent = page.waitForEvent("framenavigated");
        const name = await page.evaluate(`(() => {
          for (const part of document.querySelectorAll("details")) part.open = true;
          const wanted = document.querySelector("label[for=confirmation] code");
          for (const field of document.querySelectorAll("input:not([type=hidden]), textarea"))
            field.value ||= field.name === "confirmation" ? wanted.textContent : "looks good to me";
          const button = document.querySelectorAll("button")[${at}];
          button.disabled = false;
          button.form.noValidate = true;
          button.form.requestSubmit(button);
          return button.value;
        })()`);
        await sent;
        pressed.add(String(name));
        count += 1;
      }
    }
    await context.close();
    await desk.deliver();
    for (const name of ["approve", "reject", "ask", "delegate", "edit", "code"]) expect([...pressed]).toContain(name);
    expect(count).toBeGreaterThan(30);
    await nothingHappened(desk);
    const approve = { decision: "approve", code, confirmation: "420.00" };
    expect((await desk.post(path, approve)).html).toContain("Approved.");
  }, 120_000);
});
