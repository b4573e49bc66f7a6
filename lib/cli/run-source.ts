/** One run for a command: out of a file, or out of the log. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Connection } from "../client/connection.js";
import { runsInFiles } from "../client/recorded-files.js";
import { findRun, runReader } from "../client/runs.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import { type CommandContext, withConnection } from "./context.js";

export interface RunChoice {
  /** a run id or a file; undefined: the newest run */
  readonly what: string | undefined;
  /** which run of the file */
  readonly run?: string | undefined;
  readonly workflow?: string | undefined;
}

export async function withRun(
  command: Command,
  context: CommandContext,
  { what, run, workflow }: RunChoice,
  /** @param connection where the run was read from; undefined for a file */
  work: (events: readonly RecordedEvent[], connection?: Connection) => Promise<void>,
): Promise<void> {
  if (what !== undefined && existsSync(what)) return work(await runOfFile(what, run));
  if (run !== undefined) throw new CountersignError("CS-5006", "--run: goes with a file; name the run itself instead");
  await withConnection(command, context, { live: false }, async (connection) => {
    const reader = await runReader(connection);
    await work(await reader.events(await findRun(connection, reader, what, workflow)), connection);
  });
}

async function runOfFile(file: string, runId: string | undefined): Promise<readonly RecordedEvent[]> {
  const seen: string[] = [];
  let found: readonly RecordedEvent[] | undefined;
  for await (const { events } of runsInFiles([file])) {
    const id = events[0]?.run_id ?? "";
    seen.push(id);
    if (id === runId) return events;
    if (runId === undefined) found ??= events;
    if (runId === undefined && seen.length > 1)
      throw new CountersignError(
        "CS-5006",
        `${file}: holds more than one run; say which with --run, e.g. --run ${seen[0]}`,
      );
  }
  if (found !== undefined) return found;
  throw new CountersignError(
    "CS-5005",
    `${file}: ${runId === undefined ? "holds no run" : `holds no run ${runId}`}; export again, or name a run that it holds`,
  );
}
