/** What the definitions leave for the check and for the functions: values tagged with their kind and the file that wrote them. */
import { isAbsolute, resolve } from "node:path";

export interface Written {
  readonly definition: unknown;
  readonly file: string;
}

/** What `defineTool` or `defineWorkflow` returned; undefined for anything else. */
export function written(value: unknown, kind: "tool" | "workflow"): Written | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("kind" in value && "definition" in value && "file" in value)) return undefined;
  const { definition, file } = value;
  return value.kind === kind && typeof file === "string" ? { definition, file } : undefined;
}

/** A path as written, relative to the file that wrote it. */
export function resolvedFrom(file: string, path: string): string {
  const folder = file === "" ? process.cwd() : resolve(file, "..");
  return isAbsolute(path) ? path : resolve(folder, path);
}
