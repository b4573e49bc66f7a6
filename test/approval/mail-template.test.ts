import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mailHtml } from "../../lib/approval/mail-html.js";
import { root } from "../../scripts/ensure.mjs";
import { compiledTemplate } from "../../scripts/mail-template.js";

test("the template is what scripts/mail.mjml says: `npm run mail:template`", async () => {
  expect(readFileSync(join(root, "lib/approval/mail-template.ts"), "utf8")).toBe(await compiledTemplate());
});

test("texts are texts, also those that look like markup or like a place of the template, and nothing is loaded from outside", () => {
  const hostile = `<img src=x onerror=alert(1)> </title><script>alert(1)</script> "quoted" & {{code}} <!--[if mso]>`;
  const html = mailHtml({
    title: hostile,
    lines: [hostile, "second"],
    button: { url: "https://desk.example/approvals/abc", label: hostile, code: "ABCD-EFGH" },
    care: hostile,
    foot: hostile,
  });
  expect(html).not.toMatch(/<script|<img|onerror=alert\(1\)>/);
  expect(html.match(/ABCD-EFGH/g)).toHaveLength(1);
  expect(html).toContain("&#60;script&#62;");
  expect(html).toContain('lang="en"');
  expect(html).toContain("prefers-color-scheme: dark");
  expect([...html.matchAll(/https?:\/\/[^"' )]+/g)].map(([url]) => new URL(url).host)).toEqual(
    expect.arrayContaining(["desk.example"]),
  );
  expect(html).not.toMatch(/fonts\.googleapis|@import|<link/);
});
