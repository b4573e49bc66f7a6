/** One JSON line per thing worth knowing. Ids, codes and numbers only: never arguments, outputs, tokens or people's words. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export function logLine(level: "info" | "warn" | "error", message: string, fields: LogFields = {}): void {
  console.log(JSON.stringify({ level, message, ...fields }));
}
