import type { Command } from "commander";
import { EVENT_COLUMNS, RECORD_COLUMNS } from "../../../audit/columns.js";
import { type Evidence, exportLines, type RunSource, recordLines } from "../../../audit/export.js";
import { runRecord } from "../../../audit/record.js";
import { bucketArchive, evidenceOf } from "../../../client/archive.js";
import type { Connection } from "../../../client/connection.js";
import { csvLines } from "../../../client/export-convert.js";
import { cutOffJob, type ExportJob, exportToFile, FORMATS } from "../../../client/export-file.js";
import { type Continuation, type Selection, selectedRuns } from "../../../client/export-source.js";
import { findRun, runReader } from "../../../client/runs.js";
import { CountersignError } from "../../../errors.js";
import { type CommandContext, withConnection } from "../../context.js";
import type { Io } from "../../io.js";
import { oneOf, positive, timeOption } from "../../options.js";
import { grouped, progressOn } from "../../progress.js";

interface Options {
  readonly workflow?: string;
  readonly all?: boolean;
  readonly tenant?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly until?: string;
  readonly approver?: string;
  readonly policy?: string;
  readonly limit?: string;
  readonly events?: boolean;
  readonly records?: boolean;
  readonly format: string;
  readonly out?: string;
  readonly resume?: boolean;
}
/** Any of these asks for many runs. */
const MANY = ["all", "tenant", "outcome", "since", "until", "approver", "policy", "limit"] as const;

export function exportCommand(run: Command, context: CommandContext): void {
  run
    .command("export")
    .description("events (or run records) of one run or of many (the newest run, without an id)")
    .argument("[run-id]")
    .option("--workflow <workflow>", "of this workflow")
    .option("--all", "every run")
    .option("--tenant <tenant>", "runs of this tenant")
    .option("--outcome <status>", "runs that ended so, e.g. refunded; also open and refused")
    .option("--since <time>", "runs started then or later: a UTC day or time, or 7d, 24h, 30m ago")
    .option("--until <time>", "runs started before")
    .option("--approver <email>", "runs that this person decided about")
    .option("--policy <id>", "runs in which the policy with this @id allowed, asked or denied")
    .option("--limit <n>", "at most so many runs, the oldest first")
    .option("--events", "one line an event: what `verify` and `replay` read (default)")
    .option("--records", "one line a run: the run record")
    .option("--format <format>", "jsonl, csv or parquet; several by commas go to <out>.jsonl, <out>.csv …", "jsonl")
    .option("--out <file>", "write to this file instead of standard output")
    .option("--resume", "continue the cut-off export of --out, with what was asked for then")
    .action(async (runId: string | undefined, options: Options, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        if (options.resume === true)
          return toFile(connection, await resumed(options, runId), options.out ?? "", true, io, json);
        const formats = options.format.split(",").map((format) => oneOf("--format", format, FORMATS));
        const job = await asked(connection, options, runId, formats);
        if (options.out === undefined)
          return print(io, job, selectedRuns(connection, job.selection), await signedOf(connection, job));
        for (const format of formats) {
          const file = formats.length === 1 ? options.out : `${options.out}.${format}`;
          await toFile(connection, { ...job, format }, file, false, io, json);
        }
      }),
    );
}

async function toFile(
  connection: Connection,
  job: ExportJob,
  file: string,
  resume: boolean,
  io: Io,
  json: boolean,
): Promise<void> {
  const progress = progressOn(io, json);
  const began = performance.now();
  const source = (continued?: Continuation) => selectedRuns(connection, job.selection, continued);
  const evidence = await signedOf(connection, job);
  const written = await exportToFile(file, job, source, {
    resume,
    ...(evidence === undefined ? {} : { evidence }),
    progress: ({ runs, lines, bytes }) =>
      progress.show(
        () =>
          `${grouped(runs)} runs, ${grouped(lines)} lines, ${(bytes / 1e6).toFixed(1)} MB, ${grouped(Math.round((lines * 1000) / (performance.now() - began)))} lines/s`,
      ),
  });
  progress.done();
  if (json) return io.out(JSON.stringify({ file, ...written }));
  io.err(`${file}: ${written.lines} lines, ${written.runs} ${written.runs === 1 ? "run" : "runs"}`);
}

async function resumed(options: Options, runId: string | undefined): Promise<ExportJob> {
  const given = [...MANY, "workflow", "events", "records"].find((name) => Reflect.get(options, name) !== undefined);
  if (options.out === undefined || runId !== undefined || given !== undefined || options.format !== "jsonl")
    throw new CountersignError(
      "CS-5006",
      "run export --resume: takes --out alone; what to export and in which format is what was asked for when it began",
    );
  return cutOffJob(options.out);
}

async function asked(
  connection: Connection,
  options: Options,
  runId: string | undefined,
  [format = "jsonl", ...more]: readonly ExportJob["format"][],
): Promise<ExportJob> {
  if (options.events === true && options.records === true)
    throw new CountersignError("CS-5006", "run export: --events and --records exclude each other; choose one");
  if (options.out === undefined && (format === "parquet" || more.length > 0))
    throw new CountersignError(
      "CS-5006",
      `--format: '${options.format}' does not go to standard output; give --out <file>`,
    );
  const what = { v: 1, shape: options.records === true ? "records" : "events", format } as const;
  const many = MANY.filter((name) => options[name] !== undefined);
  const workflows = options.workflow === undefined ? await connection.workflows() : [options.workflow];
  if (many.length > 0 && runId !== undefined)
    throw new CountersignError(
      "CS-5006",
      `run export: a run id and --${many[0]} exclude each other; name a run, or say which runs`,
    );
  if (many.length > 0) return { ...what, selection: selectionOf(options, workflows) };
  const reader = await runReader(connection);
  const run = await findRun(connection, reader, runId, options.workflow);
  const { workflow, tenant, runId: found } = run;
  return { ...what, selection: { workflows: [workflow], run: { workflow, tenant, runId: found }, filter: {} } };
}

function selectionOf(options: Options, workflows: string[]): Selection {
  const nowMs = Date.now();
  const { tenant, outcome, approver, policy, since, until, limit } = options;
  return {
    workflows,
    ...(since === undefined ? {} : { from: timeOption("--since", since, nowMs) }),
    ...(until === undefined ? {} : { until: timeOption("--until", until, nowMs) }),
    ...(limit === undefined ? {} : { limit: positive("--limit", limit) }),
    filter: {
      ...(tenant === undefined ? {} : { tenant }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(approver === undefined ? {} : { approver }),
      ...(policy === undefined ? {} : { policy }),
    },
  };
}

/** Checkpoints and digests go into what `verify` reads, and into no table. */
async function signedOf(
  connection: Connection,
  { shape, format, selection }: ExportJob,
): Promise<Evidence | undefined> {
  if (shape !== "events" || format !== "jsonl") return undefined;
  return evidenceOf(await bucketArchive(connection), wholeWorkflows(selection));
}

/** The workflows of which every run is asked for: then none that a digest lists may be missing. */
function wholeWorkflows({ workflows, run, from, until, limit, filter }: Selection): readonly string[] | undefined {
  const isNarrowed = [run, from, until, limit].some((each) => each !== undefined) || Object.keys(filter).length > 0;
  return isNarrowed ? undefined : workflows;
}

async function print(io: Io, { shape, format }: ExportJob, runs: RunSource, evidence?: Evidence): Promise<void> {
  const lines =
    format === "csv"
      ? shape === "events"
        ? csvLines(EVENT_COLUMNS, each(runs))
        : csvLines(RECORD_COLUMNS, records(runs))
      : shape === "events"
        ? exportLines(runs, [], evidence)
        : recordLines(runs);
  for await (const line of lines) io.out(line);
}

async function* each(runs: RunSource) {
  for await (const events of runs) yield* events;
}
async function* records(runs: RunSource) {
  for await (const events of runs) if (events.length > 0) yield runRecord(events);
}
