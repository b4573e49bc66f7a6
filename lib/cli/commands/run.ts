import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type HistoryEvent, SFNClient } from "@aws-sdk/client-sfn";
import type { Command } from "commander";
import * as z from "zod";
import { exportLines, recordLine } from "../../audit/export.js";
import { startRun } from "../../client/front-door.js";
import { executionHistory } from "../../client/history.js";
import { findRun, type RunReader, runReader, runStatus } from "../../client/runs.js";
import { verifyEvents, verifyFiles } from "../../client/verify.js";
import { CountersignError } from "../../errors.js";
import { describeEvent } from "../../local/console/describe.js";
import type { RecordedEvent } from "../../run/events.js";
import type { RunRef } from "../../run/keys.js";
import { admitRequest } from "../../run/protocol.js";
import { fillTimes } from "../../scenario/format.js";
import { type CommandContext, withConnection } from "../context.js";
import { readJsonFile } from "../files.js";
import { table } from "../io.js";

const LISTED_RUNS = 50;

export function runCommands(program: Command, context: CommandContext): void {
  const run = program.command("run").description("start runs; look at their records; export and verify them");
  start(run, context);
  list(run, context);
  show(run, context);
  exported(run, context);
  verify(run, context);
}

function start(run: Command, context: CommandContext): void {
  run
    .command("start")
    .description("start a run through the workflow's front door, as the requester")
    .argument("<workflow>", "name of the workflow")
    .requiredOption("--input <file>", "JSON file with the input; {{now-2d}} stands for a time")
    .option("--tenant <tenant>", "tenant of the run (default: the contract's only tenant)")
    .option("--request-id <id>", "the same id again gives the same run")
    .action(
      async (workflow: string, options: { input: string; tenant?: string; requestId?: string }, command: Command) => {
        const input = z.record(z.string(), z.json()).parse(await readJsonFile(options.input));
        await withConnection(command, context, { live: true }, async (connection, { io, json }) => {
          const request = admitRequest.parse({
            input: fillTimes(input, Date.now()),
            ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
            ...(options.requestId === undefined ? {} : { request_id: options.requestId }),
          });
          const answer = await startRun(connection, workflow, request);
          io.out(
            json
              ? JSON.stringify(answer)
              : `run ${answer.run_id} of ${workflow} for tenant ${answer.tenant}${answer.repeated ? " (started before with this request id)" : ""}`,
          );
        });
      },
    );
}

function list(run: Command, context: CommandContext): void {
  run
    .command("list")
    .description("the newest runs and their status")
    .option("--workflow <workflow>", "of this workflow only")
    .option("--limit <n>", "how many", String(LISTED_RUNS))
    .action(async (options: { workflow?: string; limit: string }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const reader = await runReader(connection);
        const workflows = options.workflow === undefined ? await connection.workflows() : [options.workflow];
        const runs = await reader.list(workflows, positive("--limit", options.limit));
        const rows = await Promise.all(
          runs.map(async (row) => ({ ...row, status: runStatus(await reader.events(row)) })),
        );
        if (json) return io.out(JSON.stringify(rows));
        if (rows.length === 0) return io.out("no runs yet");
        io.out(
          table([
            ["RUN", "WORKFLOW", "TENANT", "STARTED (UTC)", "STATUS"],
            ...rows.map((row) => [row.runId, row.workflow, row.tenant, row.startedAt.slice(0, 19), row.status]),
          ]),
        );
      }),
    );
}

function show(run: Command, context: CommandContext): void {
  run
    .command("show")
    .description("what a run recorded (the newest, without an id)")
    .argument("[run-id]")
    .option("--workflow <workflow>", "of this workflow")
    .option("--history", "the execution's history events as Step Functions tells them, task tokens blanked")
    .action(async (runId: string | undefined, options: { workflow?: string; history?: boolean }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const reader = await runReader(connection);
        const found = await findRun(connection, reader, runId, options.workflow);
        if (options.history === true) {
          const [first] = await reader.events(found);
          if (first?.type === "RunRefused")
            throw new CountersignError(
              "CS-5005",
              `run ${found.runId}: was refused (${first.data.code}) and has no execution; name another run (\`countersign run list\`)`,
            );
          const events = await executionHistory(
            new SFNClient(connection.client("operator")),
            (await connection.workflow(found.workflow)).StateMachineArn,
            found.runId,
          );
          return io.out(
            json
              ? JSON.stringify({ events })
              : events
                  .map(
                    (event) =>
                      `${String(event.id).padStart(4)}  ${event.timestamp?.toISOString() ?? ""}  ${event.type ?? ""}  ${stateName(event)}`,
                  )
                  .join("\n"),
          );
        }
        const events = await reader.events(found);
        if (json) return io.out(JSON.stringify(events));
        io.out(`run ${found.runId} of ${found.workflow}, tenant ${found.tenant}: ${runStatus(events)}`);
        io.out(
          table(
            events.map((event) => [
              String(event.seq).padStart(4),
              event.at.slice(11, 19),
              event.type,
              describeEvent(event),
            ]),
          ),
        );
        io.out((await verifyEvents([events])).summary);
      }),
    );
}

function exported(run: Command, context: CommandContext): void {
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

function verify(run: Command, context: CommandContext): void {
  run
    .command("verify")
    .description("check exported events offline, or with --local / without a file those of the newest run")
    .argument("[files...]", "files written by `run export`")
    .action(async (files: string[], _: unknown, command: Command) => {
      const report = async (verdict: Awaited<ReturnType<typeof verifyFiles>>, json: boolean) => {
        context.io.out(json ? JSON.stringify(verdict) : verdict.summary);
        if (!verdict.ok) context.exitCode(1);
      };
      if (files.length > 0) return report(await verifyFiles(files), command.optsWithGlobals().json === true);
      await withConnection(command, context, { live: false }, async (connection, { json }) => {
        const reader = await runReader(connection);
        const found = await findRun(connection, reader, undefined, undefined);
        await report(await verifyEvents([await reader.events(found)]), json);
      });
    });
}

function stateName(event: HistoryEvent): string {
  return event.stateEnteredEventDetails?.name ?? event.stateExitedEventDetails?.name ?? "";
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CountersignError("CS-5006", `${option}: '${value}' is not allowed; use a whole number from 1 on`);
}
