/** Just enough MIME to show a raw message: headers, multipart, base64, quoted-printable, encoded words. */

export interface RawMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const MAX_DEPTH = 10;

interface Entity {
  /** lower-case names, unfolded; the first of a name counts */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Reads a raw message; parts it does not understand are left out, never guessed. */
export function parseRawMail(raw: Buffer): RawMail {
  const entity = parseEntity(raw);
  const header = (name: string) => decodeWords(entity.headers.get(name) ?? "");
  const parts = { text: "", html: "" };
  collect(entity, parts, 0);
  return {
    from: header("from"),
    to: splitAddresses(header("to")),
    cc: splitAddresses(header("cc")),
    subject: header("subject"),
    ...parts,
  };
}

/** Splits an address list at commas outside quotes and angle brackets. */
export function splitAddresses(list: string): string[] {
  const parts = [""];
  let closing = "";
  for (let at = 0; at < list.length; at++) {
    const character = list.charAt(at);
    if (closing === "" && character === ",") {
      parts.push("");
      continue;
    }
    const escaped = closing === '"' && character === "\\";
    parts.push((parts.pop() ?? "") + (escaped ? list.slice(at, at + 2) : character));
    if (escaped) at++;
    else if (character === closing) closing = "";
    else if (closing === "" && character === '"') closing = '"';
    else if (closing === "" && character === "<") closing = ">";
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function collect(entity: Entity, parts: { text: string; html: string }, depth: number): void {
  if (depth > MAX_DEPTH) return;
  const { type, parameters } = contentType(entity.headers.get("content-type") ?? "text/plain");
  if (type.startsWith("multipart/")) {
    for (const part of splitMultipart(entity.body, parameters.get("boundary") ?? ""))
      collect(parseEntity(part), parts, depth + 1);
    return;
  }
  if (/^\s*attachment/i.test(entity.headers.get("content-disposition") ?? "")) return;
  if (type === "text/plain" && parts.text === "") parts.text = decodeBody(entity, parameters);
  if (type === "text/html" && parts.html === "") parts.html = decodeBody(entity, parameters);
}

function parseEntity(raw: Buffer): Entity {
  const text = raw.toString("latin1");
  const gap = /\r?\n\r?\n/.exec(text);
  const head = gap === null ? text : text.slice(0, gap.index);
  const body = gap === null ? Buffer.alloc(0) : raw.subarray(gap.index + gap[0].length);
  const headers = new Map<string, string>();
  for (const line of head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    // Raw UTF-8 in headers is common though not allowed everywhere.
    if (!headers.has(name)) headers.set(name, Buffer.from(line.slice(colon + 1).trim(), "latin1").toString("utf8"));
  }
  return { headers, body };
}

function contentType(value: string): { type: string; parameters: Map<string, string> } {
  const [type = "", ...rest] = value.split(";");
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const match = /^\s*([\w-]+)\s*=\s*(?:"([^"]*)"|(\S+))\s*$/.exec(part);
    if (match?.[1] !== undefined) parameters.set(match[1].toLowerCase(), match[2] ?? match[3] ?? "");
  }
  return { type: type.trim().toLowerCase(), parameters };
}

function splitMultipart(body: Buffer, boundary: string): Buffer[] {
  if (boundary === "") return [];
  const pieces = `\r\n${body.toString("latin1")}`.split(new RegExp(`\\r?\\n--${escapeRegExp(boundary)}`));
  const parts: Buffer[] = [];
  for (const piece of pieces.slice(1)) {
    if (piece.startsWith("--")) break;
    parts.push(Buffer.from(piece.replace(/^[ \t]*\r?\n/, ""), "latin1"));
  }
  return parts;
}

function decodeBody(entity: Entity, parameters: ReadonlyMap<string, string>): string {
  const encoding = (entity.headers.get("content-transfer-encoding") ?? "7bit").trim().toLowerCase();
  const bytes =
    encoding === "base64"
      ? Buffer.from(entity.body.toString("latin1"), "base64")
      : encoding === "quoted-printable"
        ? quotedPrintable(entity.body.toString("latin1"))
        : entity.body;
  return decodeCharset(bytes, parameters.get("charset") ?? "utf-8");
}

function quotedPrintable(text: string): Buffer {
  const joined = text.replace(/=\r?\n/g, "");
  return Buffer.from(
    joined.replace(/=([0-9A-Fa-f]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}

function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?([\w-]+)\?([BbQq])\?([^?]*)\?=/g, (_match, charset: string, kind: string, word: string) => {
      const bytes =
        kind.toUpperCase() === "B" ? Buffer.from(word, "base64") : quotedPrintable(word.replaceAll("_", " "));
      return decodeCharset(bytes, charset);
    });
}

function decodeCharset(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString("utf8");
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
