/**
 * Compiles scripts/mail.mjml into lib/approval/mail-template.ts, so that no MJML runs where mails are sent: `npm run mail:template`. A
 * test compares the two.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mjml2html from "mjml";
import { root } from "./ensure.mjs";

const PARTS = ["head", "paragraph", "button", "care", "end"] as const;

/** Source of the template module. @throws when MJML finds a fault, or a part is missing */
export async function compiledTemplate(): Promise<string> {
  const source = readFileSync(join(root, "scripts/mail.mjml"), "utf8");
  const { html, errors } = await mjml2html(source, { validationLevel: "strict", keepComments: true, fonts: {} });
  if (errors.length > 0) throw new Error(`scripts/mail.mjml: ${errors.map((one) => one.formattedMessage).join("; ")}`);
  const pieces = html
    // Only the end of a line: what is between tags may matter to a mail program.
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{2,}/g, "\n")
    .split(/<!--part:[a-z]+-->/);
  if (pieces.length !== PARTS.length) throw new Error(`scripts/mail.mjml: ${pieces.length} parts`);
  if (/https?:\/\/(?!www\.w3\.org)/.test(html))
    throw new Error("scripts/mail.mjml: it would load something from outside");
  const members = PARTS.map((name, index) => `  ${name}: ${JSON.stringify(pieces[index]?.trim())},`);
  return [
    "/** Compiled by `npm run mail:template` from scripts/mail.mjml: change that, not this. */",
    "// biome-ignore-all format: as the script writes it",
    "export const MAIL_TEMPLATE = {",
    ...members,
    "} as const;",
    "",
  ].join("\n");
}

if (process.argv[1]?.endsWith("mail-template.ts"))
  writeFileSync(join(root, "lib/approval/mail-template.ts"), await compiledTemplate());
