/**
 * Items on disk: one JSON line per commit, appended before the commit is applied and answered.
 *
 * A commit is one line, so a transaction is on disk whole or not at all, also after `kill -9`: a last line without its
 * newline was never answered and is dropped. Not synced to the device: a power cut may take the last commits.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { AwsFault } from "../types.js";
import { type Item, item } from "./values.js";

/** What became of one item; `item` null: deleted. */
export interface JournalWrite {
  readonly table: string;
  /** see `keyId` */
  readonly key: string;
  readonly item: Item | null;
}

export interface Journal {
  /** @throws AwsFault InternalServerError when the disk refuses; nothing is written then */
  append(writes: readonly JournalWrite[]): void;
  /** forgets all items of a table */
  drop(table: string): void;
  /** the items found at opening; they are handed out once */
  takeItems(table: string): readonly Item[];
  /** forgets everything */
  clear(): void;
  close(): void;
}

const record = z.union([
  z.strictObject({ w: z.array(z.tuple([z.string(), z.string(), z.nullable(item)])) }),
  z.strictObject({ drop: z.string() }),
]);
type Contents = Map<string, Map<string, Item>>;

/** @throws CountersignError CS-4024 for a damaged journal, CS-4025 when another process has it open */
export function openJournal(directory: string): Journal {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(join(directory, "lock"));
  const file = join(directory, "journal.jsonl");
  try {
    const contents = readContents(file);
    compact(file, contents);
    return journalOf(file, contents, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function journalOf(file: string, contents: Contents, unlock: () => void): Journal {
  const descriptor = fs.openSync(file, "a", 0o600);
  let sizeBytes = fs.fstatSync(descriptor).size;
  let broken = false;
  const write = (value: z.infer<typeof record>): void => {
    const line = `${JSON.stringify(value)}\n`;
    try {
      if (broken) throw new Error("an earlier line could not be taken back");
      fs.appendFileSync(descriptor, line);
      sizeBytes += Buffer.byteLength(line);
    } catch (error) {
      broken ||= !takeBack(descriptor, sizeBytes);
      throw new AwsFault("InternalServerError", `the local data folder cannot be written: ${String(error)}`, 500);
    }
  };
  return {
    append: (writes) => write({ w: writes.map(({ table, key, item: after }) => [table, key, after]) }),
    drop: (table) => write({ drop: table }),
    takeItems(table) {
      const items = [...(contents.get(table)?.values() ?? [])];
      contents.delete(table);
      return items;
    },
    clear() {
      fs.ftruncateSync(descriptor, 0);
      sizeBytes = 0;
      contents.clear();
    },
    close() {
      fs.closeSync(descriptor);
      unlock();
    },
  };
}

/** Half a line would swallow the next one. */
function takeBack(descriptor: number, sizeBytes: number): boolean {
  try {
    fs.ftruncateSync(descriptor, sizeBytes);
    return true;
  } catch {
    return false;
  }
}

function readContents(file: string): Contents {
  const contents: Contents = new Map();
  if (!fs.existsSync(file)) return contents;
  const lines = fs.readFileSync(file, "utf8").split("\n");
  // After the last newline: nothing, or a line that was never finished.
  lines.pop();
  lines.forEach((line, index) => {
    apply(contents, parseLine(line, file, index + 1));
  });
  return contents;
}

function parseLine(line: string, file: string, lineNumber: number): z.infer<typeof record> {
  try {
    return record.parse(JSON.parse(line));
  } catch (error) {
    throw new CountersignError(
      "CS-4024",
      `local tables: ${file} line ${lineNumber} is damaged; start with --fresh to begin empty, or put back a copy of the file`,
      { file, lineNumber, cause: String(error) },
    );
  }
}

function apply(contents: Contents, entry: z.infer<typeof record>): void {
  if ("drop" in entry) {
    contents.delete(entry.drop);
    return;
  }
  for (const [table, key, after] of entry.w) {
    const items = contents.get(table) ?? new Map<string, Item>();
    contents.set(table, items);
    if (after === null) items.delete(key);
    else items.set(key, after);
  }
}

/** Writes what is left of the history to a new file and puts it in the old one's place. */
function compact(file: string, contents: Contents): void {
  const lines = [...contents].flatMap(([table, items]) =>
    [...items].map(([key, after]) => `${JSON.stringify({ w: [[table, key, after]] })}\n`),
  );
  const next = `${file}.next`;
  fs.writeFileSync(next, lines.join(""), { mode: 0o600, flush: true });
  fs.renameSync(next, file);
}

/** Two processes on one journal would overwrite each other's items without noticing. */
function lock(file: string): () => void {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch (error) {
    if (!isFileExists(error)) throw error;
    const pid = Number(fs.readFileSync(file, "utf8"));
    if (isAlive(pid)) {
      throw new CountersignError(
        "CS-4025",
        `local tables: ${file} is held by process ${pid}; stop that embedded cloud first, or delete the file if the process is something else`,
        { file, pid },
      );
    }
    fs.writeFileSync(file, String(process.pid));
  }
  return () => fs.rmSync(file, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, "EPERM");
  }
}

const isFileExists = (error: unknown): boolean => isErrno(error, "EEXIST");
function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
