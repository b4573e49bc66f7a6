import { readFile } from "node:fs/promises";
import { CountersignError } from "../errors.js";

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
  if (text.length > 1024 * 1024)
    throw new CountersignError("CS-5002", `${path}: ${text.length} characters; at most 1048576 are read`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CountersignError(
      "CS-5002",
      `${path}: not JSON (${error instanceof Error ? error.message : "unreadable"}); correct the file`,
    );
  }
}
