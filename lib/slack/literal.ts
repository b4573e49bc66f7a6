/**
 * Text as Slack shows it letter by letter. `rich_text` elements and `plain_text` without emoji are never read as markup, so
 * nothing in them mentions anybody, links anywhere or hides; what is invisible is drawn as the approval page draws it.
 */
import type { PlainTextElement, RichTextBlock, RichTextElement } from "@slack/types";
import { visible } from "../approval/visible.js";
import { cut } from "../run/cut.js";

/** Whole text, marks drawn in code style so that they are told from text that looks like them. */
export function literal(text: string, style?: { readonly bold?: boolean; readonly code?: boolean }): RichTextElement[] {
  return visible(text).map(({ text: drawn, mark }) => ({
    type: "text",
    text: drawn,
    ...(mark === undefined ? (style === undefined ? {} : { style }) : { style: { code: true } }),
  }));
}

export const line = (...elements: readonly RichTextElement[]): RichTextBlock => ({
  type: "rich_text",
  elements: [{ type: "rich_text_section", elements: [...elements] }],
});

/** A quotation: somebody's own words. */
export const quoted = (...elements: readonly RichTextElement[]): RichTextBlock => ({
  type: "rich_text",
  elements: [{ type: "rich_text_quote", elements: [...elements] }],
});

/** One line of plain text of at most `max` characters: only for words of our own, or where the whole stands elsewhere. */
export function plainText(text: string, max: number): PlainTextElement {
  const drawn = visible(text)
    .map((segment) => segment.text)
    .join("")
    .replaceAll("\n", " ");
  return { type: "plain_text", text: drawn.length <= max ? drawn : `${cut(drawn, max - 1)}…`, emoji: false };
}

/** For `text`, the fallback that notifications show, where Slack does read markup. */
export const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    // a word joiner keeps formatting characters and channel mentions from being read as such
    .replace(/[*_~`@#]/g, (character) => `${character}\u2060`);
