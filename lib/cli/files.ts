import { readFile } from "node:fs/promises";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { readJson } from "../run/json.js";

const MAX_FILE_BYTES = 1024 * 1024;

/** Reads a JSON file of at most 1 MiB; a wrong file is a coded error. */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const why =
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? "there is no such file"
        : "it cannot be read";
    throw new CountersignError("CS-5002", `${path}: ${why}; give the path of a JSON file`);
  }
  const read = readJson(text, MAX_FILE_BYTES);
  if (read.ok) return read.value;
  throw new CountersignError("CS-5002", `${path}: ${read.why}; correct the file`);
}

/** Reads a run's input. */
export async function readInputFile(path: string) {
  const parsed = z.record(z.string(), z.json()).safeParse(await readJsonFile(path));
  if (parsed.success) return parsed.data;
  throw new CountersignError("CS-5002", `${path}: the input is a JSON object; correct the file`);
}
