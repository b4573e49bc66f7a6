/** What commands write to, so that tests can read it: human lines on stdout, notes and errors on stderr, JSON when asked. */
import { CountersignError } from "../errors.js";

export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** colours, and lines that rewrite themselves, only on a terminal */
  readonly terminal: boolean;
  /** replaces the line that it wrote last on stderr; only where stderr is a terminal */
  rewrite?(text: string): void;
}

export const processIo: Io = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  terminal: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  ...(process.stderr.isTTY === true
    ? { rewrite: (text: string) => void process.stderr.write(`\r\u001b[2K${text}`) }
    : {}),
};

/** Text from outside, safe on a terminal: control characters (ANSI escapes, bidi overrides) are shown, not obeyed. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code === 10 ? "⏎" : `\\u{${code.toString(16)}}`;
  });
}

/** Renders columns, padded to the widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? "")].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - [...cell].length),
        )
        .join("  "),
    )
    .join("\n");
}

/** How an error ends a command: its code and message for people's mistakes and known failures, never a stack trace for them. */
export function renderError(error: unknown, json: boolean): string {
  if (error instanceof CountersignError) {
    return json
      ? JSON.stringify({ error: { code: error.code, message: error.message, ...error.details } })
      : error.toString();
  }
  const known = awsMessage(error) ?? withoutAws(error);
  if (json) return JSON.stringify({ error: { code: "CS-5000", message: known ?? String(error) } });
  return known !== undefined
    ? `CS-5000 ${known}`
    : `CS-5000 unexpected failure; please report it\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

/** What the SDK throws when it has no account to talk to, in one line with the way out. */
function withoutAws(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const missing =
    /Region is missing/.test(error.message) || /^(CredentialsProviderError|TokenProviderError)$/.test(error.name);
  if (missing)
    return `aws: ${error.message}; set AWS_REGION and sign in (AWS_PROFILE), or add --local to use the local cloud`;
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOTFOUND" || code === "ECONNREFUSED")
    return `network: no answer (${error.message}); check the connection, or whether the local cloud still runs`;
  return undefined;
}

/** A refusal or failure of AWS (or the embedded cloud), in its own words. */
function awsMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const metadata: unknown = Reflect.get(error, "$metadata");
  if (metadata === undefined) return undefined;
  return `${error.name}: ${error.message}`;
}
