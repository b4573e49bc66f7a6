/** How pages are looked at: on a desktop and on a phone, light and dark, by axe-core, and by a person who signs in. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { BrowserContextOptions, Page } from "playwright-core";
import * as z from "zod";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));

const DESKTOP = { viewport: { width: 1100, height: 900 } } as const;
const PHONE = { viewport: { width: 360, height: 740 } } as const;
export const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ["desktop-light", DESKTOP],
  ["desktop-dark", { ...DESKTOP, colorScheme: "dark" }],
  ["phone-light", PHONE],
  ["phone-dark", { ...PHONE, colorScheme: "dark" }],
];

/** Both sizes and both colour schemes, each once: what axe-core finds depends on one or the other. */
export const BOTH_LOOKS = LOOKS.filter(([name]) => name === "desktop-light" || name === "phone-dark");

/** What axe-core objects to. The page must be opened with `bypassCSP`: axe-core is a script, which the pages' own policy rightly forbids. */
export async function faultsOf(page: Page): Promise<readonly string[]> {
  // A folded part is looked at too.
  await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
  await page.evaluate(AXE);
  // A mail's frame runs nothing, so nothing can look into it from here.
  const violations = found.parse(
    await page.evaluate("axe.run({ iframes: false }).then(({ violations }) => violations)"),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

/** Nothing runs off sideways. */
export const fits = (page: Page): Promise<unknown> =>
  page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth");

/** Ends in the inbox. */
export async function signIn(page: Page, endpoint: string, person: string): Promise<void> {
  await page.goto(new URL("/inbox", endpoint).href);
  await page.getByRole("button", { name: person }).click();
  await page.waitForURL(/\/inbox$/);
}
