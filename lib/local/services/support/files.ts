/** Files of the local data folder: readable by their owner alone, replaced whole, parsed when read. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type * as z from "zod";
import { CountersignError } from "../../../errors.js";

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** Replaces a file in one step, so that a reader or a crash never sees half of it. */
export function writePrivateFile(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: OWNER_ONLY_FILE });
  renameSync(temporary, path);
}

export function appendPrivateLine(path: string, line: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER });
  appendFileSync(path, `${line}\n`, { mode: OWNER_ONLY_FILE });
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

/** The file's JSON through `schema`; undefined when there is no such file. @throws CountersignError CS-4037 */
export function readStoredJson<T extends z.ZodType>(path: string, schema: T): z.output<T> | undefined {
  if (!existsSync(path)) return undefined;
  return parseStored(path, readFileSync(path, "utf8"), schema);
}

/** Every line of a JSON Lines file through `schema`; none when there is no such file. @throws CountersignError CS-4037 */
export function readStoredLines<T extends z.ZodType>(path: string, schema: T): z.output<T>[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => parseStored(`${path} line ${index + 1}`, line, schema));
}

function parseStored<T extends z.ZodType>(place: string, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(place, String(cause));
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw damaged(place, parsed.error.issues.map((issue) => issue.message).join("; "));
  return parsed.data;
}

function damaged(place: string, reason: string): CountersignError {
  return new CountersignError(
    "CS-4037",
    `local data: ${place} is damaged: ${reason}; move it away or start with --fresh`,
    { place, reason },
  );
}
