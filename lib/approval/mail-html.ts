/** The HTML part of a mail: the compiled template with texts put in, each escaped, each visible to its last character. */
import { MAIL_TEMPLATE } from "./mail-template.js";

export interface MailHtml {
  readonly title: string;
  readonly lines: readonly string[];
  readonly button?: { readonly url: string; readonly label: string; readonly code: string };
  /** a warning, below */
  readonly care?: string;
  readonly foot: string;
}

export function mailHtml({ title, lines, button, care, foot }: MailHtml): string {
  const { head, paragraph, button: way, care: warning, end } = MAIL_TEMPLATE;
  // What a list of mails shows beside the subject: the first line says what it is about.
  return [
    filled(head, { title, preview: lines[0] ?? "" }),
    ...lines.map((text) => filled(paragraph, { text })),
    ...(button === undefined ? [] : [filled(way, { ...button })]),
    ...(care === undefined ? [] : [filled(warning, { text: care })]),
    filled(end, { foot }),
  ].join("\n");
}

/** Once over, so that a text that looks like a placeholder stays a text. */
const filled = (template: string, texts: Readonly<Record<string, string>>): string =>
  template.replace(/\{\{([a-z]+)\}\}/g, (whole, name: string) => {
    const text = texts[name];
    return text === undefined ? whole : escaped(text);
  });

const escaped = (text: string) => text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
