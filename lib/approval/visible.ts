/** Text in which nothing hides: blanks at the edges, line ends, zero-width, bidirectional and control characters get a mark. */

export interface Segment {
  /** what is drawn */
  readonly text: string;
  /** what the mark stands for; undefined for plain text */
  readonly mark?: string;
}

const NAMES: Readonly<Record<string, string>> = {
  "\u00a0": "no-break space",
  "\u00ad": "soft hyphen",
  "\u061c": "arabic letter mark",
  "\u200b": "zero width space",
  "\u200c": "zero width non-joiner",
  "\u200d": "zero width joiner",
  "\u200e": "left-to-right mark",
  "\u200f": "right-to-left mark",
  "\u202a": "left-to-right embedding",
  "\u202b": "right-to-left embedding",
  "\u202c": "pop directional formatting",
  "\u202d": "left-to-right override",
  "\u202e": "right-to-left override",
  "\u2060": "word joiner",
  "\u2066": "left-to-right isolate",
  "\u2067": "right-to-left isolate",
  "\u2068": "first strong isolate",
  "\u2069": "pop directional isolate",
  "\ufeff": "zero width no-break space",
};
/** Controls, formats, private use, unassigned, lone surrogates, separators other than the space, and letters that show nothing. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u;
const PIECE = /[\s\S]/gu;

export function visible(text: string): readonly Segment[] {
  const segments: Segment[] = [];
  const lead = /^ */.exec(text)?.[0].length ?? 0;
  const trail = text.length - (/ *$/.exec(text)?.[0].length ?? 0);
  let previous = "";
  for (const { 0: character, index } of text.matchAll(PIECE)) {
    const edge = index < lead || index >= trail || previous === " " || previous === "\n" || text[index + 1] === "\n";
    const segment = segmentOf(character, edge);
    const last = segments.at(-1);
    if (segment.mark === undefined && last !== undefined && last.mark === undefined)
      segments[segments.length - 1] = { text: last.text + segment.text };
    else segments.push(segment);
    previous = character;
  }
  return segments;
}

/** The same as one line of plain text, for places without marks: a subject, a window's title. */
export function drawn(text: string): string {
  return visible(text.trim())
    .map((segment) => segment.text)
    .join("")
    .replaceAll("\n", " ");
}

function segmentOf(character: string, edge: boolean): Segment {
  if (character === " ") return edge ? { text: "·", mark: "space" } : { text: " " };
  if (character === "\n") return { text: "⏎\n", mark: "line end" };
  if (character === "\t") return { text: "⇥", mark: "tab" };
  if (!HIDDEN.test(character)) return { text: character };
  const point = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  const name = NAMES[character];
  return { text: `[${point}]`, mark: name === undefined ? `invisible character ${point}` : `${name} ${point}` };
}
