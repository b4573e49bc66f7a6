import { AwsFault } from "../../types.js";

export interface Token {
  /** `word`: unquoted, compared without case as a keyword; `name`: in double quotes; `text`: in single quotes */
  readonly kind: "word" | "name" | "text" | "number" | "symbol" | "end";
  readonly text: string;
  readonly at: number;
}

const TOKEN = new RegExp(
  [
    String.raw`\s+`,
    String.raw`(?<word>[A-Za-z_]\w*)`,
    '"(?<name>(?:[^"]|"")*)"',
    "'(?<text>(?:[^']|'')*)'",
    String.raw`(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)`,
    String.raw`(?<symbol><<|>>|<=|>=|<>|!=|[?{}()[\],:.*=<>;-])`,
  ].join("|"),
  "y",
);

/** @throws AwsFault ValidationException at the first character that begins no token */
export function tokenize(statement: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(statement);
    if (match === null) throw malformed(`unexpected ${JSON.stringify(statement.charAt(at))} at position ${at + 1}`);
    const { word, name, text, number, symbol } = match.groups ?? {};
    if (word !== undefined) tokens.push({ kind: "word", text: word, at });
    if (name !== undefined) tokens.push({ kind: "name", text: name.replaceAll('""', '"'), at });
    if (text !== undefined) tokens.push({ kind: "text", text: text.replaceAll("''", "'"), at });
    if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    if (symbol !== undefined) tokens.push({ kind: "symbol", text: symbol, at });
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: "end", text: "the end", at }];
}

export function malformed(detail: string): AwsFault {
  return new AwsFault("ValidationException", `Statement wasn't well formed, can't be processed: ${detail}`);
}

/** PartiQL that AWS understands and the embedded cloud does not. */
export function notModelled(what: string): AwsFault {
  return new AwsFault(
    "ValidationException",
    `the embedded cloud does not model ${what} in PartiQL; use INSERT or a SELECT by key, or run this part on AWS`,
  );
}
