import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** Appends to `<dataDir>/logs/<name>.log`, readable by its owner alone. Written at once, so that lines keep their order. */
export function logFile(dataDir: string, name: string): (text: string) => void {
  const folder = join(dataDir, "logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.log`);
  return (text) => appendFileSync(file, text, { mode: 0o600 });
}
