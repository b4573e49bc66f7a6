import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { exportLines, recordLine } from "../../../audit/export.js";
import { findRun, type RunReader, runReader } from "../../../client/runs.js";
import { CountersignError } from "../../../errors.js";
import type { RecordedEvent } from "../../../run/events.js";
import type { RunRef } from "../../../run/keys.js";
import { type CommandContext, withConnection } from "../../context.js";

export function exportCommand(run: Command, context: CommandContext): void {
  run
    .command("export")
    .description("a run's events (or its record) as JSON lines (the newest run, without an id)")
    .argument("[run-id]")
    .option("--workflow <workflow>", "of this workflow")
    .option("--all", "every run")
    .option("--events", "one line an event: what `verify` reads (default)")
    .option("--records", "one line a run: the run record")
    .option("--out <file>", "write to this file instead of standard output")
    .action(
      async (
        runId: string | undefined,
        options: { workflow?: string; all?: boolean; events?: boolean; records?: boolean; out?: string },
        command: Command,
      ) =>
        withConnection(command, context, { live: false }, async (connection, { io }) => {
          if (options.events === true && options.records === true)
            throw new CountersignError("CS-5006", "run export: --events and --records exclude each other; choose one");
          const reader = await runReader(connection);
          const runs =
            options.all === true
              ? await reader.list(
                  options.workflow === undefined ? await connection.workflows() : [options.workflow],
                  Number.MAX_SAFE_INTEGER,
                )
              : [await findRun(connection, reader, runId, options.workflow)];
          const logs = eventsOf(reader, runs);
          const lines = options.records === true ? recordLines(logs) : exportLines(logs);
          if (options.out === undefined) {
            for await (const line of lines) io.out(line);
            return;
          }
          const count = await writeLines(options.out, lines);
          io.err(`${options.out}: ${count} lines, ${runs.length} ${runs.length === 1 ? "run" : "runs"}`);
        }),
    );
}

async function* eventsOf(reader: RunReader, runs: readonly RunRef[]): AsyncGenerator<readonly RecordedEvent[]> {
  for (const run of runs) yield reader.events(run);
}

async function* recordLines(logs: AsyncIterable<readonly RecordedEvent[]>): AsyncGenerator<string> {
  for await (const events of logs) yield recordLine(events);
}

/** Writes beside the file and moves it there, so that a failure leaves no half export. Answers with the number of lines. */
async function writeLines(file: string, lines: AsyncIterable<string>): Promise<number> {
  const part = `${file}.part`;
  let count = 0;
  const counted = async function* () {
    for await (const line of lines) {
      count++;
      yield `${line}\n`;
    }
  };
  try {
    await pipeline(counted, createWriteStream(part));
    await rename(part, file);
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw new CountersignError(
      "CS-5002",
      `${file}: cannot be written (${error.message}); give a path in a folder that exists`,
    );
  }
  return count;
}
